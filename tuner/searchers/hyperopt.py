"""The tree-structured Parzen estimator, by hyperopt, whose authors described it first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from search_spaces import Parameter, Space
from tuner.searchers.coding import coded, decoded, options, tuned
from tuner.searchers.searcher import Fate, Observation, Searcher, observations
from tuner.table import Point, TrialTable


@dataclass(frozen=True)
class Hyperopt(Searcher):
    """Draws each parameter where good trials are dense and bad ones are not: maximises l / g.

    hyperopt.tpe.suggest, with the table as its history: the best ceil(gamma sqrt(n)) of n trials,
    25 at most, make l, the others g, and each parameter has an l and a g of its own. Against
    `tpe` it knows no interactions, but it is the estimator of most published comparisons.

    hyperopt sees ranks in place of errors; it uses no more than their order. What meets the
    requirements comes first, finished trials by error, then those stopped or paused early, the
    furthest first and at the same fidelity by error; so errors of different fidelity are not
    compared. Seconds are never the same twice: those within a factor of two, down from the budget,
    count as equal. What misses a requirement follows in
    the same order of fidelity, by how much it misses. Diverged, failed and running trials have no
    loss, which hyperopt counts as the worst; that also keeps parallel proposals apart. Trials of
    other sweeps are the oldest; in a group of more than 25 the oldest weigh less.

    Ranges are searched on their scale in [0, 1], so that our domain rounds: hyperopt's own
    integers draw the ends half as often. Conditional parameters are given to hyperopt flat, with
    values only in trials where they count; what does not count in a proposal is dropped. As
    hyperopt models each parameter alone, from the trials that have it, nested choices would
    propose the same, and not faster.

    startup >= 1: the first so many proposals are random; candidates >= 1: drawn for each
    parameter; gamma > 0. Never returns None.
    Source: Bergstra, Bardenet, Bengio & Kégl, NeurIPS 2011.
    """

    startup: int = 20
    candidates: int = 24
    gamma: float = 0.25

    def __post_init__(self) -> None:
        for name in ("startup", "candidates"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: expected at least 1")
        if not 0 < self.gamma < math.inf:
            raise ValueError(f"gamma={self.gamma}: expected a number above 0")

    def propose(self, space: Space, table: TrialTable, rng: np.random.Generator) -> Point | None:
        from hyperopt import tpe
        from hyperopt.base import trials_from_docs

        if not tuned(space):
            return space.default()
        known = self._translation(space)
        seen = observations(space, table)
        losses = _losses(seen, table)
        docs = [
            _document(number, known.values(number, one.point), losses.get(number))
            for number, one in enumerate(seen)
        ]
        (suggested,) = tpe.suggest(
            [len(docs)],
            known.domain,
            trials_from_docs(docs, validate=False),
            int(rng.integers(2**31 - 1)),  # as hyperopt.fmin draws it
            n_startup_jobs=self.startup,
            n_EI_candidates=self.candidates,
            gamma=self.gamma,
            verbose=False,
        )
        found = suggested["misc"]["vals"]
        return decoded(space, {name: float(value) for name, (value,) in found.items()})

    @cached_property
    def _translations(self) -> dict[int, _Translation]:
        return {}

    def _translation(self, space: Space) -> _Translation:
        known = self._translations.get(id(space))
        if known is None:
            self._translations.clear()  # one keeps its space, whose id is then no other's
            known = self._translations[id(space)] = _Translation(space)
        return known


class _Translation:
    """A space in hyperopt's words, with a cache of the points that have been translated."""

    def __init__(self, space: Space) -> None:
        from hyperopt import hp
        from hyperopt.base import Domain

        self.space = space
        self.tuned = tuned(space)
        self.domain = Domain(
            lambda point: None,  # never called: the table has the results
            {
                p.name: hp.randint(p.name, options(p)) if options(p) else hp.uniform(p.name, 0, 1)
                for p in self.tuned
            },
        )
        self._cache: dict[int, tuple[Mapping[str, object], dict[str, list[Any]]]] = {}

    def values(self, number: int, point: Mapping[str, object]) -> dict[str, list[Any]]:
        """What hyperopt calls vals: a list for each parameter, empty where it does not count."""
        known = self._cache.get(number)
        if known is None or known[0] != point:
            values = {p.name: _value(p, point) for p in self.tuned}
            known = self._cache[number] = (point, values)
        return known[1]


def _value(parameter: Parameter, point: Mapping[str, object]) -> list[Any]:
    if parameter.name not in point:
        return []
    number = coded(parameter, point[parameter.name])
    return [int(number) if options(parameter) else number]


def _losses(seen: list[Observation], table: TrialTable) -> dict[int, int]:
    """Place in the list -> rank, for those that have a value."""

    def key(number: int) -> tuple[bool, float, float, float]:
        one = seen[number]
        early = _early(one.level, table) if one.fate is Fate.PARTIAL else -math.inf
        return one.violation > 0, early, one.violation, one.values[0]

    valued = [n for n, one in enumerate(seen) if one.fate in (Fate.COMPLETE, Fate.PARTIAL)]
    return {number: rank for rank, number in enumerate(sorted(valued, key=key))}


def _early(level: float, table: TrialTable) -> float:
    """How early a trial was stopped, in whole epochs or in halvings of the budget of seconds."""
    if table.unit == "epochs":
        return -level
    return math.ceil(math.log2(table.budget / max(level, 1e-9)))


def _document(number: int, values: dict[str, list[Any]], loss: int | None) -> dict[str, Any]:
    """A trial as hyperopt keeps it."""
    from hyperopt.base import JOB_STATE_DONE, STATUS_FAIL, STATUS_OK

    places = {name: [number] * len(value) for name, value in values.items()}
    return {
        "tid": number,
        "state": JOB_STATE_DONE,
        "result": {"status": STATUS_FAIL} if loss is None else {"status": STATUS_OK, "loss": loss},
        "misc": {"tid": number, "cmd": None, "workdir": None, "idxs": places, "vals": values},
    }
