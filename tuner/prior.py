"""Other sweeps' trials as prior knowledge: `continue_from`, from their journals into this one's.

A trial counts if the present space holds the run that it was. What its point does not say was the
problem's default, so parameters that are new here get that value; parameters that are not here
any more must have had it. Everything has to lie in the present domains. A function of the user's own
has no such defaults, so there the parameters have to be the same.

Searchers see such a trial as it was at the present budget: reports after it are left out, and a
trial that got there is a finished one, even if it broke later. One that did not get there keeps
its fidelity, and searchers take it as stopped early. A learning-rate schedule that ran over a
longer budget was not where it would have been here; that is not corrected for.

Reports are thinned: the rungs of the present scheduler, powers of 3, and the last, at most
`MOST`, with the errors and what the objectives and requirements need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from search_spaces import Space
from search_spaces.values import same
from trainables.bucket import in_bucket
from trainables.choices import DEFAULTS, FAMILIES
from trainables.function import Function
from trainables.report import Report
from tuner.bucket import fetched
from tuner.errors import Fault, SweepError
from tuner.journal import read
from tuner.ledger import replay
from tuner.naming import is_name
from tuner.reading import is_there, sweeps_in
from tuner.subjects import Subject
from tuner.sweep import Sweep, subject_in
from tuner.table import Point, Status, Trial, TrialTable
from tuner.wording import count

MOST = 12
"""Reports kept of a trial."""
UNKNOWN = object()
OPTIONS = {
    "learning_rate": 1e-3,
    "schedule.warmup": 0.0,
    "balancer.every": 1,
    "balancer.warmup": 0,
    "balancer.clip.low": float("-inf"),
    "balancer.clip.high": float("inf"),
}


def known_before(sweep: Sweep, space: Space, problem: Subject) -> list[dict[str, Any]]:
    """The events `prior` of a sweep, one for each that it continues from.

    Raises SweepError for a sweep that is not there, is of another problem, does not report what
    is asked for here, or has no trial that lies in the present space.
    """
    found, faults = [], []
    for k, source in enumerate(sweep.continue_from):
        try:
            found.append(_known(sweep, source, space, problem))
        except ValueError as fault:
            faults.append(Fault(f"continue_from.{k}", str(fault)))
    if faults:
        raise SweepError(faults)
    return found


def converted(point: Point, space: Space, problem: Subject) -> Point | None:
    """The point of this space that is the same run; None if there is none."""
    seen = dict(point)
    found: dict[str, Any] = {}
    for parameter in space:
        if not parameter.counts(found):
            continue
        name = parameter.name
        value = seen.pop(name) if name in seen else implied(name, point, problem)
        if not parameter.domain.contains(value):
            return None
        found[name] = parameter.domain.canonical(value)
    if all(same(value, implied(name, point, problem)) for name, value in seen.items()):
        return found
    return None


def implied(name: str, point: Point, problem: Subject) -> Any:
    """What a parameter was that a point does not say; UNKNOWN if nothing tells."""
    if isinstance(problem, Function):
        return UNKNOWN
    default = problem.default_point
    if name in default:
        return default[name]
    if name.startswith("problem."):
        return _field(problem, name.removeprefix("problem."))
    if name.startswith("width_"):
        return point.get("width", default.get("width", UNKNOWN))
    if name in OPTIONS:
        return OPTIONS[name]
    if name.startswith(("balancer.prior.", "balancer.floor.")):
        return 1.0 if name.startswith("balancer.prior.") else 0.0
    family, _, rest = name.partition(".")
    member, _, rest = rest.partition(".")
    chosen = point.get(family, default.get(family, DEFAULTS.get(family)))
    if family not in FAMILIES or member != chosen:
        return UNKNOWN
    field, _, loss = rest.partition(".")
    return 1.0 if loss else _field(FAMILIES[family][member], field)


def _field(owner: type, name: str) -> Any:
    return next((f.default for f in fields(owner) if f.name == name), UNKNOWN)


def _known(sweep: Sweep, source: str, space: Space, problem: Subject) -> dict[str, Any]:
    folder = _folder(sweep, source)
    table = replay(read(folder / "journal.jsonl"))
    theirs = subject_in(table.specification)
    if theirs != sweep.subject:
        raise ValueError(
            f"{source} is a sweep of {theirs}, this one is of {sweep.subject}. Only sweeps of the "
            "same problem can be continued from; leave it out."
        )
    _refuse_unreported(sweep, source, table)
    trials = [
        {
            "point": point,
            "origin": trial.origin,
            "status": str(trial.status),
            "reports": [_bare(report, sweep) for report in trial.reports],
        }
        for known in table.searched
        if (trial := _cut(known, sweep)) is not None
        and (point := converted(known.point, space, problem)) is not None
    ]
    if not trials:
        raise ValueError(
            f"{source} has {count(len(table.searched), 'trial')}, and none lies in the present "
            "space. Widen the space (tuner best shows a point of it), or leave it out."
        )
    return {"sweep": source, "trials": trials}


def _folder(sweep: Sweep, source: str) -> Path:
    """Of a sweep by its name in the same storage, or by its path."""
    folder = (
        sweep.folder.parent / source if is_name(source) else Path(source).expanduser().absolute()
    )
    folder = fetched(source if in_bucket(source) else folder)
    if not is_there(folder / "journal.jsonl"):
        there = f"{folder.parent} holds {', '.join(sweeps_in(folder.parent)[:20]) or 'none'}"
        raise ValueError(f"{folder}: no sweep lies there. {there}; or give the path of a folder.")
    return folder


def _refuse_unreported(sweep: Sweep, source: str, table: TrialTable) -> None:
    told = {name for trial in table for report in trial.reports for name in report.metrics}
    known = {"error", "seconds", *told}
    for name in (*sweep.objectives, *sweep.require):
        if name not in known:
            raise ValueError(
                f"the trials of {source} do not report `{name}`, which this sweep asks for. They "
                f"have {', '.join(sorted(known))}. Leave the one or the other out."
            )


def _cut(trial: Trial, sweep: Sweep) -> Trial | None:
    """The trial up to the present budget, thinned; None if nothing was heard of it."""
    ends = [_whole(report, sweep) for report in trial.reports]
    upto = ends.index(True) + 1 if any(ends) else len(ends)
    cut = replace(trial, reports=trial.reports[:upto])
    if any(ends) and not cut.reports[-1].diverged:
        cut = replace(cut, status=Status.FINISHED)
    elif not trial.ended:
        cut = replace(cut, status=Status.STOPPED)
    lost = cut.status in (Status.DIVERGED, Status.FAILED)
    if not cut.reports and not lost:
        return None
    return replace(cut, reports=_thinned(cut, sweep))


def _whole(report: Report, sweep: Sweep) -> bool:
    """Whether a trial of this sweep would end here."""
    seconds = sweep.budget.trial_seconds
    used_up = seconds is not None and report.seconds >= seconds
    return used_up or report.epoch >= sweep.budget.epochs


def _thinned(trial: Trial, sweep: Sweep) -> tuple[Report, ...]:
    """The reports at rungs, then at powers of 3, and the last."""
    table = TrialTable(specification=sweep.specification)
    kept = {trial.epochs}
    rungs = sweep.make_scheduler().rungs(table.budget)
    for report in (
        *(table.report_at(trial, rung) for rung in rungs),
        *(trial.report_at(3**power) for power in range(MOST)),
    ):
        if report is not None and len(kept) < MOST:
            kept.add(report.epoch)
    return tuple(report for report in trial.reports if report.epoch in kept)


def _bare(report: Report, sweep: Sweep) -> Mapping[str, Any]:
    """What searchers and schedulers read of a report."""
    asked = {*sweep.objectives, *sweep.require}
    metrics = {name: row for name, row in report.metrics.items() if name in asked}
    nothing: dict[str, Any] = {}
    return replace(
        report,
        losses=nothing,
        weights=nothing,
        gradient_norms=nothing,
        cosines=nothing,
        metrics=metrics,
    ).to_json()
