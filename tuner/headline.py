"""What came out of a sweep in plain text: for the console, the report and MLflow's notes."""

from __future__ import annotations

import math

from trainables.report import Report, quantile
from tuner.confirming import compare, measure, replicates, reported
from tuner.ranking import confirmed, nearest, pareto_set, repeats
from tuner.table import Status, Trial, TrialTable
from tuner.wording import (
    bounds,
    compared,
    count,
    interval,
    measures,
    number,
    outcome,
    shown,
    spread,
    spread_of,
)

UNDER_WAY = (Status.RUNNING, Status.PAUSED)


def headline(table: TrialTable) -> str:
    """What came out of the sweep, or has so far, in a few sentences of plain text."""
    if not len(table):
        return "No trial has been proposed yet."
    best = table.best()
    if best is None:
        sentences = [_none(table)]
    elif confirmed(table):
        sentences = [_confirmed_winner(table, best), *verdicts(table, best), _front(table)]
    else:
        sentences = [_winner(table, best), _against_default(table, best), _front(table)]
        sentences.append(_not_held(table))
    return " ".join(filter(None, [*sentences, _unfinished(table)]))


def about(table: TrialTable, trial: Trial) -> list[str]:
    """A trial in a line, and in further ones what fresh seeds say of it."""
    again = reported(table, trial)
    first = f"trial {trial.number}: {outcome(trial)}{_others(table, trial)}"
    if again is trial:
        return [first]
    errors = interval(replicates(again, measure(table)))
    anew = f"with fresh seeds, as trial {again.number}: {outcome(again)}; {errors}"
    return [f"{first}, in the search", anew, *verdicts(table, trial)]


def tally(table: TrialTable) -> dict[Status, int]:
    """How many trials there are of each status."""
    return {status: n for status in Status if (n := table.count(status))}


def verdicts(table: TrialTable, best: Trial) -> list[str]:
    """How the confirmed winner compares with the runner-up and with the default point."""
    sentences = []
    for rival, name in rivals(table, best).items():
        found = compare(table, best.number, rival)
        if found is None:
            sentences.append(f"Not compared with {name}, trial {rival}: it was not repeated.")
        else:
            its = spread_of(found.theirs)
            sentences.append(f"Against {name}, trial {rival}, with {its}: {compared(found)}.")
    return sentences


def rivals(table: TrialTable, best: Trial) -> dict[int, str]:
    """With which trials the confirmed winner is compared, and what they are called."""
    others = [trial.number for trial in confirmed(table) if trial.number != best.number]
    found = dict.fromkeys(others[:1], "the runner-up")
    default = next((trial.number for trial in table if trial.origin == "default"), best.number)
    if default in found:
        found[default] = "the runner-up, which is the default point"
    elif default != best.number:
        found[default] = "the default point"
    return found


def _none(table: TrialTable) -> str:
    """Why nothing has won."""
    near = nearest(table)
    if near is None:
        return f"No trial has a finite error: {_listed(table)}."
    required = bounds(table.require)
    if not_held := _not_held(table):
        return not_held
    found = measures(near.reports[-1], dict.fromkeys((*table.require, *table.objectives)))
    return (
        f"No trial meets what is required ({required}), so none has won. "
        f"Trial {near.number} misses it by the least: {found}."
    )


def _listed(table: TrialTable) -> str:
    return ", ".join(f"{n} {status}" for status, n in tally(table).items())


def _winner(table: TrialTable, best: Trial) -> str:
    verb = "won" if table.status == "finished" else "leads so far"
    if best.status is not Status.FINISHED:
        verb = f"is ahead among those that went furthest ({best.status})"
    return f"Trial {best.number}{_balancer(best)} {verb}: {outcome(best)}{_others(table, best)}."


def _confirmed_winner(table: TrialTable, best: Trial) -> str:
    again = reported(table, best)
    verb = "won" if table.status == "finished" else "leads so far"
    errors = replicates(again, measure(table))
    return (
        f"Trial {best.number}{_balancer(best)} {verb}: {outcome(again)}{_others(table, again)}, "
        f"trained anew with fresh seeds as trial {again.number}; {interval(errors)}."
    )


def _balancer(trial: Trial) -> str:
    return f" (balancer {shown(trial.point['balancer'])})" if "balancer" in trial.point else ""


def _others(table: TrialTable, trial: Trial) -> str:
    """The objectives beside the error."""
    names = [name for name in table.objectives if name != "error"]
    return f", {measures(trial.reports[-1], names)}" if names else ""


def _front(table: TrialTable) -> str:
    if len(table.objectives) == 1:
        return ""
    front = [str(trial.number) for trial in pareto_set(table)]
    if not front:
        return ""
    verb = "is" if len(front) == 1 else "are"
    which = "trial" if len(front) == 1 else "trials"
    return (
        f"Of {len(table.objectives)} objectives {table.objectives[0]} decides; {which} "
        f"{', '.join(front)} {verb} not dominated by any other."
    )


def _not_held(table: TrialTable) -> str:
    """That trials were repeated and none of them can win by that."""
    tried = repeats(table)
    if not tried or confirmed(table) or any(not t.ended for t in table if t.of is not None):
        return ""
    return (
        f"{count(len(tried), 'trial')} trained anew with fresh seeds, but none finished with an "
        "error that meets what is asked, so nothing is confirmed."
    )


def _against_default(table: TrialTable, best: Trial) -> str:
    """How the best trial compares with the default point, after as many epochs as both have.

    As they ended, if both have: seconds as fidelity, and functions, end after any number of them.
    """
    default = next((trial for trial in table if trial.origin == "default"), None)
    if default is None:
        return ""
    if default.number == best.number:
        return "That is the default point; over as many epochs, no other trial has beaten it."
    name = f"the default point, trial {default.number},"
    epoch = min(best.epochs, default.epochs)
    ours, theirs = best.report_at(epoch), default.report_at(epoch)
    if best.status is default.status is Status.FINISHED:
        epoch, ours, theirs = best.epochs, best.reports[-1], default.reports[-1]
    if default.status is Status.DIVERGED:
        return f"{name.capitalize()} diverged."
    if ours is None or theirs is None or not math.isfinite(default.error):
        return f"{name.capitalize()} has no error to compare with ({default.status})."
    if epoch < best.epochs:
        given = f"After {count(epoch, 'epoch')}, as far as {name} got, it had {spread(ours)}"
        given += f" against {spread(theirs)}"
    else:
        given = f"Against {name} with {spread(theirs)}"
    return f"{given}: {_factor(ours, theirs)}, and {_overlap(ours, theirs)}."


def _factor(ours: Report, theirs: Report) -> str:
    if ours.median == theirs.median:
        return "equally good"
    better = ours.median < theirs.median
    low, high = sorted((ours.median, theirs.median))
    factor = f"a factor of {number(high / low)}" if low > 0 else "any factor"
    return f"{'better' if better else 'worse'} by {factor}"


def _overlap(ours: Report, theirs: Report) -> str:
    if len(ours.error) == 1:
        return "with one replicate each it may be luck"
    highest_low = max(quantile(ours.error, 0.1), quantile(theirs.error, 0.1))
    lowest_high = min(quantile(ours.error, 0.9), quantile(theirs.error, 0.9))
    verb = "overlap" if highest_low <= lowest_high else "do not overlap"
    return f"their ranges over replicates (q10 to q90) {verb}"


def _unfinished(table: TrialTable) -> str:
    if table.status == "finished":
        return ""
    state = f"{table.status}: {table.reason}" if table.reason else table.status
    under_way = table.count(*UNDER_WAY)
    return (
        f"The sweep is not finished ({state}); it has {count(len(table), 'trial')}, "
        f"{under_way} of them not ended."
    )
