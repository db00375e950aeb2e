"""The charts that MLflow's pages are given, as data. tests/tuner/test_mlflow_pages.py looks at them."""

from __future__ import annotations

import json
from typing import Any

from tests.tuner.journals import closing, opening, stamped, trial
from tuner.chart_view import TAG, view
from tuner.ledger import replay
from tuner.translation import SWEEP, Translation

KEY = f"{TAG}tuner-abc123"


def viewed(*events: dict[str, Any]) -> dict[str, Any]:
    found = stamped(*events)
    state: dict[str, Any] = json.loads(view(found[0], replay(found)))
    return state


def test_each_loss_and_each_weight_has_a_chart_on_a_log_axis() -> None:
    charts = viewed(*opening(), *trial(1, 2))["compareRunCharts"]
    lines = {chart["metricKey"]: chart["scaleType"] for chart in charts if chart["type"] == "LINE"}
    named = ("error", "loss/pde", "loss/initial", "weight/pde", "weight/initial")
    assert lines == dict.fromkeys(named, "log")


def test_every_chart_is_in_a_section_that_is_there() -> None:
    state = viewed(*opening(), *trial(1, 2))
    sections = {section["uuid"] for section in state["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} <= sections
    names = [chart["uuid"] for chart in state["compareRunCharts"]]
    assert len(names) == len(set(names))


def test_axes_are_what_every_trial_has_and_what_differs() -> None:
    trials = [
        *trial(1, 1, width=8, seed=1, balancer="uniform"),
        *trial(2, 1, width=16, seed=1, balancer="relobralo", rho=0.5),
    ]
    state = viewed(*opening(), *trials)
    parallel = next(c for c in state["compareRunCharts"] if c["type"] == "PARALLEL")
    assert parallel["selectedParams"] == ["width", "balancer"]
    one = viewed(*opening(), *trial(1, 1))["compareRunCharts"]
    assert "PARALLEL" not in {chart["type"] for chart in one}


def test_the_charts_come_with_the_first_report_and_again_at_the_end() -> None:
    translate = Translation()
    events = stamped(*opening(), *trial(1, 1), *trial(2, 1), closing())
    first = next(n for n, event in enumerate(events) if event["event"] == "reported")
    assert translate(events[:first])[SWEEP].experiment == {}
    assert json.loads(translate(events[first : first + 1])[SWEEP].experiment[KEY])
    at_the_end = translate(events[first + 1 :])[SWEEP].experiment[KEY]
    assert at_the_end == view(events[0], replay(events))


def test_the_charts_of_many_losses_fit_into_a_tag() -> None:
    events = stamped(*opening(), *trial(1, 1, **{f"parameter_{k}": k for k in range(50)}))
    row = [0.5, 0.5, 0.5]
    for group in ("losses", "weights", "gradient_norms"):
        report = next(e for e in events if e["event"] == "reported")["report"]
        report[group] = {f"a_rather_long_name_of_a_loss_{k}": row for k in range(40)}
    assert len(view(events[0], replay(events))) < 20_000  # what MLflow takes
