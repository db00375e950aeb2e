import math

import pytest

from tests.tuner.tables import report, table, trial
from tuner.ledger import Ledger, replay
from tuner.table import Status


def test_a_trial_goes_through_its_life():
    ledger = Ledger()
    for event in trial(1, {"x": 1}, [0.5, (0.4, 0.2)]):
        ledger.apply(event)
    running = ledger.table.trials[1]
    assert (running.status, running.epochs, running.live) == (Status.RUNNING, 2, True)
    assert running.error == pytest.approx(0.3)
    ledger.apply({"event": "paused", "trial": 1, "reason": "later"})
    assert ledger.table.trials[1].status is Status.PAUSED
    ledger.apply({"event": "started", "trial": 1, "segment": 2, "epoch": 2})
    ledger.apply({"event": "faulted", "trial": 1, "segment": 2, "reason": "boom"})
    broken = ledger.table.trials[1]
    assert (broken.status, broken.live, broken.faults, broken.segments) == (
        Status.RUNNING, False, 1, 2,
    )  # fmt: skip
    ledger.apply({"event": "ended", "trial": 1, "status": "failed", "reason": "boom"})
    assert ledger.table.trials[1].ended


def test_the_view_shows_the_present_state_and_cannot_be_written_to():
    ledger = Ledger()
    view = ledger.table
    ledger.apply(trial(1, {})[0])
    assert len(view) == 1
    with pytest.raises(TypeError):
        view.trials[2] = view.trials[1]


def test_an_epoch_that_is_told_twice_counts_once():
    events = trial(1, {}, [0.5, 0.4])
    again = {"event": "reported", "trial": 1, "segment": 2, "report": report(2, 9.9)}
    assert replay([*events, again]).trials[1].error == 0.4
    assert len(replay([*events, again]).trials[1].reports) == 2


def test_a_trial_knows_when_its_segments_were_at_work_and_what_took_time_beside_the_training():
    took = {"starting": 0.5, "saving": 0.25}
    events = [
        {"event": "proposed", "trial": 1, "point": {}, "origin": "tpe", "seconds": 0.75},
        {"event": "started", "trial": 1, "segment": 1, "clock": 1.0},
        {"event": "reported", "trial": 1, "report": report(1, 0.5), "took": took, "clock": 3.0},
        {"event": "paused", "trial": 1, "reason": "", "clock": 3.5},
        {"event": "started", "trial": 1, "segment": 2, "clock": 7.0},
        {"event": "reported", "trial": 1, "report": report(2, 0.4), "took": took, "clock": 8.0},
        {"event": "opened", "clock": 8.5},
        {"event": "started", "trial": 1, "segment": 3, "clock": 9.0},
        {"event": "faulted", "trial": 1, "segment": 3, "reason": "boom", "clock": 9.5},
        {"event": "ended", "trial": 1, "status": "failed", "reason": "boom", "clock": 12.0},
    ]
    known = replay(events).trials[1]
    assert known.spans == ((1.0, 3.5), (7.0, 8.0), (9.0, 9.5))
    assert (known.proposing, known.starting, known.saving) == (0.75, 1.0, 0.5)


def test_errors_are_found_by_epoch():
    known = table(trial(1, {}, [0.5, 0.4, 0.3])).trials[1]
    assert [known.error_at(epoch) for epoch in (0, 1, 3, 4)] == [None, 0.5, 0.3, None]
    assert table(trial(1, {})).trials[1].error_at(1) is None


def test_the_best_is_sought_among_those_that_went_furthest():
    known = table(
        trial(1, {}, [0.9, 0.8, 0.7], "finished"),
        trial(2, {}, [0.9, 0.8, 0.6], "finished"),
        trial(3, {}, [0.1], "stopped"),
        trial(4, {}, [0.5, 0.5, (None, None)], "diverged"),
    )
    assert known.best().number == 2


def test_there_is_no_best_without_a_finite_error():
    assert table().best() is None
    assert table(trial(1, {}, [(None,)], "diverged")).best() is None


def test_a_new_driver_knows_that_nothing_is_running_yet():
    known = replay([*trial(1, {}, [0.5]), {"event": "opened", "pid": 1, "host": "h"}])
    assert known.trials[1].status is Status.RUNNING
    assert not known.trials[1].live


def test_a_trial_without_reports_is_infinitely_bad():
    assert math.isinf(table(trial(1, {})).trials[1].error)
