"""Two sweeps against each other: a planted difference is found, and none is claimed where none is."""

from __future__ import annotations

import json
import math
import random
from itertools import combinations

import pytest
from click.testing import CliRunner

from tests.tuner.sweeps import Sweep as Events
from tests.tuner.sweeps import constant
from tuner import Result, Sweep, TunerError
from tuner.cli import main
from tuner.journal import Journal


def sweep(storage, name, *trials, problem="burgers1d", seed=0, **specification):
    """A finished sweep of trials, each the arguments of `Events.trial`."""
    events = Events(problem=problem, **specification)
    for errors, keys in trials:
        events.trial(errors, **keys)
    asked = Sweep(name=name, problem=problem, seed=seed, storage=str(storage))
    with Journal(asked.folder / "journal.jsonl") as journal:
        closed = {"event": "closed", "status": "finished", "reason": ""}
        journal.append([*events.events, closed])
    (asked.folder / "sweep.yaml").write_text(asked.to_yaml())
    return Result(asked.folder)


def draws(seed, median, r=8):
    """Errors as seeds give them: they differ by a factor of two and more."""
    rng = random.Random(seed)
    return [[median * math.exp(rng.gauss(0, 0.4)) for _ in range(r)]] * 3


def test_a_planted_winner_is_named_with_its_interval(tmp_path):
    ours = sweep(tmp_path, "ours", (draws(1, 0.1), {"width": 8}))
    theirs = sweep(tmp_path, "theirs", (draws(2, 1.0), {"width": 16}))
    found = ours.compare(theirs)
    assert found.verdict == "better"
    low, high = found.winners.interval
    assert low < found.winners.found.ratio < high < 1
    assert theirs.compare(ours).verdict == "worse"
    said = "\n".join(found.lines())
    assert "ours has the smaller error in 8 of 8 equal-seed replicates" in said
    assert "p = 0.0078 (sign test): ours is better." in said


def test_with_no_true_difference_none_is_claimed_more_often_than_a_test_at_95_percent_may(
    tmp_path,
):
    sweeps = [
        sweep(tmp_path, f"s{k}", (draws(k, 0.5), {"width": 8, "batch": k})) for k in range(12)
    ]
    pairs = list(combinations(sweeps, 2))
    claimed = sum(ours.compare(theirs).verdict != "cannot tell" for ours, theirs in pairs)
    assert claimed <= 0.05 * len(pairs)


def test_few_replicates_tell_nothing_and_it_says_how_many_are_needed(tmp_path):
    ours = sweep(tmp_path, "ours", (constant(0.1, r=4), {"width": 8}))
    theirs = sweep(tmp_path, "theirs", (constant(9.0, r=4), {"width": 8}))
    found = ours.compare(theirs)
    assert found.verdict == "cannot tell"
    assert found.winners.interval is None
    said = "\n".join(found.lines())
    assert "no difference can be told; 6 are needed to tell any" in said
    assert "`confirm` in the sweeps trains them anew" in said


def test_points_that_both_have_tried_are_paired_after_as_many_epochs(tmp_path):
    widths = range(8, 16)
    ours = [(constant(0.1 * w, epochs=9), {"width": w}) for w in widths]
    theirs = [([[0.2 * w] * 4] * 3, {"width": w, "status": "stopped"}) for w in [*widths, 99]]
    a, b = sweep(tmp_path, "a", *ours), sweep(tmp_path, "b", *theirs)
    points = a.compare(b).points
    assert points.found.verdict == "better"
    assert points.found.ratio == pytest.approx(0.5)
    assert len(points.found.ours) == 8
    assert "smaller error in 8 of 8 points" in "\n".join(a.compare(b).lines())


def test_a_diverged_trial_loses_and_a_failed_one_says_nothing(tmp_path):
    ours = [(constant(0.5), {"width": w}) for w in range(4)]
    theirs = [
        (constant(0.4, epochs=1), {"width": 0, "status": "diverged"}),
        ([], {"width": 1, "status": "diverged"}),
        (constant(0.4, epochs=1), {"width": 2, "status": "failed"}),
        (constant(0.4), {"width": 3}),
    ]
    found = sweep(tmp_path, "a", *ours).compare(sweep(tmp_path, "b", *theirs)).points.found
    assert (found.better, found.worse, len(found.ours)) == (2, 1, 3)


def test_what_was_confirmed_speaks_with_its_fresh_errors(tmp_path):
    def confirmed(name, error):
        trials = [
            (constant(0.5, r=6), {"width": 8}),
            (constant(error, r=6), {"of": 1, "width": 8}),
        ]
        return sweep(tmp_path, name, *trials)

    found = confirmed("a", 0.3).compare(confirmed("b", 0.6))
    assert found.winners.found.ratio == pytest.approx(0.5)
    assert found.to_json()["winners"]["fresh_seeds"] is True
    said = "\n".join(found.lines())
    assert "a: trial 1, trained anew as trial 2: error 0.300" in said
    assert "flatters" not in said


def test_a_sweep_without_a_winner_is_compared_by_nothing(tmp_path):
    a = sweep(tmp_path, "a", (constant(0.5), {"width": 8}))
    b = sweep(tmp_path, "b", ([], {"width": 9, "status": "failed"}))
    found = a.compare(b)
    assert (found.winners, found.points, found.verdict) == (None, None, "cannot tell")
    assert "b: no winner" in "\n".join(found.lines())


def test_errors_of_different_problems_do_not_compare(tmp_path):
    a = sweep(tmp_path, "a", (constant(0.5), {}))
    b = sweep(tmp_path, "b", (constant(0.5), {}), problem="wave1d")
    with pytest.raises(TunerError, match="a is of burgers1d, b of wave1d"):
        a.compare(b)
    c = sweep(tmp_path, "c", (constant(0.5), {}), objectives=["mass"])
    with pytest.raises(TunerError, match="a minimises error, c mass"):
        a.compare(c)


def test_the_command_line_says_it_in_words_and_in_json(tmp_path):
    sweep(tmp_path, "ours", (draws(1, 0.1), {"width": 8}))
    sweep(tmp_path / "there", "ours", (draws(2, 1.0), {"width": 8}), seed=1)
    words = ["compare", "ours", "ours", "--storage", str(tmp_path)]
    words += ["--other-storage", str(tmp_path / "there")]
    said = CliRunner().invoke(main, words)
    assert said.exit_code == 0, said.output
    assert f"{tmp_path / 'ours'}: trial 1: error" in said.output.replace("\n", " ")
    told = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    assert told["verdict"] == told["winners"]["verdict"] == "better"
    assert told["winners"]["interval"][1] < 1
    assert told["best"][0] == {"trial": 1, "error": pytest.approx(0.1, rel=0.5), "epochs": 3}
    missing = CliRunner().invoke(main, ["compare", "ours", "none", "--storage", str(tmp_path)])
    assert missing.exit_code == 2
