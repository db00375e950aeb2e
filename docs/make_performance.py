"""Writes docs/performance.md, and its pictures, from what the benchmarks of speed have measured.

    python docs/make_performance.py

No number is in this file: they come from benchmarks/results/performance/, written by the benchmarks,
and each section names the command and the machine of its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import performance_scale
from performance_tables import table, verdicts

PAGE = Path(__file__).parent / "performance.md"
RESULTS = Path(__file__).parent.parent / "benchmarks" / "results" / "performance"

HEAD = """# Performance

Made by `make docs` from what the commands below have written; every ratio is of numbers that one
run has measured side by side. Networks here train for seconds to minutes, so what is done around a
step counts as much as the step.
"""
Result = Mapping[str, Any]


def overhead(found: Result) -> str:
    """What a report, a pause and a start cost."""
    ms = {name: median(values) for name, values in found["reports"]["milliseconds"].items()}
    ranges = found["reports"]["milliseconds"]
    told, goals = ms["ours, until MLflow has it"], found["goals"]
    rows = [
        (
            name,
            f"{value:.2f}",
            f"{min(ranges[name]):.2f} to {max(ranges[name]):.2f}",
            f"{value / ms['ours']:.2f}",
            f"{value / told:.2f}",
        )
        for name, value in ms.items()
    ]
    times_less = ms["tune with mlflow"] / told
    beside = ms["ours"] / min(ms["tune at its best"], ms["tune buffered"])
    resuming = median(found["pauses"]["resuming"])
    saving = median(found["pauses"]["saving"])
    begun = median(found["start"]["seconds"])
    reports = found["reports"].get("of a report", {})
    of_a_report = ", ".join(f"{name} {1e3 * value:.0f}" for name, value in reports.items())
    spent = {name: f"{value:.1f} ms" for name, value in found["reports"]["of a trial"].items()}
    return "\n\n".join(
        [
            "## Overhead",
            f"Trials of 27 empty epochs, two at a time: the difference between a run of "
            f"{found['trials']['few']} and one of {found['trials']['many']} trials, so that no start is in it, "
            f"over {len(ranges['ours'])} rounds (fewer trials of Ray Tune with its callback, see the "
            "benchmark). `ours` has a durable journal and sends everything to MLflow "
            "while it runs; until MLflow has all of it takes longer than the sweep, and is a row of "
            "its own.",
            table(("ms a report", "median", "range", "/ ours", "/ ours with MLflow"), rows),
            verdicts(
                [
                    (
                        "Ray Tune with its MLflow callback, times ours until MLflow has it",
                        times_less,
                        goals["tune with mlflow"],
                        "at least",
                    ),
                    (
                        "our sweep, times the better of Ray Tune's two without logging",
                        beside,
                        goals["tune at its best"],
                        "at most",
                    ),
                    (
                        "seconds to resume a paused trial, its saving included",
                        resuming + saving,
                        goals["pause"],
                        "at most",
                    ),
                    (
                        "seconds from `tuner run` to the first training step",
                        begun,
                        goals["start"],
                        "at most",
                    ),
                ]
            ),
            f"Of a report, microseconds of the driver: {of_a_report}. The rest is Ray and Tune, which carry "
            "it there, and waiting for them. "
            "Where the time of a trial goes, medians: "
            + ", ".join(f"{name} {value}" for name, value in spent.items())
            + f". Resuming takes {1e3 * resuming:.0f} ms "
            f"({1e3 * min(found['pauses']['resuming']):.0f} to "
            f"{1e3 * max(found['pauses']['resuming']):.0f}), saving {1e3 * saving:.1f} ms.",
        ]
    )


def steps(found: Result) -> str:
    """Replicate-steps, beside DeepXDE and a plain loop."""
    columns = [name for name in found["rows"][0]["milliseconds"] if name.startswith("r =")]
    peers = ("plain", "deepxde")
    rows = []
    for row in found["rows"]:
        ms = row["milliseconds"]
        cells = [f"{ms[column]:.2f}" for column in columns]
        cells += [f"{ms[peer]:.2f}" if peer in ms else "" for peer in peers]
        cells += [
            f"{ms[peer] / ms['r = 1']:.1f}, {ms[peer] / ms['r = 8']:.1f}" if peer in ms else ""
            for peer in peers
        ]
        rows.append((row["problem"], row["precision"], *cells))
    head = (
        "problem",
        "",
        *columns,
        "plain loop",
        "DeepXDE",
        "plain / ours, r = 1, 8",
        "DeepXDE / ours, r = 1, 8",
    )
    claimed = found["rows"][0]["milliseconds"]
    return "\n\n".join(
        [
            "## Steps",
            "Milliseconds of the processor for a step of one replicate, one thread, with equal weights. The plain loop "
            "is `nn.Sequential`, Adam and automatic differentiation on the same residuals, one seed; "
            "DeepXDE keeps its points, ours are drawn anew at every step.",
            table(head, rows),
            verdicts(
                [
                    (
                        f"replicate-steps a second on burgers1d at r = {r}, times DeepXDE's",
                        claimed["deepxde"] / claimed[f"r = {r}"],
                        goal,
                        "at least",
                    )
                    for r, goal in found["goals"].items()
                ]
            ),
            "A step of so small a network costs what its operations cost to call: derivatives are passed "
            "on from layer to layer with one backward pass written out by hand, all points go through the "
            "network together, and nothing is computed that the point does not ask for. "
            "`python -m benchmarks.steps --profile burgers1d` prints where the time of a step goes.",
        ]
    )


def wall_clock(found: Result) -> str:
    """What sweeps of equal time reach."""
    shares = list(found["runs"][0]["claimed"])
    rows, loads = [], [run["load"] for run in found["runs"]]
    for problem, arm in dict.fromkeys((run["problem"], run["arm"]) for run in found["runs"]):
        mine = [run for run in found["runs"] if (run["problem"], run["arm"]) == (problem, arm)]
        claimed = [errors([run["claimed"][share] for run in mine]) for share in shares]
        true = errors([run["true"] for run in mine])
        tried = (median(run[key] for run in mine) for key in ("trials", "epochs"))
        first = errors([run["first report"] for run in mine])
        rows.append((problem, arm, *claimed, true, *(f"{value:g}" for value in tried), first))
    head = ("", "", *(f"claimed, {share} of the time" for share in shares), "true, at the end")
    return "\n\n".join(
        [
            "## Search within a wall clock",
            f"The error that a sweep of {found['seconds']:g} s reaches on {found['slots']} slots, start "
            f"included: median (least to greatest) over {found['repeats']} repeats. A method claims "
            "the least error that it has reported; `true` is the median error of that winner over four "
            "fresh seeds, trained for as many epochs. Ours searches balancers and trains four seeds a "
            "trial; Ray Tune (OptunaSearch, ASHAScheduler) and Optuna (two processes, successive "
            "halving) search constant weights of the losses around a plain loop with one seed.",
            table((*head, "trials", "epochs", "first report, s"), rows),
            " ".join(
                _beside_the_best(found["runs"], name)
                for name in {r["problem"]: 0 for r in found["runs"]}
            )
            + " "
            + " ".join(
                _luck(found["runs"], name) for name in {r["problem"]: 0 for r in found["runs"]}
            )
            + " Errors above 1 are of winners that fail altogether with half of the fresh seeds."
            + " Three things cost ours time in a sweep this short. An epoch of ours trains four seeds, where the "
            "others train one. Ray, and two processes with torch in them, "
            "are started first, which Optuna's two processes do without. And the default point is always "
            "trained to its end, which is what any winner is compared with: half of a slot's time here. "
            "What remains is enough for the first rungs of the others.",
            f"Ours runs MLflow on the same cores. While it was measured the load of the machine was "
            f"{min(loads):g} to {max(loads):g}, what is measured included.",
        ]
    )


def _beside_the_best(runs: Sequence[Result], problem: str) -> str:
    """How far ours is from the best of the peers, in a sentence."""
    true: dict[str, list[float]] = {}
    first: dict[str, list[float]] = {}
    for run in runs:
        if run["problem"] == problem:
            value = run["true"]
            true.setdefault(run["arm"], []).append(math.inf if value is None else value)
            first.setdefault(run["arm"], []).append(run["first report"])
    ours, *_ = (median(true[arm]) for arm in true if arm == "ours")
    best = min((arm for arm in true if arm != "ours"), key=lambda arm: median(true[arm]))
    factor = ours / median(true[best])
    word = (
        f"{factor:.2g} times that of"
        if factor > 1
        else f"{1 / factor:.2g} times less than that of"
    )
    return (
        f"On `{problem}` the true error of ours is {word} {best}, the better of the two; the first "
        f"report comes after {median(first['ours']):.0f} s, and after {median(first[best]):.0f} s there."
    )


def _luck(runs: Sequence[Result], problem: str) -> str:
    """By how much each method's claim is too good, in a sentence."""
    told = []
    for arm in dict.fromkeys(run["arm"] for run in runs):
        mine = [run for run in runs if (run["problem"], run["arm"]) == (problem, arm)]
        ratios = [run["true"] / run["claimed"]["100%"] for run in mine if run["claimed"]["100%"]]
        told.append(f"{arm} {median(ratios):.2g}")
    return f"On `{problem}` the true error is so many times the claimed one: {', '.join(told)}."


def errors(values: Sequence[float | None]) -> str:
    """Median and range of errors, of which None is that nothing was reported yet."""
    known = [math.inf if value is None else value for value in values]
    shown = (
        f"{value:.3g}" if value < math.inf else "none"
        for value in (median(known), min(known), max(known))
    )
    return "{} ({} to {})".format(*shown)


def gpu(found: Result) -> str:
    """Steps on a GPU."""
    columns = ("trained", "bare", "graph", "at hand")
    rows = [
        (
            row["problem"],
            row["device"],
            row["replicates"],
            *(f"{row[column]:,.0f}" if column in row else "" for column in columns),
            f"{row['drawing']:.2f}",
        )
        for row in found["rows"]
    ]
    return "\n\n".join(
        [
            "## Steps on a GPU",
            f"Replicate-steps a second on {found['card']}, and on {found['threads']} threads of the "
            "CPU: as sweeps train (`trained`), without choices (`bare`), as a CUDA graph from the "
            "residuals to the new parameters (`graph`), and that on points that are there already (`at "
            "hand`). Random numbers come from the CPU, which takes `drawing` of every step, in ms.",
            table(("", "", "r", *columns, "drawing"), rows),
        ]
    )


SECTIONS: Mapping[str, Callable[[Result], str]] = {
    "overhead": overhead,
    "steps": steps,
    "wall_clock": wall_clock,
    "gpu": gpu,
    **performance_scale.SECTIONS,
}


def source(found: Result) -> str:
    """The command and the machine of a result."""
    machine = found["machine"]
    libraries = ", ".join(
        f"{name} {machine[name]}"
        for name in ("torch", "ray", "mlflow", "optuna")
        if name in machine
    )
    return (
        f"`{found['command']}`, {found['date']}, {machine['cores']} cores of {machine['processor']}, "
        f"Python {machine['python']}, {libraries}; load at the end {machine['load']}."
    )


def page() -> str:
    """The whole of it, of the results that there are."""
    parts = [HEAD]
    for name, section in SECTIONS.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            found = json.loads(path.read_text())
            parts.append(f"{section(found)}\n\n{source(found)}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
