"""What grows with a sweep is measured on sweeps, and the numbers are of what they say."""

import itertools

import pytest

from benchmarks.scale import driver
from benchmarks.scale.real import once_warm
from benchmarks.scale.simulated import (
    EPOCHS,
    Work,
    driver_of,
    simulate,
    sweep_of,
    temporary_folder,
)


def sweep(trials, scheduler="run_to_end", **how):
    with temporary_folder() as folder, driver_of(sweep_of(folder, scheduler, trials)) as at_work:
        return simulate(at_work, **how), at_work


def test_a_simulated_sweep_runs_every_trial_and_counts_every_report():
    work, at_work = sweep(12)
    assert (at_work.table.status, len(at_work.table)) == ("finished", 12)
    assert len(work.after) == sum(trial.epochs for trial in at_work.table) == 12 * EPOCHS
    assert work.after == sorted(work.after)
    assert len(work.proposed) == 12


def test_the_last_trials_are_those_from_whose_proposal_on_reports_are_counted():
    work = Work(after=[1.0, 2.0, 4.0, 8.0, 12.0], proposed=[0, 0, 3])
    assert work.per_report == pytest.approx(12 / 5)
    assert work.of_last(1) == pytest.approx((12 - 4) / 2)
    assert work.of_last(100) == work.per_report


def test_slots_are_always_busy_for_a_driver_that_takes_no_time():
    work, _ = sweep(12, slots=3, epoch_seconds=2.0, clock=lambda: 0.0, waits=True)
    assert work.busy == pytest.approx(3 * work.makespan)


def test_slots_wait_while_the_driver_works():
    # an epoch of 1 s, then an answer that takes as long; so does each proposal
    work, _ = sweep(4, slots=1, epoch_seconds=1.0, clock=itertools.count().__next__, waits=True)
    assert work.makespan == 3 * (1 + 2 * EPOCHS) + 1
    assert work.busy == 3 * EPOCHS


def test_the_driver_part_prints_costs_by_size_beside_the_goals(capsys, monkeypatch):
    monkeypatch.setattr(driver, "SIZES", (8, 16))
    found = driver.main(schedulers=("asha_promotion",))
    said = capsys.readouterr().out
    assert "times from 8 to 16 trials; goal: at most 1.3" in said
    assert [row["trials"] for row in found["rows"]] == [8, 16]
    assert found["ratios"][0].keys() >= {"us a report", "bytes a trial"}


def test_what_slots_sleep_counts_from_when_all_have_reported_until_the_last_trial_starts():
    times = {1: (3.0, 4.0, 5.0, 6.0), 2: (5.0, 6.0, 7.5), 3: (8.0,)}
    events = [
        {"event": "started", "trial": trial, "time": at} for trial, at in ((1, 0), (2, 0), (3, 7))
    ]
    events += [
        {"event": "reported", "trial": trial, "time": at}
        for trial, row in times.items()
        for at in row
    ]
    # from 5 to 7: one slot slept from 5 to 6, the other from 5 to 6 and from 6.5 on
    assert once_warm(events, slots=2, seconds=1.0) == 2.5 / 4
    assert once_warm(events[:2] + events[3:], slots=2, seconds=1.0) is None
