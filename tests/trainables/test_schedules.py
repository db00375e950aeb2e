import pytest
import torch

from trainables.schedules import SCHEDULES, Constant, Cosine, Exponential, Plateau, Steps, warm_up

FALLING = -torch.arange(12.0).unsqueeze(1).expand(12, 2)  # (e, r)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_starts_at_one_and_stays_within_zero_and_one(name):
    schedule = SCHEDULES[name]()
    assert torch.as_tensor(schedule.scale(0.0, FALLING[:0])).eq(1.0).all()
    for tenth in range(11):
        scale = torch.as_tensor(schedule.scale(tenth / 10, FALLING[:tenth]))
        assert scale.shape in ((), (2,))
        assert ((scale > 0) & (scale <= 1)).all()


def test_the_values_are_those_worked_out_by_hand():
    assert Constant().scale(0.7, FALLING) == 1.0
    assert Exponential(final=0.01).scale(0.5, FALLING) == pytest.approx(0.1)
    assert Cosine(final=0.2).scale(0.5, FALLING) == pytest.approx(0.6)
    assert Cosine(final=0.2).scale(1.0, FALLING) == pytest.approx(0.2)
    steps = Steps(factor=0.5, first=0.2, second=0.6)
    scales = [steps.scale(tenth / 10, FALLING) for tenth in (1, 2, 5, 6, 10)]
    assert scales == [1.0, 0.5, 0.5, 0.25, 0.25]


def test_a_plateau_lowers_the_rate_of_the_replicate_that_stands_still():
    standing = torch.zeros(12)
    history = torch.stack([FALLING[:, 0], standing], dim=1)
    schedule = Plateau(factor=0.5, patience=3)
    assert schedule.scale(0.5, history[:3]).tolist() == [1.0, 1.0]
    assert schedule.scale(0.5, history[:4]).tolist() == [1.0, 0.5]  # best at 1, then 3 without
    assert schedule.scale(0.5, history[:7]).tolist() == [1.0, 0.25]


def test_warm_up_rises_in_a_straight_line():
    assert warm_up(0.05, 0.1) == pytest.approx(0.5)
    assert warm_up(0.1, 0.1) == 1.0
    assert warm_up(0.3, 0.0) == 1.0
