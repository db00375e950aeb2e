"""The tree-structured Parzen estimator, by Optuna."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from search_spaces import Space
from tuner.searchers.kept import Kept
from tuner.searchers.searcher import Searcher
from tuner.table import Point, TrialTable

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class TPE(Searcher):
    """Draws where good trials are dense and bad ones are not: maximises l(x) / g(x).

    Optuna's multivariate TPE, one density for each group of parameters that occur together, so
    that conditional parameters are modelled where they exist. l is the density of the best tenth
    of the trials (of one objective at most 25 of them), g of the others. The order, best first:

    - finished trials by error; of several objectives by non-domination and hypervolume;
    - partial ones (stopped, paused, of another sweep below the budget), those that got further
      first, then by error there; so errors of different fidelity are not compared. Seconds are
      never the same twice: those within a factor of two, down from the budget, count as equal;
    - those that miss what is required, by how much, through Optuna's constraints;
    - diverged and failed ones.

    Optuna does not order partial trials by several objectives. There they miss a requirement, the
    budget, by the share that is left; those of one fidelity come in the order of their numbers.
    Pending trials count as bad where they are (constant liar), so that parallel proposals differ.
    Trials of other sweeps are included, as the oldest; Optuna lets old ones weigh less.

    What Optuna is told of a trial is kept for as long as the table shows that very trial; a study
    and a sampler are new at each proposal, so nothing is remembered that the table does not say.

    startup >= 1: the first so many proposals are random; candidates >= 1: drawn for each proposal.
    Never returns None.
    Source: Bergstra et al., NeurIPS 2011; Watanabe, arXiv:2304.11127 for the multivariate form;
    Ozaki et al., JAIR 73 (2022) 1209 for several objectives.
    """

    startup: int = 10
    candidates: int = 24

    several_objectives = True

    def __post_init__(self) -> None:
        for name in ("startup", "candidates"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: expected at least 1")

    @cached_property
    def _kept(self) -> Kept[FrozenTrial]:
        return Kept()

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        import optuna

        from tuner.searchers.optuna_trials import Storage, suggest, told

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            # the group is marked experimental in Optuna 5, and has been stable since 2.8
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                n_startup_trials=self.startup,
                n_ei_candidates=self.candidates,
                multivariate=True,
                group=True,
                constant_liar=True,
                seed=int(rng.integers(2**31)),
            )
        study = optuna.create_study(
            storage=Storage(told(self._kept, space, table)),
            sampler=sampler,
            directions=["minimize"] * len(table.objectives),
        )
        asked = study.ask()
        point: dict[str, Any] = {}
        for parameter in space:
            if parameter.counts(point):
                point[parameter.name] = suggest(asked, parameter)
        return space.canonical(point)
