"""What a sweep minimises and requires has to be measured."""

import pytest

from tuner import Sweep, SweepError
from tuner.execution import check


def sweep_of(**keys):
    """A small one whose searcher and scheduler take anything."""
    strategies = {"searcher": "random", "scheduler": "run_to_end"}
    return Sweep(**{"name": "s", "problem": "genz3", **strategies, **keys})


@pytest.mark.parametrize(
    "keys",
    [
        {"objectives": ["error", "seconds", "parameters"]},
        {"objectives": ["report"]},
        {"require": {"report": {"at_most": 1.0}, "parameters": {"at_most": 1000}}},
    ],
)
def test_what_every_report_has_and_what_the_problem_measures_is_accepted(keys):
    check(sweep_of(**keys))


def test_what_nothing_measures_is_refused_with_what_there_is():
    keys = {"objectives": ["eror"], "require": {"reports": {"at_most": 1.0}}}
    with pytest.raises(SweepError) as caught:
        check(sweep_of(**keys))
    first, second = caught.value.faults
    assert (first.path, second.path) == ("objectives.0", "require.reports")
    assert "genz3 does not report `eror`. Did you mean `error`? It has error, seconds" in str(
        first
    )
    assert "Did you mean `report`?" in str(second)


def test_a_metric_of_another_problem_is_refused():
    with pytest.raises(SweepError, match=r"burgers1d does not report `report`\. It has error, "):
        check(sweep_of(problem="burgers1d", objectives=["report"]))
