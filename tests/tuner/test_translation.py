"""Events -> updates: what MLflow is to hold, without a database."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from tests.tuner.journals import (
    SPECIFICATION,
    YAML,
    closing,
    opening,
    report,
    reported,
    stamped,
    told,
    trial,
)
from tuner.ledger import replay
from tuner.translation import (
    ENTITIES,
    METRICS,
    PARAMS,
    SWEEP,
    TAGS,
    Batch,
    Metric,
    Translation,
    Update,
)


def points(update: Update) -> set[tuple[str, int, float, int]]:
    assert len(update.metrics) == len(set(update.metrics))
    return {(key, step, value, time) for key, value, time, step in update.metrics}


def texts(update: Update) -> tuple[dict[str, str], dict[str, str]]:
    """Params and tags as they are sent."""
    batches = list(update.batches())
    return (
        dict(pair for batch in batches for pair in batch.params),
        dict(pair for batch in batches for pair in batch.tags),
    )


def test_a_sweep_is_described_by_tags_a_note_and_its_file() -> None:
    update = Translation()(stamped(*opening()))[SWEEP]
    assert update.files == {"sweep.yaml": YAML}
    assert update.status == "RUNNING"
    note = update.tags.pop("mlflow.note.content")
    assert note.startswith("**Asked:** `burgers1d`, trials of up to 27 epochs; searcher tpe; ")
    assert note.endswith(f"```yaml\n{YAML.strip()}\n```\n")
    assert "tuner run sweep.yaml" in note
    assert update.tags == {
        "tuner.problem": "burgers1d",
        "tuner.searcher": "tpe",
        "tuner.scheduler": "asha",
        "tuner.seed": str(SPECIFICATION["seed"]),
        "tuner.status": "running",
        "tuner.reason": "",
    }


def test_tags_say_which_code_it_was_and_where_mlflow_looks_for_it() -> None:
    sweep, opened = opening()
    sweep["versions"] = {"tuner": "0.1.0", "commit": "3f2a91c-dirty"}
    update = Translation()(stamped(sweep, opened))[SWEEP]
    assert update.tags["tuner.version"] == "0.1.0"
    assert update.tags["tuner.commit"] == "3f2a91c-dirty"
    assert update.tags["mlflow.source.git.commit"] == "3f2a91c"
    assert "```sh\ngit checkout 3f2a91c\n" in update.tags["mlflow.note.content"]


def test_the_best_of_trials_as_they_end_is_that_of_the_table() -> None:
    def ending(number: int, error: float, end: str) -> list[dict[str, Any]]:
        first, *_ = trial(number, 0, end="")
        said = reported(number, report(1, error=(error,) * 3))
        return [first, said, {"event": "ended", "trial": number, "status": end, "reason": ""}]

    rng = random.Random(0)
    ends = ["stopped"] * 5 + rng.choices(["finished", "stopped", "diverged", "failed"], k=40)
    errors = [rng.choice([0.1, 0.2, 0.3, math.inf]) for _ in ends]
    events = stamped(
        *opening(),
        *(
            event
            for number, (error, end) in enumerate(zip(errors, ends, strict=True), start=1)
            for event in ending(number, error, end)
        ),
    )
    charted = {
        step: value
        for key, step, value, _ in points(Translation()(events)[SWEEP])
        if key == "best_error"
    }
    over = [n for n, event in enumerate(events, start=1) if event["event"] == "ended"]
    for ended, n in enumerate(over, start=1):
        best = replay(events[:n]).best()
        assert charted.get(ended) == (best and best.error)


def test_what_became_of_a_trial_at_each_rung_is_told() -> None:
    paused = {"event": "paused", "trial": 1, "reason": "rank 1 of 3"}
    going_on = {"event": "started", "trial": 1, "segment": 2, "epoch": 1}
    stopped = {"event": "ended", "trial": 1, "status": "stopped", "reason": "rank 9 of 9"}
    more = [reported(1, report(epoch)) for epoch in (2, 3)]
    events = stamped(*opening(), *trial(1, 1, end=""), paused, going_on, *more, stopped)
    update = Translation()(events)[1]
    assert update.tags["tuner.rungs"].split("\n") == [
        "epoch 1: waits; rank 1 of 3",
        "epoch 1: goes on",
        "epoch 3: stopped; rank 9 of 9",
    ]
    rungs = {(m.step, m.value) for m in update.metrics if m.key == "rung"}
    assert rungs == {(1, 1.0), (3, 2.0)}


def test_a_scheduler_that_is_not_known_has_no_rungs() -> None:
    for scheduler in ("ray.tune:Some", {"name": "asha", "eta": "x"}, {"name": "asha", "b": 1}, 7):
        sweep, opened = opening()
        sweep["specification"] = {**SPECIFICATION, "scheduler": scheduler}
        update = Translation()(stamped(sweep, opened, *trial(1, 3)))[1]
        assert "rung" not in {metric.key for metric in update.metrics}


def test_every_number_of_a_report_becomes_a_metric() -> None:
    events = stamped(*opening(), *trial(1, 5), *trial(2, 3, end=""))
    updates = Translation()(events)
    assert len(points(updates[1])) == 5 * 9 + 2  # at the rungs of epochs 1 and 3
    assert points(updates[1]) == told(events, 1)
    assert points(updates[2]) == told(events, 2)
    assert updates[2].params == {
        "width": "16",
        "rate": "0.05",
        "balancer": "relobralo",
        "origin": "tpe",
    }


def test_in_pieces_is_as_good_as_at_once() -> None:
    events = stamped(*opening(), *trial(1, 3), *trial(2, 2, end="diverged"), closing())
    at_once, in_pieces = Translation()(events), Translation()
    metrics: dict[int, list[Metric]] = {}
    tags: dict[int, dict[str, str]] = {}
    for event in events:
        for number, update in in_pieces([event]).items():
            metrics.setdefault(number, []).extend(update.metrics)
            tags.setdefault(number, {}).update(update.tags)
    assert metrics == {number: update.metrics for number, update in at_once.items()}
    assert tags == {number: update.tags for number, update in at_once.items()}


def test_the_parent_charts_the_best_so_far() -> None:
    worse = [reported(2, report(epoch, error=(9.0, 9.0, 9.0))) for epoch in (1, 2, 3)]
    ending = {"event": "ended", "trial": 2, "status": "finished", "reason": ""}
    events = stamped(*opening(), *trial(1, 3), *trial(2, 0, end=""), *worse, ending)
    ends = [int(event["time"] * 1000) for event in events if event["event"] == "ended"]
    best = replay(events).trials[1].error
    assert points(Translation()(events)[SWEEP]) == {
        ("best_error", 1, best, ends[0]),
        ("best_error", 2, best, ends[1]),
    }


def test_the_note_of_a_closed_sweep_says_who_won_and_what_the_default_gave() -> None:
    events = stamped(*opening(), *trial(1, 2), *trial(2, 3), closing())
    note = Translation()(events)[SWEEP].tags["mlflow.note.content"]
    assert (
        "**Found:** Trial 2 (balancer relobralo) won: "
        "error 0.167 (0.100 to 0.300 over 3 replicates) after 3 epochs. "
    ) in note
    assert "Against the default point, trial 1, with 0.250 " in note
    assert "| 1 | 0.250 (0.150 to 0.450 over 3 replicates) | 2 | finished |" in note
    assert "| width | 16 |" in note
    assert YAML.strip() in note


def test_a_default_point_that_never_reported_is_said() -> None:
    events = stamped(*opening(), *trial(1, 0, end="failed"), *trial(2, 1), closing())
    note = Translation()(events)[SWEEP].tags["mlflow.note.content"]
    assert "The default point, trial 1, has no error to compare with (failed)." in note


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("finished", "FINISHED"),
        ("stopped", "FINISHED"),
        ("diverged", "FINISHED"),
        ("failed", "FAILED"),
    ],
)
def test_every_way_to_end_has_its_status(end: str, status: str) -> None:
    events = stamped(*opening(), *trial(1, 1, end=end))
    update = Translation()(events)[1]
    assert update.status == status
    assert update.end == int(events[-1]["time"] * 1000)
    assert update.tags["tuner.status"] == end
    assert update.tags["tuner.reason"] == ("" if end == "finished" else f"it {end}")
    assert update.tags.get("tuner.diverged") == ("it diverged" if end == "diverged" else None)


def test_a_paused_trial_is_scheduled_and_runs_when_it_goes_on() -> None:
    translate = Translation()
    paused = {"event": "paused", "trial": 1, "reason": "rung 1"}
    going_on = {"event": "started", "trial": 1, "segment": 2, "epoch": 1}
    *before, last = stamped(*opening(), *trial(1, 1, end=""), paused, going_on)
    update = translate(before)[1]
    assert (update.status, update.end) == ("SCHEDULED", None)
    assert update.tags["tuner.reason"] == "rung 1"
    update = translate([last])[1]
    assert (update.status, update.end) == ("RUNNING", None)
    told = "epoch 1: waits; rung 1\nepoch 1: goes on"
    assert update.tags == {"tuner.status": "running", "tuner.reason": "", "tuner.rungs": told}


@pytest.mark.parametrize(
    ("status", "expected"),
    [("finished", "FINISHED"), ("interrupted", "KILLED"), ("failed", "FAILED")],
)
def test_the_sweep_has_a_status_and_runs_again_when_reopened(status: str, expected: str) -> None:
    translate = Translation()
    *before, again = stamped(*opening(), closing(status), opening()[1])
    update = translate(before)[SWEEP]
    assert (update.status, update.end) == (expected, int(before[-1]["time"] * 1000))
    update = translate([again])[SWEEP]
    assert (update.status, update.end) == ("RUNNING", None)


def test_an_epoch_that_is_told_again_changes_nothing() -> None:
    again = [reported(1, report(2)), reported(1, report(3, error=(7.0, 7.0, 7.0)))]
    events = stamped(*opening(), *trial(1, 3, end=""), *again, reported(1, report(4)))
    update = Translation()(events)[1]
    assert [metric.step for metric in update.metrics if metric.key == "error"] == [1, 2, 3, 4]
    assert points(update) == told(events, 1)


def test_what_is_not_finite_is_left_out_and_the_tag_says_why() -> None:
    translate = Translation()
    one_lost = report(2, error=(0.5, 0.5, math.inf))
    lost = report(3, error=(math.inf, math.inf, 0.5)) | {"diverged": "loss `pde` is not finite"}
    events = stamped(*opening(), *trial(1, 1, end=""), reported(1, one_lost), reported(1, lost))
    first, second = translate(events[:-1])[1], translate(events[-1:])[1]
    assert first.tags["tuner.diverged"] == "epoch 2: not finite: error/q90"
    assert second.tags["tuner.diverged"] == "loss `pde` is not finite"
    assert points(first) | points(second) == told(events, 1)
    assert all(math.isfinite(metric.value) for metric in first.metrics + second.metrics)
    assert "error" not in {metric.key for metric in second.metrics}


def test_long_values_and_odd_names_are_made_to_fit() -> None:
    point: dict[str, Any] = {"layers": "64 " * 3000, "a//b/../λ!": 1e-3, "text": "as it is"}
    params, _ = texts(Translation()(stamped(*opening(), *trial(1, 1, **point)))[1])
    assert len(params["layers"]) == 6000
    assert params["layers"].endswith("(cut)")
    assert params["a/b/λ_"] == "0.001"
    assert params["text"] == "as it is"


def test_a_sweep_file_too_long_for_a_note_is_cut_there() -> None:
    sweep = opening()[0] | {"yaml": "# word\n" * 3000}
    events = stamped(sweep, opening()[1], *trial(1, 1), closing())
    note = Translation()(events)[SWEEP].tags["mlflow.note.content"]
    assert len(note) <= 8000
    assert "Trial 1 (balancer relobralo) won" in note
    assert note.endswith("(cut)\n```\n")


def test_batches_hold_no_more_than_a_request_may() -> None:
    update = Update(
        time=0,
        metrics=[Metric("error", 0.5, 0, step) for step in range(2500)],
        params={f"p{number}": "" for number in range(250)},
        tags={f"t{number}": "" for number in range(150)},
    )
    batches = list(update.batches())
    for batch in batches:
        sizes = len(batch.metrics), len(batch.params), len(batch.tags)
        assert all(size <= most for size, most in zip(sizes, (METRICS, PARAMS, TAGS), strict=True))
        assert sum(sizes) <= ENTITIES
    assert [metric for batch in batches for metric in batch.metrics] == update.metrics
    assert texts(update) == (update.params, update.tags)


def seconds(number: int, seconds: float, error: float) -> list[dict[str, Any]]:
    """A finished trial of one epoch that took so long."""
    first, started, *_ = trial(number, 0, end="")
    said = report(1, error=(error,) * 6) | {"seconds": seconds}
    ending = {"event": "ended", "trial": number, "status": "finished", "reason": ""}
    return [first, started, reported(number, said), ending]


def two_objectives() -> list[dict[str, Any]]:
    sweep, opened = opening()
    return [
        {**sweep, "specification": {**SPECIFICATION, "objectives": ["error", "seconds"]}},
        opened,
    ]


def test_the_pareto_set_is_tagged_and_listed_when_the_sweep_is_closed() -> None:
    translate = Translation()
    trials = [*seconds(1, 9.0, 0.1), *seconds(2, 3.0, 0.2), *seconds(3, 5.0, 0.3)]
    updates = translate(stamped(*two_objectives(), *trials, closing()))
    tags = {number: updates[number].tags.get("tuner.pareto") for number in (1, 2, 3)}
    assert tags == {1: "true", 2: "true", 3: None}
    note = updates[SWEEP].tags["mlflow.note.content"]
    assert "Pareto set, 2 trials:\n\n| trial | error | seconds |\n| --- | --- | --- |\n" in note
    assert "| 1 | 0.100 | 9 |\n| 2 | 0.200 | 3 |" in note


def test_what_is_no_longer_in_the_pareto_set_is_told_so() -> None:
    first = [*two_objectives(), *seconds(1, 9.0, 0.1), closing()]
    events = stamped(*first, opening()[1], *seconds(2, 3.0, 0.05), closing())
    translate = Translation()
    assert translate(events[: len(first)])[1].tags["tuner.pareto"] == "true"
    updates = translate(events[len(first) :])
    assert updates[1].tags["tuner.pareto"] == "false"
    assert updates[2].tags["tuner.pareto"] == "true"


def test_with_one_objective_nothing_is_said_of_a_pareto_set() -> None:
    updates = Translation()(stamped(*opening(), *trial(1, 1), closing()))
    assert "tuner.pareto" not in updates[1].tags
    assert "Pareto" not in updates[SWEEP].tags["mlflow.note.content"]


def confirming(number: int, of: int, error: float) -> list[dict[str, Any]]:
    first, *others = seconds(number, 1.0, error)
    return [{**first, "origin": "confirm", "of": of}, *others]


def test_a_trial_that_confirms_is_a_child_that_says_of_which() -> None:
    events = [*opening(), *seconds(1, 1.0, 0.5), *seconds(2, 1.0, 0.1), *seconds(3, 1.0, 0.2)]
    again = [*confirming(4, 2, 0.4), *confirming(5, 3, 0.3), *confirming(6, 1, 0.6)]
    updates = Translation()(stamped(*events, *again, closing()))
    assert updates[4].tags["tuner.of"] == "2"
    assert updates[4].params["origin"] == "confirm"
    assert "tuner.of" not in updates[1].tags
    note = updates[SWEEP].tags["mlflow.note.content"]
    assert "Trial 3 (balancer relobralo) won: error 0.300 " in note
    assert "trained anew with fresh seeds as trial 5" in note
    assert "Against the runner-up, trial 2, with 0.400" in note
    assert "Against the default point, trial 1, with 0.600" in note
    parent = {(key, step): value for key, step, value, _ in points(updates[SWEEP])}
    assert parent == {
        ("best_error", 1): 0.5,  # of the search alone, whose errors compare with each other
        ("best_error", 2): 0.1,
        ("best_error", 3): 0.1,
        ("confirmed_error", 3): 0.3,
        ("confirmed_error/low", 3): 0.3,
        ("confirmed_error/high", 3): 0.3,
    }


def test_a_note_says_that_nothing_meets_what_is_required() -> None:
    sweep, opened = opening()
    bounds = {"mass": {"at_most": 0.01, "at_least": None}}
    sweep["specification"] = {**SPECIFICATION, "require": bounds}
    note = Translation()(stamped(sweep, opened, *trial(1, 1), closing()))[SWEEP]
    text = note.tags["mlflow.note.content"]
    assert "No trial meets what is required (mass at most 0.01)" in text


def test_a_point_that_changes_on_the_way_is_a_tag_since_params_cannot_change() -> None:
    changed = {"event": "changed", "trial": 1, "point": {"width": 16, "rate": 0.06}}
    events = stamped(*opening(), *trial(1, 2, end=""), {**changed, "source": 4, "epoch": 2})
    update = Translation()(events)[1]
    assert update.params["rate"] == "0.1"
    assert update.tags["tuner.copied"] == "trial 4 after epoch 2"
    assert update.tags["tuner.point"] == '{"width": 16, "rate": 0.06}'


def test_a_batch_is_halved_across_its_kinds() -> None:
    metrics = [Metric("error", 1.0, 1, step) for step in range(3)]
    whole = Batch(metrics, [("p", "1"), ("q", "2")], [("t", "3")])
    assert whole.size == 6
    assert whole.halves() == (Batch(metrics, [], []), Batch([], whole.params, whole.tags))
    left, right = whole.halves()[1].halves()
    assert (left, right) == (Batch([], [("p", "1")], []), Batch([], [("q", "2")], [("t", "3")]))


def test_of_trials_that_have_ended_the_curves_are_forgotten_and_all_is_told_the_same() -> None:
    ends = ["finished", "stopped", "diverged"]
    events = opening() + [e for n in range(1, 9) for e in trial(n, 28 - n, end=ends[(n - 1) % 3])]
    lean, whole = Translation(), Translation()
    whole.ledger.abridge = lambda number: None  # type: ignore[method-assign]
    for event in stamped(*events, closing()):
        assert lean([event]) == whole([event])
    kept = {t.number: len(t.reports) for t in lean.ledger.table}
    assert kept == {1: 27} | dict.fromkeys(range(2, 9), 2)
