"""Who wins: by fidelity, by what is required, by several objectives, and by fresh seeds."""

import math

import pytest

from tests.tuner.tables import report, table, trial
from tuner.ledger import replay
from tuner.ranking import (
    Score,
    best,
    confirmed,
    contenders,
    nearest,
    pareto,
    pareto_set,
    ranks,
    value,
)


def measured(number, error, ended="finished", seconds=1.0, **metrics):
    """A trial of one epoch with a metric or two."""
    said = report(1, error, metrics={name: [x] for name, x in metrics.items()})
    said["seconds"] = seconds
    events = trial(number, {"x": number})
    events.append({"event": "reported", "trial": number, "segment": 1, "report": said})
    if ended:
        events.append({"event": "ended", "trial": number, "status": ended, "reason": ""})
    return events


def again(number, of, error, ended="finished"):
    """A trial that repeats another."""
    events = measured(number, error, ended)
    return [{**events[0], "origin": "confirm", "of": of}, *events[1:]]


def numbers(trials):
    return [trial.number for trial in trials]


def test_finished_trials_are_compared_even_if_they_took_different_fidelity():
    known = table(
        measured(1, 0.3, seconds=60.0),
        measured(2, 0.2, seconds=40.0),  # all of its epochs in less time
        measured(3, 0.1, "stopped", seconds=50.0),
        fidelity="seconds",
        trial_seconds=60.0,
    )
    assert numbers(contenders(known)) == [1, 2]
    assert best(known).number == 2


def test_what_misses_a_requirement_cannot_win_and_the_nearest_is_known():
    bounds = {"repairs": {"at_most": 0.01, "at_least": None}}
    known = table(measured(1, 0.1, repairs=0.03), measured(2, 0.2, repairs=0.005), require=bounds)
    assert best(known).number == 2
    missed = table(measured(1, 0.1, repairs=0.03), measured(2, 0.2, repairs=0.02), require=bounds)
    assert best(missed) is None
    assert nearest(missed).number == 2


def test_a_metric_that_is_not_reported_is_infinitely_bad():
    known = table(measured(1, 0.1))
    last = known.trials[1].reports[-1]
    assert value(last, "nothing") == math.inf
    assert best(table(measured(1, 0.1), require={"nothing": {"at_most": 1.0}})) is None


def test_the_pareto_set_is_what_nothing_dominates():
    known = table(
        measured(1, 0.1, seconds=9.0),
        measured(2, 0.2, seconds=3.0),
        measured(3, 0.25, seconds=5.0),  # worse than trial 2 in both
        measured(4, 0.4, seconds=1.0),
        measured(5, 0.05, "stopped", seconds=0.5),
        objectives=["error", "seconds"],
    )
    assert numbers(pareto_set(known)) == [1, 2, 4]
    assert best(known).number == 1


def test_with_one_objective_the_pareto_set_is_the_least():
    scores = [Score(1, (0.3,)), Score(2, (0.2,)), Score(3, (0.2,)), Score(4, (0.1,), 1.0)]
    assert [score.trial for score in pareto(scores)] == [2, 3]
    assert pareto([]) == []


def test_ranks_put_what_is_not_feasible_last_and_share_places():
    scores = [Score(1, (0.3,)), Score(2, (0.2,)), Score(3, (0.2,)), Score(4, (0.1,), 1.0)]
    assert ranks(scores) == {2: 1, 3: 1, 1: 3, 4: 4}


def test_the_winner_is_the_best_with_fresh_seeds():
    known = table(
        measured(1, 0.5),
        measured(2, 0.1),
        measured(3, 0.2),
        again(4, 2, 0.4),
        again(5, 3, 0.3),
        again(6, 1, 0.5),
    )
    assert numbers(confirmed(known)) == [3, 2, 1]
    assert best(known).number == 3
    assert numbers(contenders(known)) == [1, 2, 3]


def test_while_a_repetition_runs_the_search_decides():
    known = table(measured(1, 0.1), measured(2, 0.2), again(3, 1, 0.4), again(4, 2, 0.3, ""))
    assert confirmed(known) == []
    assert best(known).number == 1


@pytest.mark.parametrize("ended", ["diverged", "failed"])
def test_what_does_not_hold_up_with_fresh_seeds_cannot_win(ended):
    known = table(measured(1, 0.1), measured(2, 0.2), again(3, 1, 0.1, ended))
    assert confirmed(known) == []
    assert best(known).number == 2
    assert best(table(measured(1, 0.1), again(2, 1, None, ended))) is None


def test_repetitions_are_not_shown_to_searchers():
    known = table(measured(1, 0.5), again(2, 1, 0.4))
    assert numbers(known.searched) == [1]
    assert replay([]).searched.best() is None
