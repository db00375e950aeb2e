"""Trials of a table as Optuna's samplers are to see them.

Imports Optuna, so it is imported itself only in the methods that propose.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from optuna.trial import Trial as OptunaTrial

from search_spaces import Choice, Constant, Float, Int, Parameter, Space
from tuner.searchers.kept import Kept
from tuner.searchers.searcher import Fate, Observation
from tuner.table import TrialTable

_LARGEST = 1e60
"""Values beyond it would overflow in the volume of up to five objectives."""


def told(kept: Kept[FrozenTrial], space: Space, table: TrialTable) -> list[FrozenTrial]:
    """Every trial as Optuna is to see it, in the order of `observations`."""
    distributions = {p.name: _distribution(p) for p in space}
    found = kept.each(space, table, lambda seen: _frozen(seen, space, table, distributions))
    for place, (_, frozen) in enumerate(found, start=1):  # 0 is the one that will be asked for
        frozen.number = place
    return [frozen for _, frozen in found]


class Storage(InMemoryStorage):
    """A study's storage that knows trials made elsewhere, and neither checks nor copies them."""

    def __init__(self, known: list[FrozenTrial]) -> None:
        super().__init__()
        self._known = known

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """The known trials, then the one that the study asks for."""
        asked = super().get_all_trials(study_id, deepcopy, states)
        return [t for t in self._known if states is None or t.state in states] + asked


def suggest(asked: OptunaTrial, parameter: Parameter) -> Any:
    """The value that the sampler proposes for a parameter."""
    name, domain = parameter.name, parameter.domain
    if isinstance(domain, Constant):
        return domain.value
    if isinstance(domain, Choice):
        return asked.suggest_categorical(name, domain.options)
    if isinstance(domain, Int):
        return asked.suggest_int(name, domain.low, domain.high, log=domain.scale == "log")
    if _is_logit(domain):
        return domain.from_unit(asked.suggest_float(name, 0.0, 1.0))
    return asked.suggest_float(name, domain.low, domain.high, log=domain.scale == "log")


def _to_optuna(parameter: Parameter, value: Any) -> Any:
    domain = parameter.domain
    return domain.to_unit(value) if isinstance(domain, Float) and _is_logit(domain) else value


def _is_logit(domain: Float) -> bool:
    return domain.scale == "logit"


def _distribution(parameter: Parameter) -> BaseDistribution:
    """Optuna knows linear and log; a logit scale is searched on its unit interval."""
    domain = parameter.domain
    if isinstance(domain, Choice):
        return CategoricalDistribution(domain.options)
    if isinstance(domain, Int):
        return IntDistribution(domain.low, domain.high, log=domain.scale == "log")
    if isinstance(domain, Float) and not _is_logit(domain):
        return FloatDistribution(domain.low, domain.high, log=domain.scale == "log")
    return FloatDistribution(0.0, 1.0)


def _frozen(
    seen: Observation,
    space: Space,
    table: TrialTable,
    distributions: Mapping[str, BaseDistribution],
) -> FrozenTrial:
    """A trial of the table as Optuna's TPE is to see it."""
    tuned = [p for p in space if p.name in seen.point and not isinstance(p.domain, Constant)]
    told: dict[str, Any] = {
        "params": {p.name: _to_optuna(p, seen.point[p.name]) for p in tuned},
        "distributions": {p.name: distributions[p.name] for p in tuned},
    }
    if seen.fate is Fate.PENDING:
        return create_trial(state=TrialState.RUNNING, **told)
    if seen.fate is Fate.LOST or not all(map(math.isfinite, seen.values)):
        return create_trial(state=TrialState.PRUNED, constraints={"lost": math.inf}, **told)
    told["constraints"] = {"require": seen.violation}
    if seen.fate is Fate.COMPLETE:
        values = [max(-_LARGEST, min(value, _LARGEST)) for value in seen.values]
        return create_trial(state=TrialState.COMPLETE, values=values, **told)
    if len(seen.values) > 1:
        told["constraints"]["budget"] = 1 - seen.level / table.budget
    else:
        told["intermediate_values"] = {_step(seen.level, table): seen.values[0]}
    return create_trial(state=TrialState.PRUNED, **told)


def _step(level: float, table: TrialTable) -> int:
    """The fidelity as Optuna compares it: epochs, or the power of two of the share of seconds."""
    if table.unit == "epochs":
        return int(level)
    return math.floor(math.log2(max(level / table.budget, 1e-9)))
