import pytest
import torch

from trainables.deqn import judging


def test_the_worst_is_the_largest_of_the_90th_percentiles():
    low, high = torch.linspace(0, 1, 101).expand(2, -1), torch.linspace(0, 2, 101).expand(2, -1)
    sizes = {"a": torch.stack([low[0], high[0]]), "b": torch.stack([high[1], low[1]])}
    torch.testing.assert_close(judging.worst(sizes), torch.tensor([1.8, 1.8]))


def test_a_summary_has_mean_percentiles_and_maximum():
    found = judging.summary({"a": torch.linspace(0, 1, 101).expand(1, -1)})
    assert {name: value.item() for name, value in found.items()} == pytest.approx(
        {"a/mean": 0.5, "a/q90": 0.9, "a/q99": 0.99, "a/max": 1.0}
    )


def test_every_fifth_period_after_a_hundred_is_visited_unless_told_otherwise():
    start, shocks = torch.zeros(1, 2, 1), torch.ones(350, 2, 1)
    middle, calm = torch.full((1, 1, 1), 7.0), torch.zeros(1)
    found, _ = judging.visited(lambda states, shock: states + shock, start, shocks, middle, calm)
    # after the step of period p, counted from 0, p + 1 of them are done; two paths, not the third
    assert found.shape == (1, 100, 1)
    assert found[0, ::2, 0].tolist() == list(range(101, 351, 5))


def test_beside_the_paths_one_without_surprises_comes_to_rest():
    def step(states, shock):
        return 0.5 * states + 1.0 + shock  # rests at 2

    start, shocks = torch.zeros(1, 2, 1), torch.randn(350, 2, 1)
    middle, calm = torch.full((1, 1, 1), 7.0), torch.zeros(1)
    _, rest = judging.visited(step, start, shocks, middle, calm)
    assert rest.shape == (1, 1, 1)
    assert rest.item() == pytest.approx(2.0)


def test_the_spectral_radius_is_that_of_the_matrix_of_a_linear_law_of_motion():
    # a rotation by any angle, shrunk to 0.8; the first column is no capital
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)

    def move(states):
        return torch.cat([states[..., :1], 0.8 * states[..., 1:] @ turn.T], dim=-1)

    rest, sides = (torch.full(shape, 4.0, dtype=torch.float64) for shape in ((1, 1, 3), (3,)))
    found = judging.spectral_radius(move, 0.0 * rest, sides, slice(1, None))
    assert found.item() == pytest.approx(0.8)


def test_there_is_no_spectral_radius_where_nothing_comes_to_rest():
    nowhere = torch.full((1, 1, 1), torch.inf)
    found = judging.spectral_radius(lambda states: states, nowhere, torch.ones(1), slice(0, 1))
    assert found.item() == torch.inf


def test_shocks_are_common_to_everybody():
    first, second = (judging.common_shocks().normal(5, 3) for _ in range(2))
    assert torch.equal(first, second)
    assert first.dtype == torch.float64
