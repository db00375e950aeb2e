"""The trials of a table as Optuna knows them, for its importances and its pictures.

Errors of different fidelity do not compare, so all are taken after the same epochs: as many as most
trials have in common (`level`). A trial that was lost before has the worst value of the others.

Imports Optuna, so it is imported itself only where that is wanted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, create_trial

from search_spaces import Choice, Constant, Float, Int, Space
from search_spaces.build import build
from search_spaces.domains import Domain
from search_spaces.faults import SpaceError
from trainables.report import Report, quantile
from tuner.ranking import value
from tuner.searchers.optuna_trials import Storage
from tuner.table import Status, Trial, TrialTable

ENOUGH = 20
"""Trials that an importance is to stand on, if there are as many."""
SCALE = 100.0
"""Numbers without a space, of which the largest is so many times the smallest, are on a log scale."""


@dataclass(frozen=True)
class Seen:
    """A table as a study.

    study:   its values are log10 of the objective, after `level`; each loss is an attribute of its
             trials under `loss/NAME`, log10 too.
    level:   epochs, or seconds where those are the fidelity, after which values are taken.
    losses:  the names of the loss components.
    numbers: of the trials, in the order of the study.
    """

    study: optuna.Study
    level: float
    objective: str
    losses: tuple[str, ...]
    numbers: tuple[int, ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Those that differ between trials, in the order in which they first come."""
        varied = [
            name
            for name, of in _distributions_in(self.study).items()
            if not of.single() and len({str(t.params[name]) for t in self._having(name)}) > 1
        ]
        return tuple(varied)

    def active(self, name: str) -> int:
        """In how many trials a parameter counts."""
        return len(self._having(name))

    def _having(self, name: str) -> list[FrozenTrial]:
        return [t for t in self.study.get_trials(deepcopy=False) if name in t.params]


def study_of(table: TrialTable, level: float | None = None) -> Seen:
    """The trials of the search that have come to a level, or were lost before.

    level: by default the largest that a third of the trials have reached, but at least 20 of them;
    with fewer in all, the one that half of them have.
    """
    search = list(table.searched)
    objective = table.objectives[0]
    level = common_level(table) if level is None else level
    told = {trial.number: table.report_at(trial, level) for trial in search}
    lost = {t.number for t in search if t.status in (Status.DIVERGED, Status.FAILED)}
    names = losses_of(search)
    rows = {
        trial.number: []
        if (report := told[trial.number]) is None
        else _row(report, objective, names)
        for trial in search
        if told[trial.number] is not None or trial.number in lost
    }
    worst = [_worst([row[k] for row in rows.values() if row]) for k in range(1 + len(names))]
    distributions = _distributions(table, search)
    trials = []
    for number, row in rows.items():
        values = [
            found if math.isfinite(found) else worst[k]
            for k, found in enumerate(row or [math.inf] * len(worst))
        ]
        params = {
            name: given
            for name, given in table.trials[number].point.items()
            if name in distributions and _takes(distributions[name], given)
        }
        frozen = create_trial(
            value=values[0],
            params=params,
            distributions={name: distributions[name] for name in params},
            user_attrs={f"loss/{name}": x for name, x in zip(names, values[1:], strict=True)},
        )
        frozen.number = number
        frozen._trial_id = number
        trials.append(frozen)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(storage=Storage(trials))
    return Seen(study, level, objective, names, tuple(rows))


def common_level(table: TrialTable) -> float:
    """The largest fidelity that enough trials of a table have reached; 0 if none has reported."""
    reached = sorted((table.spent(t) for t in table.searched if t.reports), reverse=True)
    if not reached:
        return 0.0
    third = math.ceil(len(reached) / 3)
    enough = max(ENOUGH, third) if len(reached) >= ENOUGH else math.ceil(len(reached) / 2)
    return min(reached[min(enough, len(reached)) - 1], table.budget)


def losses_of(trials: Sequence[Trial]) -> tuple[str, ...]:
    """The loss components, in the order of the reports."""
    return tuple(dict.fromkeys(name for t in trials for r in t.reports[:1] for name in r.losses))


def space_in(table: TrialTable) -> Space | None:
    """The space that a sweep's specification has; None if it has none that can be read."""
    spec = table.specification.get("space")
    if not isinstance(spec, Mapping):
        return None
    try:
        return build(spec, losses_of(list(table.searched)) or None)
    except SpaceError:  # of another version
        return None


def _row(report: Report, objective: str, names: Sequence[str]) -> list[float]:
    """log10 of the objective and of each loss, median over replicates."""
    losses = [quantile(report.losses[n], 0.5) if n in report.losses else math.inf for n in names]
    return [_log(found) for found in (value(report, objective), *losses)]


def _log(found: float) -> float:
    if math.isinf(found):
        return math.inf
    return math.log10(max(found, 1e-300))


def _worst(values: Sequence[float]) -> float:
    return max((found for found in values if math.isfinite(found)), default=0.0)


def _distributions(table: TrialTable, trials: Sequence[Trial]) -> dict[str, BaseDistribution]:
    """Of the parameters that are tuned: from the space, or from the values if that is not known."""
    space = space_in(table)
    known = {p.name: p.domain for p in space} if space else {}
    given: dict[str, list[Any]] = {}
    for trial in trials:
        for name, found in trial.point.items():
            given.setdefault(name, []).append(found)
    return {
        name: _of_domain(known[name]) if name in known else _of_values(values)
        for name, values in given.items()
        if not isinstance(known.get(name), Constant)
    }


def _of_domain(domain: Domain) -> BaseDistribution:
    """A logit scale, which Optuna has not, becomes a linear one."""
    if isinstance(domain, Int):
        return IntDistribution(domain.low, domain.high, log=domain.scale == "log")
    if isinstance(domain, Float):
        return FloatDistribution(domain.low, domain.high, log=domain.scale == "log")
    return CategoricalDistribution(
        domain.options if isinstance(domain, Choice) else [domain.value]
    )


def _of_values(values: Sequence[Any]) -> BaseDistribution:
    if all(type(found) in (int, float) and math.isfinite(found) for found in values):
        low, high = min(values), max(values)
        log = low > 0 and high / low > SCALE
        if all(type(found) is int for found in values):
            return IntDistribution(low, high, log=log)
        return FloatDistribution(low, high, log=log)
    return CategoricalDistribution([*dict.fromkeys(map(_simple, values))])


def _takes(of: BaseDistribution, given: Any) -> bool:
    """Whether a value can be one of a distribution: a journal may hold any."""
    try:
        return of._contains(of.to_internal_repr(given))
    except (TypeError, ValueError):
        return False


def _simple(found: Any) -> Any:
    return found if isinstance(found, str | int | float | bool | None) else str(found)


def _distributions_in(study: optuna.Study) -> dict[str, BaseDistribution]:
    found: dict[str, BaseDistribution] = {}
    for trial in study.get_trials(deepcopy=False):
        for name, of in trial.distributions.items():
            found.setdefault(name, of)
    return found
