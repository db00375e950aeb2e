"""What every scheduler promises. A line in SCHEDULERS is tested without another line here."""

import math

import numpy as np
import pytest

from tests.tuner.tables import table, trial
from tuner.schedulers import SCHEDULERS, Verdict
from tuner.table import Ledger, Status

EPOCHS = 27

every_scheduler = pytest.mark.parametrize("name", SCHEDULERS)


def race(name, trials=30, seed=0):
    """Run trials against each other, one epoch at a time in random turns; what was decided."""
    rng, scheduler, ledger = np.random.default_rng(seed), SCHEDULERS[name](), Ledger()
    quality = rng.lognormal(size=trials)
    for number in range(1, trials + 1):
        for event in trial(number, {"x": 0.5}):
            ledger.apply(event)
    decided = []
    while running := ledger.table.having(Status.RUNNING):
        chosen = running[rng.integers(len(running))]
        epoch = chosen.epochs + 1
        error = quality[chosen.number - 1] * (1 + 1 / epoch)
        report = {"epoch": epoch, "steps": epoch, "seconds": 1.0, "error": [error]}
        ledger.apply({"event": "reported", "trial": chosen.number, "report": report})
        chosen = ledger.table.trials[chosen.number]
        if epoch == EPOCHS:
            end = {"event": "ended", "status": "finished", "reason": ""}
        else:
            decision = scheduler.decide(chosen, ledger.table)
            assert decision == scheduler.decide(chosen, ledger.table)
            decided.append((chosen.number, epoch, decision))
            if decision.verdict is Verdict.CONTINUE:
                continue
            kind = "ended" if decision.verdict is Verdict.STOP else "paused"
            end = {"event": kind, "status": "stopped", "reason": decision.reason}
        ledger.apply({**end, "trial": chosen.number})
        if resumed := scheduler.resume(ledger.table):
            assert resumed.status is Status.PAUSED
            number = resumed.trial.number
            ledger.apply({"event": "started", "trial": number, "segment": 2, "epoch": 0})
    return decided, ledger.table, quality


@every_scheduler
def test_a_replay_decides_the_same(name):
    first, _, _ = race(name)
    second, _, _ = race(name)
    assert first == second


@every_scheduler
def test_the_best_trial_runs_to_the_end(name):
    for seed in range(5):
        _, final, quality = race(name, seed=seed)
        best = final.trials[int(quality.argmin()) + 1]
        assert best.status is Status.FINISHED


@every_scheduler
def test_the_only_trial_is_never_stopped(name):
    _, final, _ = race(name, trials=1)
    assert final.trials[1].status is Status.FINISHED


@every_scheduler
def test_every_stop_has_a_reason_in_words(name):
    decided, _, _ = race(name)
    assert all(d.reason for _, _, d in decided if d.verdict is not Verdict.CONTINUE)


@every_scheduler
def test_nothing_is_resumed_where_nothing_is_paused(name):
    known = table(trial(1, {}, [1.0]), trial(2, {}, [2.0], "stopped"))
    assert SCHEDULERS[name]().resume(known) is None


@every_scheduler
def test_rungs_are_epochs_below_the_budget_in_order(name):
    rungs = SCHEDULERS[name]().rungs(EPOCHS)
    assert list(rungs) == sorted(set(rungs))
    assert all(1 <= rung < EPOCHS for rung in rungs)


@every_scheduler
def test_the_table_is_not_changed(name):
    known = table(trial(1, {}, [1.0]), trial(2, {}, [2.0]), trial(3, {}, [math.pi]))
    before = list(known)
    SCHEDULERS[name]().decide(known.trials[3], known)
    assert list(known) == before
