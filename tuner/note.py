"""What a sweep was asked and what came of it, in Markdown: the description of its run in MLflow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tuner.confirming import reported
from tuner.headline import headline
from tuner.ranking import leaders, pareto_set, value
from tuner.table import Event, Trial, TrialTable
from tuner.wording import count, measured, short, shown, spread

LEADERS = 5
MEMBERS = 40  # of the Pareto set


def note(sweep: Event, table: TrialTable, room: int) -> str:
    """The whole of it, in at most so many characters: the sweep's file gives way.

    sweep: the first event of the journal.
    """
    sections = [f"**Asked:** {asked(sweep, table)}", f"**Found:** {headline(table)}"]
    if best := table.best():
        sections += [_best(table), _point(best)]
    if best and len(table.objectives) > 1:
        sections.append(_pareto(table))
    sections.append(f"**Again:**\n\n{_fenced(again(sweep), 'sh')}")
    above = "\n\n".join(sections)
    return f"{above}\n\n{_fenced(_cut(sweep['yaml'].strip(), room - len(above) - 20), 'yaml')}\n"


def asked(sweep: Event, table: TrialTable) -> str:
    """`burgers1d: 64 trials of up to 81 epochs, 4 replicates each; searcher tpe, ...`."""
    given = sweep["specification"]
    told = count(table.expected, "trial") if table.expected else "trials"
    limit = f"{table.budget:g} {table.unit}" + (" of training" if table.unit == "seconds" else "")
    parts = [f"`{sweep['problem']}`, {told} of up to {limit}"]
    if "replicates" in given:
        parts[0] += f", {count(given['replicates'], 'replicate')} each"
    parts += [
        f"{key} {_strategy(given[key])}" for key in ("searcher", "scheduler") if key in given
    ]
    parts.append(f"minimised: {', '.join(table.objectives)}")
    return f"{'; '.join(parts)}."


def again(sweep: Event) -> str:
    """The commands that run the sweep anew, as far as it is known of which code it was."""
    commit = sweep.get("versions", {}).get("commit", "").removesuffix("-dirty")
    checkout = [f"git checkout {commit}"] if re.fullmatch("[0-9a-f]{7,64}", commit) else []
    return "\n".join(
        [*checkout, "tuner run sweep.yaml --storage again  # sweep.yaml: an artifact"]
    )


def _strategy(given: Any) -> str:
    if not isinstance(given, Mapping):
        return str(given)
    options = ", ".join(f"{key} {shown(value)}" for key, value in given.items() if key != "name")
    return f"{given.get('name')} ({options})" if options else str(given.get("name"))


def _best(table: TrialTable) -> str:
    """The best few among those whose errors compare, the winner first."""
    others = [name for name in (*table.objectives, *table.require) if name != "error"]
    others = list(dict.fromkeys(others))
    rows = []
    for trial in leaders(table, LEADERS):
        told = reported(table, trial)
        cells = [str(trial.number), spread(told.reports[-1])]
        cells += [str(trial.epochs), str(trial.status)]
        cells += [measured(value(told.reports[-1], name)) for name in others]
        rows.append([*cells, short(trial.point)])
    return _table(["trial", "error (q10 to q90)", "epochs", "status", *others, "point"], rows)


def _point(trial: Trial) -> str:
    rows = [[name, shown(chosen, 200)] for name, chosen in trial.point.items()]
    return _table([f"of trial {trial.number}", "value"], rows)


def _pareto(table: TrialTable) -> str:
    front, names = pareto_set(table), table.objectives
    rows = [
        [str(trial.number), *(measured(value(trial.reports[-1], name)) for name in names)]
        for trial in front[:MEMBERS]
    ]
    head = f"Pareto set, {count(len(front), 'trial')}:"
    return f"{head}\n\n{_table(['trial', *names], rows)}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _fenced(text: str, language: str) -> str:
    return f"```{language}\n{text}\n```"


def _cut(text: str, room: int) -> str:
    mark = " ... (cut)"
    return text if len(text) <= room else text[: max(room - len(mark), 0)] + mark
