import pytest
import torch

from trainables.deqn.simulated import Simulation
from trainables.randomness import Generators

# two tracks that count the periods, and start anew at 0 when they are no longer below 5
SIMULATION = Simulation(tracks=2, length=3, passes=2, batch=2)


def steps(simulation, count, r=2, limit=5.0):
    """The batches (r, b) and what is carried, over so many steps."""
    generator = Generators.from_seed(0, r)
    carried = simulation.start(torch.zeros(r, simulation.tracks, 1))
    batches = []
    for _ in range(count):
        states, carried = simulation.draw(
            carried,
            generator,
            move=lambda heads: heads + 1.0,
            inside=lambda heads: heads[..., 0] < limit,
            fresh=lambda: torch.zeros(r, simulation.tracks, 1),
        )
        batches.append(states[..., 0])
    return batches, carried


def test_each_pass_has_every_state_of_the_segment_once():
    batches, _ = steps(SIMULATION, 12)
    for first in (0, 3):
        one_pass = torch.cat(batches[first : first + 3], dim=1)
        assert one_pass.sort(dim=1).values.tolist() == [[0, 0, 1, 1, 2, 2]] * 2
    second = torch.cat(batches[6:9], dim=1)  # of the next segment: 3, 4, and what was put back
    assert second.sort(dim=1).values.tolist() == [[0, 0, 3, 3, 4, 4]] * 2


def test_the_tracks_go_on_where_the_last_segment_ended():
    _, carried = steps(SIMULATION, 7, limit=100.0)
    assert carried["pool"][0, :, 0].sort().values.tolist() == [3, 3, 4, 4, 5, 5]
    assert carried["heads"].flatten().tolist() == [6.0] * 4


def test_repairs_are_counted_as_a_share_of_the_segment_and_in_all():
    _, carried = steps(SIMULATION, 7)
    tally = SIMULATION.tally(carried)
    # 3, 4, and the 5 that is put back, on both tracks: 2 of the 6 moves of the second segment
    assert tally["repairs"].tolist() == pytest.approx([2 / 6] * 2)
    assert tally["repairs/total"].tolist() == [2.0] * 2


def test_states_that_are_not_finite_are_never_inside():
    carried = SIMULATION.start(torch.zeros(1, 2, 1))
    states, carried = SIMULATION.draw(
        carried,
        Generators.from_seed(0),
        move=lambda heads: heads * torch.nan,
        inside=lambda heads: torch.ones(1, 2, dtype=torch.bool),
        fresh=lambda: torch.ones(1, 2, 1),
    )
    assert states.isfinite().all()
    assert carried["repairs"].item() == 1.0


def test_two_passes_have_orders_of_their_own():
    simulation = Simulation(tracks=8, length=8, passes=2, batch=64)
    batches, _ = steps(simulation, 2)
    assert not torch.equal(batches[0], batches[1])


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"batch": 7}, "take a smaller batch"), ({"length": 0}, "length=0: expected at least 1")],
)
def test_what_cannot_be_simulated_is_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        Simulation(**{"tracks": 2, "length": 3, "passes": 2, "batch": 2, **fields})
