"""The charts that MLflow shows of a sweep at once: errors, what they depend on, losses, weights.

MLflow's pages keep a view that was shared in a tag of the experiment, `mlflow.sharedViewState.KEY`,
and open it from an address with `viewStateShareKey=KEY`. None of it is documented: the names below
are those that the pages of MLflow 3.17 write and read (`mlflow/server/js/build`). They merge what
they find with their defaults and pass over what they do not know, and add a chart for each metric
that has none; where the key is unknown they open without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tuner.table import Event, Trial, TrialTable

TAG = "mlflow.sharedViewState."
AXES = 8  # parameters beside each other that can still be read
LOSSES = 8  # of a group with a chart each; the pages add the others by themselves


def view_key(sweep: Event) -> str:
    """Under which the view of a sweep is kept."""
    return f"tuner-{sweep['id']}"


def view(sweep: Event, table: TrialTable) -> str:
    """The state of MLflow's page, as text: the trials of this sweep, the least error first."""
    sections = {name: f"tuner-{name}" for name in ("overview", *GROUPS)}
    charts = list(_overview(table, sections["overview"]))
    charts += [chart for name in GROUPS for chart in _group(name, table, sections[name])]
    state = {
        "searchFilter": f"tags.`tuner.sweep_id` = '{sweep['id']}' and tags.`tuner.trial` != '0'",
        "orderByKey": "metrics.`error`",
        "orderByAsc": True,
        "selectedColumns": _columns(table),
        "compareRunCharts": charts,
        "compareRunSections": [
            {
                "uuid": uuid,
                "name": "Overview" if name == "overview" else name,
                "display": True,
                "isReordered": True,
                "deleted": False,
                "isGenerated": False,
            }
            for name, uuid in sections.items()
        ],
        "isAccordionReordered": True,
    }
    return json.dumps(state, separators=(",", ":"), ensure_ascii=False)


GROUPS = ("loss", "weight", "gradient_norm")
"""As MLflow calls the sections of the metrics `loss/...` and so on."""


def _overview(table: TrialTable, section: str) -> Iterable[dict[str, Any]]:
    yield _line("error", section)
    if params := _axes(table):
        yield _chart("PARALLEL", "parameters", section) | {
            "displayName": "what the error depends on",
            "selectedParams": params,
            "selectedMetrics": ["error"],
            "showAllRuns": True,
        }
    yield _chart("SCATTER", "cost", section) | {
        "xaxis": {"key": "seconds", "type": "METRIC"},
        "yaxis": {"key": "error", "type": "METRIC"},
        "runsCountToCompare": 100,
    }


def _group(name: str, table: TrialTable, section: str) -> Iterable[dict[str, Any]]:
    first = next((trial.reports[0] for trial in table if trial.reports), None)
    if first is None:
        return []
    rows = {"loss": first.losses, "weight": first.weights, "gradient_norm": first.gradient_norms}
    return [_line(f"{name}/{loss}", section) for loss in list(rows[name])[:LOSSES]]


def _line(metric: str, section: str) -> dict[str, Any]:
    """Over epochs, on a log axis."""
    return _chart("LINE", metric, section) | {
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "scaleType": "log",
        "xAxisScaleType": "linear",
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "lineSmoothness": 0,
        "range": {},
        "ignoreOutliers": False,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
    }


def _chart(kind: str, name: str, section: str) -> dict[str, Any]:
    return {
        "type": kind,
        "uuid": f"tuner-{kind}-{name}",
        "metricSectionId": section,
        "runsCountToCompare": 10,
        "deleted": False,
        "isGenerated": False,
    }


def _columns(table: TrialTable) -> list[str]:
    """Of the table of runs."""
    metrics = [f"metrics.`{name}`" for name in ("error", "error/q10", "error/q90", "seconds")]
    return [*metrics, "tags.`tuner.status`", *(f"params.`{name}`" for name in _axes(table))]


def _axes(table: TrialTable) -> list[str]:
    """The parameters that every trial has and that differ between trials."""
    points = [trial.point for trial in _judged(table)]
    if not points:
        return []
    shared = set(points[0]).intersection(*points)
    differ = [n for n in points[0] if n in shared and len({repr(p[n]) for p in points}) > 1]
    return differ[:AXES]


def _judged(table: TrialTable) -> list[Trial]:
    return [trial for trial in table.searched if trial.reports]
