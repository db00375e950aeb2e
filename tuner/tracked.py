"""What is recorded of a sweep in MLflow, `tracking.json`, and where to look at it there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tuner.errors import TunerError
from tuner.reading import MOST_BYTES, content_of

SERVED = "http://127.0.0.1:5000"
"""Where `tuner ui` serves a database if nothing else is asked for."""


def record(folder: Path) -> dict[str, Any]:
    """What was recorded; nothing if there is no sound record, which costs only time."""
    try:
        state = json.loads(content_of(folder / "tracking.json", MOST_BYTES, links=False))
    except (TunerError, ValueError, RecursionError):
        return {}
    if not isinstance(state, dict):
        return {}
    texts = ("uri", "experiment", "run", "trouble", "view")
    kinds: dict[str, type] = {**dict.fromkeys(texts, str), "after": int, "published": dict}
    sound = all(type(state[name]) is kind for name, kind in kinds.items() if state.get(name))
    return state if sound else {}


def trouble(folder: Path) -> str:
    """One line on why MLflow does not get what happens in a sweep just now; empty if it does."""
    return str(record(folder).get("trouble", ""))


def run_url(folder: Path) -> str | None:
    """The page of a sweep; None if nothing was sent, or not to a server with a web page."""
    state = record(folder)
    uri, experiment, run = (state.get(name) or "" for name in ("uri", "experiment", "run"))
    if not (run and experiment and uri.startswith(("http://", "https://"))):
        return None
    return page(uri, f"experiments/{experiment}/runs/{run}")


def charts_url(folder: Path, served: str = SERVED) -> str | None:
    """The charts of a sweep, as `tuner.chart_view` prepares them; None if nothing was sent.

    A plain link to the runs of its experiment where the server does not know the charts.
    served: where a database that is written to directly is served.
    """
    state = record(folder)
    uri, experiment = state.get("uri") or "", state.get("experiment")
    if not experiment:
        return None
    uri = uri if uri.startswith(("http://", "https://")) else served
    view = state.get("view")
    chosen = {"compareRunsMode": "CHART", "viewStateShareKey": view} if view else {}
    return page(uri, f"experiments/{experiment}/runs", **chosen)


def page(uri: str, path: str, **options: str) -> str:
    """The address of a page of MLflow, in its view for training; its default one is for agents."""
    return (
        f"{uri.rstrip('/')}/#/{path}?{urlencode({'workflowType': 'machine_learning', **options})}"
    )
