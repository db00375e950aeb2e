"""Which parameter matters, for the objective and for each loss component, by Optuna.

PED-ANOVA (Watanabe et al., IJCAI 2023) asks by how much the values of a parameter among the best
trials differ from those among all. It knows conditional parameters, which count only where they are
active (condPED-ANOVA, KDD 2026), does not mind a searcher that has sampled unevenly, and takes a
moment for thousands of trials, where fANOVA takes minutes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner.table import TrialTable

if TYPE_CHECKING:
    from tuner.insight.study import Seen

LEAST_TRIALS = 10
"""Fewer tell nothing about which parameter matters."""
BEST = 0.1
"""The share of trials that count as the best, but at least five of them, as Optuna advises."""

IDLE = 0.05
"""Whose share is below it matters for nothing that can be seen."""


@dataclass(frozen=True)
class Importances:
    """Parameter -> its share of what matters, from 0 to 1; those of one target add up to 1.

    of:     target -> shares, most important first. The first target is the objective, the others
            are `loss/NAME`. Empty with fewer than ten trials or nothing that was varied.
    trials: how many the shares stand on; level: after which fidelity (see `tuner.insight.study`).
    active: parameter -> in how many of them it counts.
    """

    of: Mapping[str, Mapping[str, float]]
    trials: int
    level: float
    active: Mapping[str, int]

    @property
    def objective(self) -> Mapping[str, float]:
        """The shares for the objective, most important first."""
        return next(iter(self.of.values()), {})

    @property
    def idle(self) -> tuple[str, ...]:
        """Those that have under 5 % for the objective and for every loss."""
        return tuple(
            name
            for name in self.objective
            if all(shares.get(name, 0.0) < IDLE for shares in self.of.values())
        )


def importances(table: TrialTable) -> Importances:
    """Of all parameters that differ between trials, for the objective and for each loss."""
    from tuner.insight.study import study_of

    return importances_of(study_of(table))


def importances_of(seen: Seen) -> Importances:
    """The same of a study that is there."""
    names, trials = seen.parameters, len(seen.numbers)
    active = {name: seen.active(name) for name in names}
    if trials < LEAST_TRIALS or not names:
        return Importances({}, trials, seen.level, active)
    targets = {seen.objective: ""} | {f"loss/{name}": f"loss/{name}" for name in seen.losses}
    shares = {target: _shares(seen, attribute) for target, attribute in targets.items()}
    return Importances(shares, trials, seen.level, active)


def _shares(seen: Seen, attribute: str) -> dict[str, float]:
    """For the values of the study, or for an attribute of its trials."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    best = min(0.5, max(BEST, 5 / len(seen.numbers)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that less of a target is taken for better, as it is
        found = get_param_importances(
            seen.study,
            evaluator=PedAnovaImportanceEvaluator(target_quantile=best),
            params=list(seen.parameters),
            target=(lambda trial: float(trial.user_attrs[attribute])) if attribute else None,
        )
    return {name: float(share) for name, share in found.items()}
