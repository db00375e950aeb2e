import pytest

from trainables.finishes import LBFGS, NoFinish


def test_lbfgs_begins_with_its_share_of_the_budget():
    for share, first in ((0.2, 80), (0.25, 75), (1.0, 0)):
        begun = [LBFGS(share=share).begins(step / 100) for step in range(101)]
        assert begun == [step >= first for step in range(101)]


def test_without_a_finish_nothing_begins():
    assert not any(NoFinish().begins(step / 100) for step in range(101))


@pytest.mark.parametrize(
    "wrong", [{"share": 0.0}, {"share": 1.5}, {"memory": 0}, {"batches": 0}], ids=str
)
def test_what_makes_no_sense_is_refused(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name}={value}.*expected"):
        LBFGS(**wrong)
