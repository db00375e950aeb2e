import pytest

from tests.tuner.tables import report
from tuner.insight.time_spent import time_spent
from tuner.ledger import replay


def two_slots():
    """Trial 1 is at work from 1 to 9, trial 2, which took 2 s to propose, from 4 to 8; then 2 s."""
    took = {"starting": 0.5, "saving": 0.25}

    def told(trial, epochs):
        return {**report(epochs, 0.5), "seconds": float(epochs)} | {"epoch": epochs}

    def event(kind, trial, clock, **more):
        return {"event": kind, "trial": trial, "clock": clock, **more}

    return replay(
        [
            event("proposed", 1, 1.0, point={}, origin="default", seconds=0.0),
            event("started", 1, 1.0, segment=1),
            event("proposed", 2, 4.0, point={}, origin="tpe", seconds=2.0),
            event("started", 2, 4.0, segment=1),
            event("reported", 2, 8.0, report=told(2, 3), took=took),
            event("ended", 2, 8.0, status="finished", reason=""),
            event("reported", 1, 9.0, report=told(1, 7), took=took),
            event("ended", 1, 9.0, status="finished", reason=""),
            {"event": "closed", "status": "finished", "reason": "", "clock": 11.0},
        ]
    )


def test_every_second_of_every_slot_went_somewhere():
    spent = time_spent(two_slots())
    assert (spent.slots, spent.whole) == (2, 22.0)
    assert (spent.training, spent.starting, spent.saving) == (10.0, 1.0, 0.5)
    assert spent.proposing == 2.0  # one slot was empty from 2 to 4
    assert spent.waiting == 8.5
    assert sum(spent.shares.values()) == pytest.approx(1.0)


def test_a_proposal_made_while_all_slots_are_busy_costs_nothing():
    events = []
    for trial, since in ((1, 0.0), (2, 0.0), (3, 5.0)):
        seconds = 3.0 if trial == 3 else 0.0
        told = {"point": {}, "origin": "tpe", "seconds": seconds, "clock": since}
        events.append({"event": "proposed", "trial": trial, **told})
        events.append({"event": "started", "trial": trial, "segment": 1, "clock": since})
        if trial == 2:
            done = {"status": "failed", "reason": "", "clock": 5.0}
            events.append({"event": "ended", "trial": 1, **done})
    spent = time_spent(
        replay([*events, {"event": "closed", "status": "x", "reason": "", "clock": 6.0}])
    )
    assert (spent.slots, spent.proposing) == (2, 0.0)


def test_a_table_without_times_has_none_spent():
    assert time_spent(replay([])).whole == 0.0
    assert set(time_spent(replay([])).shares.values()) == {0.0}
