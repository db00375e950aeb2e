"""Writes docs/problems.md from the docstrings of the problems, and trains each for a picture.

    python docs/make_problems.py [--text] [--only burgers1d,olg]

The text says nothing that a docstring does not say. What a picture's run came to is kept in
docs/images/problems/results.json, so that the page can be written without training anything anew.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import statistics
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from trainables.problem import Problem
from trainables.problems import PROBLEMS

PAGE = Path(__file__).parent / "problems.md"
PICTURES = Path(__file__).parent / "images" / "problems"
RESULTS = PICTURES / "results.json"
FAMILIES = {"pinn": "PINN", "deqn": "DEQN", "classic": "classic"}
LABELS = (
    "error",
    "metrics",
    "error, metrics",
    "Published",
    "No published",
    "To compare",
    "Source",
)

HEAD = """# Problems

Made from the docstrings in `trainables/pinn/`, `trainables/deqn/` and `trainables/classic/` by
`make docs`. A problem has named residuals, each of which is a loss, and an error that no weight
enters. Its fields are set and tuned as `problem.<field>`.

Every picture is of a run by `docs/make_problems.py`, with the point and the steps that are below it:
three replicates, of which the one in the middle is shown. The runs are short, half a minute on one
core, so that the errors in this table are where a search begins and not what the problem allows.
For PINN the error is a relative distance to the truth; for DEQN it is what is left of the worst
condition, whether a solution is known or not. The sections say it exactly.
"""


def kind(cls: type[Problem]) -> str:
    """Of which family it is."""
    return FAMILIES[cls.__module__.split(".")[1]]


def summary(cls: type[Problem]) -> str:
    """The first line of its file."""
    module = inspect.getmodule(cls)
    return (inspect.getdoc(module) or "").splitlines()[0].rstrip(".")


def blocks(doc: str) -> tuple[str, list[str]]:
    """A docstring up to its first label, as it is, and what it says at each label."""
    label = "|".join(sorted(LABELS, key=len, reverse=True))
    starts = [
        match.start()
        for match in re.finditer(rf"(?:^|(?<=[.)] ))(?:{label})\b", doc, re.MULTILINE)
    ]
    ends = [*starts[1:], len(doc)]
    said = [" ".join(doc[start:end].split()) for start, end in zip(starts, ends, strict=True)]
    return doc[: starts[0] if starts else None].strip(), said


def truth(cls: type[Problem]) -> str:
    """Where the solution comes from: exact, a reference that is computed, examples, or nowhere."""
    if hasattr(cls, "counts"):
        return "examples"
    for base in (cls, *bases(cls)):
        equation, labelled = blocks(inspect.getdoc(base) or "")
        doc = " ".join([equation, *(said for said in labelled if "ublished" not in said[:12])])
        if "Exact: not known" in doc:
            return "none"
        if match := re.search(r"\b(Exact|[Rr]eference)\b", doc):
            return match[1].lower()
    return "none" if cls.solution is Problem.solution else "exact"


def defaults(cls: type[Problem]) -> str:
    """Its fields."""
    return ", ".join(f"`{field.name}` {field.default!r}" for field in fields(cls))


def shown(point: Mapping[str, Any]) -> str:
    """A point in words."""
    return ", ".join(f"`{name}` {value}" for name, value in point.items())


def spread(errors: list[float]) -> str:
    """The median over the replicates, and their range."""
    middle, low, high = statistics.median(errors), min(errors), max(errors)
    return f"{middle:.2g} ({low:.2g} to {high:.2g})"


def bases(cls: type[Problem]) -> list[type[Problem]]:
    """The classes with a docstring of their own that a problem inherits from, nearest first."""
    return [
        base
        for base in cls.__mro__[1:]
        if issubclass(base, Problem) and base is not Problem and "__doc__" in vars(base)
    ]


def section(name: str, results: Mapping[str, Any]) -> str:
    """What the page says on one problem."""
    cls = PROBLEMS[name]
    equation, labelled = blocks(inspect.getdoc(cls) or "")
    own = {k: v for k, v in cls.default_point.items() if Problem.default_point.get(k) != v}
    names = {problem: known for known, problem in PROBLEMS.items()}
    inherited = [
        f"[{names[base]}](#{names[base]})"
        if base in names
        else f"[{base.__name__}](#{base.__name__.lower()})"
        for base in bases(cls)
    ]
    path = cls.__module__.replace(".", "/") + ".py"
    lines = [f"## {name}", "", f"{summary(cls)}. `{path}`", "", "```", equation, "```", ""]
    lines.append(f"- Losses: {', '.join(f'`{loss}`' for loss in cls.residual_names)}")
    lines.append(f"- Fields and defaults: {defaults(cls)}")
    lines.append(
        f"- Default point, where it differs from the common one: {shown(own) or 'nowhere'}"
    )
    if inherited:
        lines.append(f"- Is one of: {', '.join(inherited)}")
    lines += [f"- {said}" for said in labelled]
    if run := results.get(name):
        point = f"with {shown(run['point'])}" if run["point"] else "with the default point"
        rows = {"error": run["errors"], **run.get("metrics", {})}
        said = ", ".join(f"{measure} {spread(row)}" for measure, row in rows.items())
        lines += [
            "",
            f"![{name}](images/problems/{name}.png)",
            "",
            f"{run['steps']:,} steps {point}: {said} over {len(run['errors'])} replicates.",
        ]
    return "\n".join([*lines, ""])


def shared(cls: type[Problem]) -> str:
    """What the page says on a class that several problems inherit from."""
    doc = inspect.getdoc(cls) or ""
    return "\n".join([f"## {cls.__name__}", "", "```", doc, "```", ""])


def text() -> str:
    """The whole page."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    table = [
        "| problem | family | what it is | losses | truth | error |",
        "|---|---|---|---|---|---|",
    ]
    for name, cls in PROBLEMS.items():
        error = spread(results[name]["errors"]) if name in results else ""
        cells = (
            f"[{name}](#{name})",
            kind(cls),
            summary(cls),
            str(len(cls.residual_names)),
            truth(cls),
            error,
        )
        table.append("| " + " | ".join(cells) + " |")
    common = dict.fromkeys(
        base for cls in PROBLEMS.values() for base in bases(cls) if base not in PROBLEMS.values()
    )
    point = f"The common default point: {shown(Problem.default_point)}."
    return "\n".join(
        [
            HEAD,
            *table,
            "",
            point,
            "",
            *(section(name, results) for name in PROBLEMS),
            "# What several problems share",
            "",
            *map(shared, common),
        ]
    )


def main() -> None:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--text", action="store_true", help="the page without the pictures")
    parser.add_argument("--only", default=",".join(PROBLEMS), help="pictures of these, by comma")
    given = parser.parse_args()
    for name in () if given.text else given.only.split(","):
        from problem_pictures import take  # torch and matplotlib, which the text does without

        run = take(name, PICTURES, truth(PROBLEMS[name]))
        # read again for each, since several of these may run side by side
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        ordered = {
            known: {**results, name: run}[known] for known in PROBLEMS if known in {*results, name}
        }
        RESULTS.write_text(json.dumps(ordered, indent=1) + "\n")
        size = (PICTURES / f"{name}.png").stat().st_size / 1e3
        print(f"{name}: error {spread(run['errors'])}, {size:.0f} kB", flush=True)
    PAGE.write_text(text())


if __name__ == "__main__":
    main()
