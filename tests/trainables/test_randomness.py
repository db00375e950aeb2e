import pytest
import torch

from trainables.randomness import Generators


def test_a_replicate_draws_the_same_alone_and_among_others():
    alone, among = Generators.from_seed(5, 1), Generators.from_seed(5, 4)
    for _ in range(3):
        assert torch.equal(alone.normal(1, 7), among.normal(4, 7)[:1])
        assert torch.equal(alone.uniform(1, 3, 2), among.uniform(4, 3, 2)[:1])


def test_seeds_purposes_and_replicates_are_unrelated():
    draws = [
        Generators.from_seed(seed, 2, purpose).uniform(2, 4)
        for seed in (0, 1)
        for purpose in (0, 1)
    ]
    rows = torch.cat(draws)
    assert len({tuple(row.tolist()) for row in rows}) == len(rows)


def test_a_saved_state_goes_on():
    first, second = Generators.from_seed(0, 3), Generators.from_seed(9, 3)
    first.normal(3, 5)
    second.set_state(first.get_state())
    assert torch.equal(first.normal(3, 5), second.normal(3, 5))


def test_a_first_axis_other_than_r_is_refused():
    with pytest.raises(ValueError, match="r = 3"):
        Generators.from_seed(0, 3).uniform(2, 5)
