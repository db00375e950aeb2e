"""The tree-structured Parzen estimator, by Optuna."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from search_spaces import Choice, Constant, Float, Int, Parameter, Space
from tuner.searchers.searcher import Searcher
from tuner.table import Point, Status, Trial, TrialTable

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as OptunaTrial


@dataclass(frozen=True)
class TPE(Searcher):
    """Draws where good trials are dense and bad ones are not: maximises l(x) / g(x).

    Optuna's multivariate TPE, one density for each group of parameters that occur together, so
    that conditional parameters are modelled where they exist. The study is built anew from the
    table at each proposal, so it remembers nothing that the table does not say.

    Finished trials rank by error. Trials stopped early rank after them, those that got further
    first, by their error there; so errors of different epochs are not compared. Diverged and
    failed trials are the worst. Pending trials count as bad where they are (constant liar), so
    that parallel proposals differ.

    startup >= 1: the first so many proposals are random; candidates: drawn for each proposal.
    Never returns None.
    Source: Bergstra et al., NeurIPS 2011; Watanabe, arXiv:2304.11127 for the multivariate form.
    """

    startup: int = 10
    candidates: int = 24

    def __post_init__(self) -> None:
        for name in ("startup", "candidates"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: expected at least 1")

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            # multivariate and group are marked experimental in Optuna 5; both have been stable
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                n_startup_trials=self.startup,
                n_ei_candidates=self.candidates,
                multivariate=True,
                group=True,
                constant_liar=True,
                seed=int(rng.integers(2**31)),
            )
        study = optuna.create_study(sampler=sampler)
        study.add_trials([_frozen(trial, space) for trial in table])
        asked = study.ask()
        point: dict[str, Any] = {}
        for parameter in space:
            if parameter.counts(point):
                point[parameter.name] = _suggest(asked, parameter)
        return space.canonical(point)


def _suggest(asked: OptunaTrial, parameter: Parameter) -> Any:
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
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    domain = parameter.domain
    if isinstance(domain, Choice):
        return CategoricalDistribution(domain.options)
    if isinstance(domain, Int):
        return IntDistribution(domain.low, domain.high, log=domain.scale == "log")
    if isinstance(domain, Float) and not _is_logit(domain):
        return FloatDistribution(domain.low, domain.high, log=domain.scale == "log")
    return FloatDistribution(0.0, 1.0)


def _frozen(trial: Trial, space: Space) -> FrozenTrial:
    """A trial of the table as Optuna's TPE is to see it."""
    from optuna.trial import TrialState, create_trial

    point = {name: trial.point[name] for name in space.names if name in trial.point}
    tuned = [p for p in space if p.name in point and not isinstance(p.domain, Constant)]
    seen: dict[str, Any] = {
        "params": {p.name: _to_optuna(p, point[p.name]) for p in tuned},
        "distributions": {p.name: _distribution(p) for p in tuned},
    }
    if trial.status is Status.FINISHED:
        return create_trial(state=TrialState.COMPLETE, value=trial.error, **seen)
    if trial.status is Status.STOPPED:
        reached = {trial.epochs: trial.error} if trial.reports else {}
        return create_trial(state=TrialState.PRUNED, intermediate_values=reached, **seen)
    if trial.ended:  # diverged or failed: a pruned trial without a value ranks last
        return create_trial(state=TrialState.PRUNED, **seen)
    return create_trial(state=TrialState.RUNNING, **seen)
