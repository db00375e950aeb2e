"""The tables of a report, as HTML: the best trials, the confirmed, the Pareto set, all by status.

And what went wrong on the way.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

from trainables.report import Replicates, quantile
from tuner.confirming import compare, measure, replicates
from tuner.headline import tally
from tuner.insight.strategies import Contest
from tuner.insight.time_spent import TimeSpent
from tuner.ranking import confirmed, contenders, pareto_set, repeats, score, value
from tuner.statistics import fewest, median_interval
from tuner.table import Status, Trial, TrialTable
from tuner.wording import (
    compared,
    count,
    duration,
    measured,
    number,
    percent,
    short,
    shown,
    spread,
    spread_of,
)

SHOWN = 5
LATEST = 40


def best_trials(table: TrialTable) -> str:
    """Those that went furthest first: errors of different fidelity do not compare."""
    whole = {trial.number for trial in contenders(table)}
    sound = [trial for trial in table.searched if math.isfinite(trial.error)]
    if not sound:
        return ""

    def place(trial: Trial) -> tuple[object, ...]:
        if trial.number not in whole:
            return (1, -table.spent(trial), trial.error)
        worth = score(trial.number, trial.reports[-1], table)
        return (0, worth.violation, worth.values)

    names = [name for name in (*table.objectives, *table.require) if name != "error"]
    names = list(dict.fromkeys(names))
    ranked = sorted(sound, key=place)[:SHOWN]
    head = ["trial", "origin", "status", "epochs", "error (q10 to q90)", *names]
    head += [*(["required"] if table.require else []), "balancer", "parameters"]
    rows = [_row(trial, table, names, trial.number not in whole) for trial in ranked]
    note = f"Those that went furthest come first, by {table.objectives[0]}."
    if any(trial.number not in whole for trial in ranked):
        note += " Faint rows did not get as far; their errors do not compare with those above."
    return f"{_table(head, rows)}<p class=faint>{escape(note)}</p>"


def facts(table: TrialTable, time: TimeSpent) -> str:
    """The size of it, in a row of numbers."""
    search = table.searched
    cells = {
        count(len(search), "trial"): ", ".join(f"{n} {s}" for s, n in tally(search).items()),
        f"{sum(trial.epochs for trial in table):,} epochs": f"of at most {table.budget:g} "
        f"{table.unit} a trial",
        duration(time.clock): f"on {count(time.slots, 'slot')}",
        f"{percent(time.shares['training'])} training": "of the time of the slots",
    }
    if not time.whole:
        cells = dict([*cells.items()][:2])
    shown_cells = (
        f"<div><b>{escape(a)}</b><span>{escape(b)}</span></div>" for a, b in cells.items()
    )
    return f"<div class=facts>{''.join(shown_cells)}</div>"


def strategies_compared(found: Contest) -> str:
    """Each strategy in a row: its trials, its best, how it compares with the leading one, its cost."""
    rivals = {rival.strategy.name: rival for rival in found.rivals}
    costs = [one.step_seconds for one in found.strategies if one.step_seconds]
    rows = []
    for one in found.strategies:
        cells: list[object] = [shown(one.name), len(one.trials), len(one.full)]
        cells += [_range(one.full[0].reports[-1].error) if one.full else "none"]
        cells += [_range(one.errors) if one.errors else ""]
        rival = rivals.get(one.name)
        cost = one.step_seconds
        cells += [f"{cost / min(costs):.2f} ×" if cost and costs else ""]
        if rival is not None:
            said = f"{rival.verdict}; {compared(rival.comparison).partition('; ')[2]}"
        else:
            said = "leads" if one is found.leader else "not compared"
        rows.append(f"<tr>{_cells(cells)}{_long(said)}</tr>")
    judged = "with fresh seeds" if found.leader and found.leader.fresh else "chosen by the others"
    head = [found.choice, "trials", "in full", "its best trial (q10 to q90)", judged]
    note = (
        "Each replicate counts with the trial that the other replicates have chosen, so that many "
        "trials are no advantage. A verdict is at 95 %; several are corrected for by Holm's method."
    )
    table = _table([*head, "a step costs", "against the best"], rows)
    return f"{table}<p class=faint>{note}</p>"


def confirmed_trials(table: TrialTable) -> str:
    """What fresh seeds say of the best, beside what the search said; the winner on top."""
    again, name = repeats(table), measure(table)
    held = [trial.number for trial in confirmed(table)]
    rows = []
    for n in [*held, *sorted(set(again) - set(held))]:
        anew = again[n]
        errors = replicates(anew, name)
        searched = quantile(replicates(table.trials[n], name), 0.5)
        cells: list[object] = [n, number(searched), anew.number]
        if anew.status is Status.FINISHED:
            cells += [spread_of(errors), _interval(median_interval(errors))]
        else:
            cells += [anew.status, ""]
        found = compare(table, held[0], n) if held and n != held[0] else None
        rows.append(f"<tr>{_cells(cells)}{_long(compared(found) if found else '')}</tr>")
    head = [
        "trial",
        f"{name} in the search",
        "anew as trial",
        "with fresh seeds (q10 to q90)",
        "95 % interval of the median",
        "the winner against it",
    ]
    note = (
        "The search chose these trials for their errors, which flatters them. Fresh seeds had no "
        "part in the choice. Replicate i has the same seed in all of them."
    )
    return f"{_table(head, rows)}<p class=faint>{note}</p>" if rows else ""


def pareto_trials(table: TrialTable) -> str:
    """The trials that no other is better than in every objective."""
    rows = []
    for trial in pareto_set(table):
        values = [measured(value(trial.reports[-1], name)) for name in table.objectives]
        cells = _cells([trial.number, *values, shown(trial.point.get("balancer", ""))])
        rows.append(f"<tr>{cells}{_long(_others(trial))}</tr>")
    return _table(("trial", *table.objectives, "balancer", "parameters"), rows) if rows else ""


def statuses(table: TrialTable) -> str:
    """How many trials there are of each status, and why they broke."""
    search, again = table.searched, [trial for trial in table if trial.of is not None]
    rows = [
        (n, str(status), _reasons(search.having(status))) for status, n in tally(search).items()
    ]
    rows += [
        (n, f"{status}, repeating another with fresh seeds", "")
        for status, n in Counter(trial.status for trial in again).items()
    ]
    width = 3 if any(why for *_, why in rows) else 2
    cells = [
        f"<tr>{_cells((n, status))}{_long(why) if width == 3 else ''}</tr>"
        for n, status, why in rows
    ]
    return _table(("trials", "status", "why")[:width], cells) if rows else ""


def setbacks(table: TrialTable) -> str:
    """What went wrong in trials that may have come to their end all the same; the last of them."""
    rows = [
        f"<tr>{_cells((trial.number, trial.status))}{_long(shown(said, 300))}</tr>"
        for trial in table
        for said in trial.history
    ]
    note = f"The last {LATEST} of {len(rows)}; the journal has all." if len(rows) > LATEST else ""
    body = _table(("trial", "status", "what"), rows[-LATEST:])
    return f"{body}<p class=faint>{note}</p>" if rows else ""


def _row(trial: Trial, table: TrialTable, names: Sequence[str], partial: bool) -> str:
    report = trial.reports[-1]
    cells = [trial.number, trial.origin, trial.status, trial.epochs, spread(report)]
    cells += [measured(value(report, name)) for name in names]
    if table.require:
        cells.append("missed" if score(trial.number, report, table).violation else "met")
    cells.append(shown(trial.point.get("balancer", "")))
    return f"<tr{' class=faint' if partial else ''}>{_cells(cells)}{_long(_others(trial))}</tr>"


def _others(trial: Trial) -> str:
    return short({name: value for name, value in trial.point.items() if name != "balancer"})


def _range(values: Replicates) -> str:
    """`0.0123 (0.0101 to 0.0188)`."""
    low, middle, high = (number(quantile(values, q)) for q in (0.1, 0.5, 0.9))
    return f"{middle} ({low} to {high})" if len(values) > 1 else middle


def _interval(found: tuple[float, float] | None) -> str:
    if found is None:
        return f"needs {fewest()} replicates"
    return f"{number(found[0])} to {number(found[1])}"


def _reasons(trials: Sequence[Trial]) -> str:
    """The three commonest reasons of the diverged or failed; numbers in them do not matter."""
    if trials[0].status not in (Status.DIVERGED, Status.FAILED):
        return ""
    kinds = {trial.number: re.sub(r"\b\d+\b", "#", trial.reason) for trial in reversed(trials)}
    example = {kinds[trial.number]: trial for trial in reversed(trials)}
    return "; ".join(
        f"{n} × {shown(example[kind].reason or 'no reason given')} (trial {example[kind].number})"
        for kind, n in Counter(kinds.values()).most_common(3)
    )


def _cells(values: Iterable[object]) -> str:
    return "".join(f"<td>{escape(str(value))}</td>" for value in values)


def _long(text: str) -> str:
    """The cell that gives way."""
    return f"<td class=long>{escape(text)}</td>"


def _table(head: Iterable[str], rows: Iterable[str]) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    return f"<div class=wide><table><tr>{cells}</tr>{''.join(rows)}</table></div>"
