"""Two sweeps against each other: is one better, by how much, and can that be told from luck?

Two questions, each with a sign test (`tuner.statistics`), which asks nothing of the errors:

winners   the best of one against the best of the other, replicate by replicate. Those of equal
          seeds began alike; others are paired by chance, which is as valid and tells less.
points    where both have tried the same points, the median errors after as many epochs, point by
          point. It says whether what differs between the sweeps matters at all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tuner.confirming import measure, replicates, reported, seed_of
from tuner.errors import TunerError
from tuner.statistics import LEVEL, Comparison, fewest, median_interval, paired_ratios
from tuner.sweep import subject_in
from tuner.table import Point, Status, Trial, TrialTable
from tuner.wording import count, duration, number, outcome

if TYPE_CHECKING:
    from tuner.result import Result


@dataclass(frozen=True)
class Contest:
    """One of the two questions. pairs: how what is paired is called."""

    found: Comparison
    pairs: str

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the median ratio of ours to theirs; None for too few pairs."""
        return median_interval(paired_ratios(self.found.ours, self.found.theirs))

    def sentence(self, ours: str, theirs: str) -> str:
        """What came of it, in words; names of the two."""
        found, n = self.found, len(self.found.ours)
        within = f", 95 % interval {_range(self.interval)}" if self.interval else ""
        told = {
            "better": f"{ours} is better",
            "worse": f"{theirs} is better",
            "cannot tell": "no difference can be told",
        }[found.verdict]
        few = f"; {fewest()} are needed to tell any" if n < fewest() else ""
        return (
            f"{ours} has the smaller error in {found.better} of {count(n, self.pairs)}, the larger "
            f"in {found.worse}; median ratio {number(found.ratio)}{within}; "
            f"p = {found.p:.2g} (sign test): {told}{few}."
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        found = self.found
        return {
            "pairs": len(found.ours),
            "better": found.better,
            "worse": found.worse,
            "ratio": _finite(found.ratio),
            "interval": self.interval and [_finite(end) for end in self.interval],
            "level": LEVEL,
            "p": found.p,
            "verdict": found.verdict,
        }


@dataclass(frozen=True)
class Versus:
    """What two sweeps of the same problem tell of each other; `better` is said of the first.

    measure: what is compared, the error or the first objective that replicates have numbers of.
    winners: None unless both have one. points: None if they have no point in common.
    """

    ours: Result
    theirs: Result
    measure: str
    winners: Contest | None
    points: Contest | None

    @property
    def verdict(self) -> str:
        """Of the first sweep's winner: `better`, `worse` or `cannot tell`."""
        return self.winners.found.verdict if self.winners else "cannot tell"

    def lines(self) -> Iterator[str]:
        """In words."""
        names = _names(self.ours, self.theirs)
        for name, result in zip(names, (self.ours, self.theirs), strict=True):
            yield f"{name}: {_about(result)}"
        if self.winners:
            yield f"Winners: {self.winners.sentence(*names)}"
            if not self._fresh:
                yield (
                    "Both were chosen by errors of these seeds, which flatters them, and the one of "
                    "more trials more. `confirm` in the sweeps trains them anew with fresh seeds."
                )
        if self.points:
            yield f"Points that both have tried: {self.points.sentence(*names)}"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        winners = self.winners and self.winners.to_json() | {"fresh_seeds": self._fresh}
        return {
            "sweeps": [str(result.folder) for result in (self.ours, self.theirs)],
            "measure": self.measure,
            "verdict": self.verdict,
            "best": [_best(result) for result in (self.ours, self.theirs)],
            "winners": winners,
            "points": self.points and self.points.to_json(),
        }

    @property
    def _fresh(self) -> bool:
        """Whether seeds speak that had no part in the choice of the winners."""
        told = (_told(result) for result in (self.ours, self.theirs))
        return all(trial is not None and trial.of is not None for trial in told)


def versus(ours: Result, theirs: Result) -> Versus:
    """Compare them. Raises TunerError for sweeps whose errors do not mean the same."""
    names = [subject_in(result.trials.specification) for result in (ours, theirs)]
    if names[0] != names[1]:
        raise TunerError(
            f"{ours.folder.name} is of {names[0]}, {theirs.folder.name} of {names[1]}: errors of "
            "different problems do not compare. Name two sweeps of the same one."
        )
    kinds = [measure(result.trials) for result in (ours, theirs)]
    if kinds[0] != kinds[1]:
        raise TunerError(
            f"{ours.folder.name} minimises {kinds[0]}, {theirs.folder.name} {kinds[1]}, which do "
            "not compare. Name two sweeps with the same first objective."
        )
    return Versus(
        ours,
        theirs,
        kinds[0],
        _winners(ours, theirs, kinds[0]),
        _points(ours.trials, theirs.trials),
    )


def _winners(ours: Result, theirs: Result, name: str) -> Contest | None:
    told = (_told(ours), _told(theirs))
    if told[0] is None or told[1] is None:
        return None
    rows = [replicates(trial, name) for trial in told if trial is not None]
    r = min(map(len, rows))
    seeds = {seed_of(told[0], ours.sweep.seed), seed_of(told[1], theirs.sweep.seed)}
    pairs = "equal-seed replicate" if len(seeds) == 1 else "replicate"
    return Contest(Comparison(rows[0][:r], rows[1][:r]), pairs)


def _points(ours: TrialTable, theirs: TrialTable) -> Contest | None:
    """Of trials that failed nothing is known, and of other points nothing in common."""
    known = {_key(trial.point): trial for trial in reversed(_judged(theirs))}
    pairs = []
    for trial in _judged(ours):
        other = known.pop(_key(trial.point), None)
        if other is None:
            continue
        epoch = min(trial.epochs, other.epochs)
        pairs.append((_error(trial, epoch), _error(other, epoch)))
    if not pairs:
        return None
    mine, its = zip(*pairs, strict=True)
    return Contest(Comparison(mine, its), "point")


def _judged(table: TrialTable) -> list[Trial]:
    known = [t for t in table.searched if t.reports or t.status is Status.DIVERGED]
    return [trial for trial in known if trial.status is not Status.FAILED]


def _error(trial: Trial, epoch: int) -> float:
    if trial.status is Status.DIVERGED:
        return math.inf
    error = trial.error_at(epoch)
    return trial.error if error is None else error


def _key(point: Point) -> str:
    return json.dumps(dict(point), sort_keys=True, default=repr)


def _told(result: Result) -> Trial | None:
    best = result.trials.best()
    return None if best is None else reported(result.trials, best)


def _about(result: Result) -> str:
    table, told = result.trials, _told(result)
    spent = f"{count(len(table.searched), 'trial')} in {duration(table.clock)}"
    if told is None:
        return f"no winner; {spent}"
    anew = f", trained anew as trial {told.number}" if told.of is not None else ""
    winner = told.number if told.of is None else told.of
    return f"trial {winner}{anew}: {outcome(told)}; {spent}"


def _best(result: Result) -> dict[str, Any] | None:
    told = _told(result)
    if told is None:
        return None
    winner = told.number if told.of is None else told.of
    return {"trial": winner, "error": _finite(told.error), "epochs": told.epochs}


def _names(ours: Result, theirs: Result) -> tuple[str, str]:
    """Their names; with the folder where that is needed to tell them apart."""
    a, b = ours.folder, theirs.folder
    return (a.name, b.name) if a.name != b.name else (str(a), str(b))


def _range(ends: tuple[float, float] | None) -> str:
    return f"{number(ends[0])} to {number(ends[1])}" if ends else ""


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
