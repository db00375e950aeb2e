"""Would constants do? The best adaptive trial of a sweep against its own late weights, held fixed.

Three trials of equal budget: the adaptive point again, the same with its late weights as constants
(balancer `static`), and the same with equal weights (`uniform`). All get new seeds: the adaptive
point was chosen for its luck on the old ones. Replicate i of each starts from the same network and
sees the same training points, so the three are compared replicate by replicate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trainables.report import Replicates, quantile
from tuner.errors import TunerError
from tuner.statistics import median_interval, paired_ratios
from tuner.sweep import Sweep
from tuner.table import Status, Trial, TrialTable
from tuner.wording import number, spread

if TYPE_CHECKING:
    from tuner.result import Result

SUFFIX = "-distilled"
CONSTANT = ("static", "uniform")
NEW_SEEDS = 1000
"""Added to the seed of the sweep. Streams of different seeds are unrelated, however near."""
TOLERANCE = 1.1
"""Constants do as well if their error is at most this many times the other."""
ENOUGH = 8
"""Replicates at least, unless asked for otherwise: with fewer than five nothing can be told."""
LEVEL = 0.9
"""Of the interval for the median ratio: either end may be wrong in one case of twenty."""


def best_adaptive(table: TrialTable, name: str) -> Trial:
    """The best among the trials whose balancer adapts. Raises TunerError if there is none."""
    adaptive = {trial.number: trial for trial in table if _balancer(trial) not in CONSTANT}
    if not adaptive:
        raise TunerError(
            f"{name}: no trial has an adaptive balancer, so there are no weights to distil. Let "
            "`space.set.balancer` choose among others than uniform and static "
            "(tuner list balancers)."
        )
    best = replace(table, trials=adaptive).best()
    if best is None:
        raise TunerError(
            f"{name}: none of its {len(adaptive)} trials with an adaptive balancer has a finite "
            "error (yet), so there are no weights to distil."
        )
    return best


def late_weights(trial: Trial) -> dict[str, float]:
    """Loss -> the constant that stands for its weight; the first is 1, since only ratios matter.

    In each replicate the means over the last third of the epochs, divided by that of the first
    loss; then the median over replicates. Raises TunerError for a weight that is not above 0.

    Ratios are all that matters to Adam; to SGD the scale is part of the learning rate.
    """
    late = trial.reports[-math.ceil(len(trial.reports) / 3) :]
    means = {
        name: [
            sum(report.weights[name][i] for report in late) / len(late)
            for i in range(len(late[0].weights[name]))
        ]
        for name in late[0].weights
    }
    # of a lost replicate there are no weights
    rows = [row for row in zip(*means.values(), strict=True) if all(map(math.isfinite, row))]
    ratios = [tuple(w / row[0] if row[0] > 0 else math.inf for w in row) for row in rows]
    weights = {
        name: float(f"{quantile(column, 0.5):.6g}")
        for name, column in zip(means, zip(*ratios, strict=True), strict=False)
    }
    if not weights or not all(0 < weight < math.inf for weight in weights.values()):
        found = ", ".join(f"{name} {quantile(tuple(row), 0.5):.3g}" for name, row in means.items())
        raise TunerError(
            f"trial {trial.number} (balancer {_balancer(trial)}): no constants above 0 can stand "
            f"for its late weights ({found or 'none reported'})."
        )
    return weights


def distilled(
    sweep: Sweep, table: TrialTable, default_point: Mapping[str, Any], replicates: int | None
) -> Sweep:
    """The sweep of the three trials.

    Its space holds these three points and no other: all is fixed but the balancer, and its options
    count for the two that are no constants. `uniform` is the default, so trial 1 and what the
    report compares with is a network with equal weights; a problem with another default balancer
    has that one first. The others are `points`. Searching and stopping have no part in it.
    """
    trial = best_adaptive(table, sweep.name)
    balancer = _balancer(trial)
    own, options, others = {}, {}, {}
    for name, value in trial.point.items():
        if name.startswith(f"balancer.{balancer}."):
            own[name.removeprefix(f"balancer.{balancer}.")] = value
        elif name.startswith("balancer."):
            # reported weights are those after clip, floor and prior, so constants have them in them
            when = {"balancer": {"one_of": [balancer, "uniform"]}}
            options[name] = {"value": value, "when": when}
        elif name != "balancer":
            others[name] = value
    coefficients = {f"coefficients.{loss}": weight for loss, weight in late_weights(trial).items()}
    choice = {"uniform": None, "static": coefficients, balancer: own or None}
    first = default_point.get("balancer")
    first = first if first in choice else "uniform"
    return Sweep(
        **{
            **sweep.model_dump(),
            "name": sweep.name + SUFFIX,
            "space": {
                "use": [],
                "set": {**others, "balancer": {"choice": choice, "default": first}, **options},
            },
            "points": [{"balancer": name} for name in choice if name != first],
            "searcher": "random",
            "scheduler": "run_to_end",
            "budget": {
                "trials": len(choice),
                "epochs": sweep.budget.epochs,
                "trial_seconds": sweep.budget.trial_seconds,
            },
            "objectives": ["error"],
            "require": {},
            "continue_from": [],
            "confirm": 0,
            "first_replicates": None,
            "replicates": replicates or max(sweep.replicates, ENOUGH),
            "seed": (sweep.seed + NEW_SEEDS) % 2**32,
        }
    )


def distil_verdict(result: Result) -> str:
    """What a distilled sweep says: whether constants do as well as the adaptive weights."""
    return verdict(result.trials, result.sweep.name)


def verdict(table: TrialTable, name: str) -> str:
    """The verdict, then the three errors, then how they compare replicate by replicate.

    The ratios of the paired errors, constants over adaptive, have a median; the interval that
    holds it comes from their order statistics (the sign test), which asks nothing of how errors
    are distributed and wants at least 5 replicates.
    """
    trials = {_balancer(trial): trial for trial in table}
    adaptive = next((balancer for balancer in trials if balancer not in CONSTANT), None)
    if table.status != "finished" or adaptive is None or len(trials) != 3:
        return f"Cannot tell: {name} is not a finished sweep of `tuner distil`."
    for balancer, trial in trials.items():
        if trial.status is Status.FAILED or not trial.reports:
            return f"Cannot tell: trial {trial.number} ({balancer}) failed: {trial.reason}."
    static, uniform = trials["static"], trials["uniform"]
    weights = ", ".join(
        f"{key.removeprefix('balancer.static.coefficients.')} {value:.3g}"
        for key, value in static.point.items()
        if key.startswith("balancer.static.coefficients.")
    )
    ratios = paired(static, trials[adaptive])
    return (
        f"{_judged(ratios, name)} Errors: {adaptive} {_error(trials[adaptive])}; its late weights "
        f"as constants ({weights}) {_error(static)}; equal weights {_error(uniform)}. Replicate by "
        f"replicate, from the same start: the constants have {_compared(ratios)}; equal weights "
        f"have {_compared(paired(uniform, trials[adaptive]))}."
    )


def paired(ours: Trial, theirs: Trial) -> Replicates:
    """Our error over theirs in each replicate, in ascending order; 1 where both are lost."""
    return paired_ratios(_errors(ours), _errors(theirs))


def _judged(ratios: Replicates, name: str) -> str:
    r, found = len(ratios), median_interval(ratios, LEVEL)
    again = f"tuner distil {name.removesuffix(SUFFIX)} --replicates {4 * r} --replace"
    if found is None:
        return f"Cannot tell with {r} replicate{'s' * (r > 1)}, at least 5 are needed: {again}."
    low, high = found
    lies = (
        f"their error is {number(low)} to {number(high)} times the adaptive one "
        "(median ratio, 90 % interval)"
    )
    if high <= TOLERANCE:
        return f"Constants do as well here: {lies}."
    if low > 1:
        return f"The adaptive weights earn their keep: with constants, {lies}."
    return f"Cannot tell with {r} replicates: with constants, {lies}. More can: {again}."


def _compared(ratios: Replicates) -> str:
    as_good = sum(ratio <= 1 for ratio in ratios)
    return (
        f"{number(quantile(ratios, 0.5))} times the adaptive error (median) and are at least as "
        f"good in {as_good} of {len(ratios)}"
    )


def _errors(trial: Trial) -> Replicates:
    """After the last epoch; a diverged trial ended before it, so all of its replicates are lost."""
    error = trial.reports[-1].error
    return error if trial.status is Status.FINISHED else (math.inf,) * len(error)


def _error(trial: Trial) -> str:
    return spread(trial.reports[-1]) if trial.status is Status.FINISHED else str(trial.status)


def _balancer(trial: Trial) -> str:
    return str(trial.point.get("balancer", "uniform"))
