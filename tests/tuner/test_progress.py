"""How a sweep is doing, as numbers and in a line."""

import io
import re

import pytest
from rich.console import Console

from tests.tuner.sweeps import Sweep as Events
from tests.tuner.sweeps import constant
from tuner import Sweep
from tuner.live_view import rendered
from tuner.progress import Progress
from tuner.snapshot import Snapshot
from tuner.sparkline import sparkline


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


def test_ten_thousand_trials_are_not_ten_thousand_lines(tmp_path):
    stream = io.StringIO()
    sweep = sweep_of(storage=str(tmp_path), budget={"trials": 10_000, "epochs": 3})
    events = Events()
    with Progress(sweep, stream) as progress:
        for _ in range(50):  # in far less than the seconds in which each would have a line
            progress(events.trial(constant(0.5, epochs=1)).table(closed=None))
    lines = stream.getvalue().splitlines()
    assert len(lines) < 20
    assert lines[-1].startswith("50/10000 trials done")  # the last state is said


class Terminal(io.StringIO):
    """A stream of which rich believes that it is a terminal."""

    def isatty(self):
        return True


def seen(table, sweep, width=120, **more):
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    console.print(rendered(table, sweep, **more))
    return re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue())


def some():
    """Trial 1 has finished, 2 was stopped at a rung, 3 has diverged, 4 runs beyond the first rung."""
    events = Events(scheduler={"name": "asha", "eta": 3}, epochs=9)
    events.trial(constant(0.5, epochs=9), origin="default", width=8)
    events.trial(constant(0.8, epochs=1), "stopped", reason="asha: rank 3 of 3", width=16)
    events.trial(constant(0.7, epochs=2), "diverged", reason="loss is not finite", width=32)
    return events.trial(constant(0.4, epochs=4), "running", width=64)


def test_the_live_view_has_rungs_present_errors_and_who_ended_early():
    sweep = sweep_of(scheduler={"name": "asha", "eta": 3}, budget={"trials": 8, "epochs": 9})
    events = some()
    events._event("started", segment=1, epoch=0)
    shown = seen(events.table(closed=None), sweep, link="http://there", trouble="MLflow is away")
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "trial rung epoch error point" in lines
    assert "4 2/2 4/9 0.400 (0.368 to 0.432 over 4 replicates) width=64" in lines
    assert "trial 2 stopped after 1 epoch at 0.800: asha: rank 3 of 3" in lines
    assert "trial 3 diverged after 2 epochs: loss is not finite" in lines
    assert "charts: http://there" in lines
    assert "MLflow is away" in lines


def test_the_live_view_draws_the_best_error_and_fits_into_a_narrow_terminal():
    events = Events()
    for error in (0.8, 0.9, 0.4, 0.1):
        events.trial(constant(error), width=8)
    shown = seen(events.table(closed=None), sweep_of(), width=60)
    assert "best ██▆▁ 0.800 → 0.100" in shown
    assert max(map(len, shown.splitlines())) <= 60


def test_no_color_leaves_the_colours_out(monkeypatch):
    sweep = sweep_of(scheduler={"name": "asha", "eta": 3}, budget={"trials": 8, "epochs": 9})

    def colours():
        console = Console(file=Terminal(), width=120, color_system="auto")
        console.print(rendered(some().table(closed=None), sweep))
        return re.findall(r"\x1b\[[0-9;]*3[0-7]m", console.file.getvalue())

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert colours()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours()


def test_a_terminal_that_cannot_be_redrawn_gets_lines(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with Progress(sweep_of(storage=str(tmp_path)), stream) as progress:
        progress(Events().trial(constant(0.5)).table(closed=None))
    assert "1/32 trials done" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_sparkline_is_on_a_log_scale_and_leaves_lost_numbers_blank():
    assert sparkline([1000.0, 100.0, 10.0, 1.0]) == "█▆▃▁"
    assert sparkline([0.0, 1.0, 3.0]) == "▁▃█"  # a logarithm has no zero
    assert sparkline([float("inf"), 2.0, 1.0]) == " █▁"
    assert sparkline([2.0]) == "▁"
    assert sparkline([]) == ""
    assert sparkline([float(k) for k in range(1, 1001)], 10) == sparkline(
        [100.0 * k for k in range(1, 11)]
    )
