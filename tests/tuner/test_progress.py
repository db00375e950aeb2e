"""How a sweep is doing, as numbers and in a line."""

import io

import pytest

from tests.tuner.sweeps import Sweep as Events
from tests.tuner.sweeps import constant
from tuner import Sweep
from tuner.progress import Progress, Snapshot


def sweep_of(**keys):
    return Sweep(name="s", problem="burgers1d", **keys)


def at(clock, events):
    """The table after so many seconds of work."""
    events.events[-1]["clock"] = clock
    return events.table(closed=None)


def test_time_left_is_what_is_to_come_at_the_speed_so_far():
    events = Events().trial(constant(0.5), origin="default").trial(constant(0.4))
    events.trial(constant(0.3, epochs=1), "running")
    now = Snapshot.of(at(7.0, events), sweep_of(budget={"trials": 4, "epochs": 3}))
    # 7 epochs in 7 s; 2 of the third trial and 3 of the fourth are to come
    assert now.seconds_left == pytest.approx(5.0)
    assert "2/4 trials done · 1 running" in now.line()
    assert now.line().endswith("1.0 epochs/s · about 5 s left")


def test_with_seconds_as_fidelity_the_work_is_counted_in_seconds():
    events = Events(fidelity="seconds", trial_seconds=6.0)
    events.trial(constant(0.5), origin="default", seconds=2.0)
    events.trial(constant(0.4, epochs=1), "running", seconds=2.0)
    budget = {"trials": 3, "epochs": 99, "trial_seconds": 6.0}
    now = Snapshot.of(at(4.0, events), sweep_of(fidelity="seconds", budget=budget))
    # 8 s of training in 4 s; 4 s of the second trial and 6 s of the third are to come
    assert now.seconds_left == pytest.approx(5.0)


def test_repetitions_are_counted_apart_and_the_winner_has_their_error():
    events = Events().trial(constant(0.5), origin="default").trial(constant(0.2))
    events.trial(constant(0.3), of=2)
    sweep = sweep_of(budget={"trials": 2, "epochs": 3}, confirm=2)
    now = Snapshot.of(at(9.0, events), sweep)
    assert (now.trials, now.confirmed, now.to_confirm) == (2, 1, 2)
    assert now.seconds_left == pytest.approx(3.0)  # 9 epochs in 9 s, 3 are to come
    assert "2/2 trials done · 0 running · 1/2 confirmed with fresh seeds" in now.line()
    assert "best 0.300 (0.276 to 0.324 over 4 replicates) by trial 2" in now.line()


def test_it_says_that_ray_starts_at_the_first_table_and_not_before(tmp_path):
    stream = io.StringIO()
    sweep = sweep_of(storage=str(tmp_path), budget={"trials": 4, "epochs": 3})
    with Progress(sweep, stream) as progress:
        assert stream.getvalue() == ""  # the sweep may still be refused
        progress(Events().table(closed=None))
        first = f"s: up to 4 trials, in {tmp_path}/s; starting Ray …\n"
        assert stream.getvalue() == first
        progress(Events().trial(constant(0.5)).table(closed=None))
    assert stream.getvalue().removeprefix(first).startswith("1/4 trials done")
