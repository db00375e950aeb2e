"""What the problems that learn from examples share."""

import pytest
import torch

from trainables.classic.digits import Digits
from trainables.classic.genz2d import Genz2D
from trainables.classic.regression10d import Regression10D
from trainables.randomness import Generators

every_problem = pytest.mark.parametrize("cls", [Genz2D, Regression10D, Digits])


def rows(tensor):
    return set(map(tuple, tensor.tolist()))


@every_problem
def test_the_three_sets_have_their_sizes_and_no_point_in_common(cls):
    sets = cls().sets()
    assert tuple(len(part.points) for part in sets) == cls.counts
    assert tuple(len(part.targets) for part in sets) == cls.counts
    assert len(rows(torch.cat([part.points for part in sets]))) == sum(cls.counts)


@every_problem
def test_batches_are_training_examples_with_their_own_targets(cls):
    problem = cls(batch_points=50)
    batch = problem.sample(Generators.from_seed(0, 2, dtype=torch.float64))
    examples = rows(torch.cat(problem.sets().train, dim=-1))
    drawn = [rows(replicate) for replicate in torch.cat(list(batch.values()), dim=-1)]
    assert drawn[0] | drawn[1] <= examples
    assert drawn[0] != drawn[1]


@every_problem
def test_another_seed_is_other_data(cls):
    ours, other = cls().sets().train.points, cls(seed=1).sets().train.points
    assert not torch.equal(ours, other)


def test_an_epoch_is_a_pass_over_the_training_set_unless_its_steps_are_given():
    assert Genz2D().steps_per_epoch == 16  # 1000 examples, 64 in a step
    assert Genz2D(batch_points=250).steps_per_epoch == 4
    assert Genz2D(batch_points=5000).steps_per_epoch == 1
    assert Genz2D(steps_per_epoch=7).steps_per_epoch == 7


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="batch_points=0: expected at least 1"):
        Genz2D(batch_points=0)
