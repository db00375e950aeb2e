"""The sections of docs/performance.md on how costs grow with a sweep; see benchmarks/scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from performance_tables import table, verdicts

Result = Mapping[str, Any]
MIB = 2**20


def driver(found: Result) -> str:
    """What a report and a trial cost, by how many trials there are."""
    rows = [(row["scheduler"], f"{row['trials']:,}", *_costs(row)) for row in found["rows"]]
    head = ("scheduler", "trials", "reports", "us a report", "of the last 100 trials")
    claims = [
        (f"{row['scheduler']}, {what}: {row['to']:,} trials, times {row['from']:,}", row[key])
        for row in found["ratios"]
        for what, key in (("a report", "us a report"), ("memory a trial", "bytes a trial"))
    ]
    held = max(row.get("rss", 0) for row in found["rows"]) / MIB
    most = found["most bytes"] / MIB
    return "\n\n".join(
        [
            "## As a sweep grows: the driver",
            "The real driver, ledger and journal on a simulated clock, without Ray: 16 slots, the "
            "searcher `random`, up to 27 epochs, reports of three losses with four replicates. "
            "Processor time over a whole sweep by its reports, the proposals among them. A trial of "
            "a larger sweep may report more often, since more of them get to high rungs.",
            table((*head, "KiB a trial", "MiB in all"), rows),
            verdicts(
                [(what, value, found["goal"], "at most") for what, value in claims]
                + [("MiB of the largest driver, without Ray and MLflow", held, most, "at most")]
            ),
        ]
    )


def _costs(row: Result) -> tuple[str, ...]:
    if "given up" in row:
        return (f"given up after {row['given up']} s", "", "", "", "")
    return (
        f"{row['reports a trial'] * row['trials']:,.0f}",
        f"{row['us a report']:.0f}",
        f"{row['us a report, last']:.0f}",
        f"{row['bytes a trial'] / 2**10:.1f}",
        f"{row['rss'] / MIB:.0f}",
    )


def searchers(found: Result) -> str:
    """What the next point costs, by how many trials are known."""
    sizes = list(found["rows"][0]["ms"])
    rows = [
        (row["searcher"], *(_proposal(row["ms"].get(size, ""), found) for size in sizes))
        for row in found["rows"]
    ]
    return "\n\n".join(
        [
            "## As a sweep grows: searchers",
            "Milliseconds of the processor for a proposal in six dimensions, three quarters of the "
            "trials stopped early: the upper quartile of those that follow each other, and in "
            "brackets the first of all, with nothing cached. Proposals are made while trials run.",
            table(("trials known:", *(f"{int(size):,}" for size in sizes)), rows),
        ]
    )


def _proposal(ms: Any, found: Result) -> str:
    if ms is None:
        return f"more than {found['limit']} s"
    return f"{ms['next']:.3g} ({ms['first']:.3g})" if ms else ""


def reading(found: Result) -> str:
    """What it takes to look at a sweep."""
    names = list(found["rows"][0]["steps"])
    rows = [
        (name, *(f"{row['steps'][name]['seconds']:.2f}" for row in found["rows"]))
        for name in names
    ]
    sizes = (f"{row['trials']:,} trials, {row['events']:,} events" for row in found["rows"])
    large = found["rows"][-1]
    return "\n\n".join(
        [
            "## As a sweep grows: reading it",
            f"Seconds of the processor, of a sweep by `{found['scheduler']}`; with {large['trials']:,} "
            f"trials its journal has {large['journal bytes'] / MIB:.1f} MiB and its report "
            f"{large['report bytes'] / MIB:.1f} MiB. `translation` is all that MLflow is told, "
            "`driver` what going on with the sweep takes before the first segment.",
            table(("", *sizes), rows),
        ]
    )


def memory(found: Result) -> str:
    """A whole driver's process at its largest."""
    names = ("loaded", "with the driver", "with the sender", "at most")
    return "\n\n".join(
        [
            "## As a sweep grows: memory",
            f"MiB of a driver's process with Ray and MLflow loaded, {found['trials']:,} trials that all "
            f"run to the end ({found['reports']:,} reports in its table), and MLflow's sender, which "
            "remembers of trials that have ended how they began and ended.",
            table(names, [[f"{found[name] / MIB:.0f}" for name in names]]),
            verdicts(
                [
                    (
                        "MiB of the driver's process",
                        found["at most"] / MIB,
                        found["goal"] / MIB,
                        "at most",
                    )
                ]
            ),
        ]
    )


def slots(found: Result) -> str:
    """How busy slots are kept."""
    lengths = list(found["simulated"][0]["busy"])

    real = {(row["slots"], str(row["epoch seconds"])): row for row in found["real"]}

    def cells(slots: int, share: str) -> list[str]:
        rows = [real.get((slots, length), {}) for length in lengths]
        return [f"{row[share]:.1%}" if row.get(share) is not None else "" for row in rows]

    rows = [
        (f"{row['slots']}, simulated", *(f"{share:.1%}" for share in row["busy"].values()))
        for row in found["simulated"]
    ]
    rows += [
        (f"{slots}, for real, {when}", *cells(slots, share))
        for when, share in (("once warm", "once warm"), ("start included", "utilisation"))
        for slots in sorted({slots for slots, _ in real})
    ]
    return "\n\n".join(
        [
            "## Slots",
            "The share of the time that slots train, by the seconds of an epoch. Simulated: what the "
            "driver works is measured and added to the clock, one thing after the other. For real: "
            "Ray Tune, journal and MLflow, with trials that sleep, so that there are more slots than "
            "cores, three trials a slot of 9 or 81 epochs. Once warm is from when every slot has reported "
            "until the last trial starts; the start is that of as many processes as there are "
            "slots, which all load torch at once on the cores of the machine below.",
            table(("slots", *(f"{length} s" for length in lengths)), rows),
        ]
    )


def ray(found: Result) -> str:
    """Trials of a second, beside what Ray publishes."""
    told, ours = found["published"], found["ours"]
    full = ours["utilisation"] * ours["full"]
    rows = [
        (name, f"{trials:,}", f"{seconds:.1f}", f"{ideal:.1f}", f"{seconds / ideal - 1:.1%}")
        for name, trials, seconds, ideal in (
            ("Ray, as published", told["trials"], told["seconds"], told["ideal"]),
            ("ours, with the start of Ray", ours["reports"], ours["call"], ours["ideal"]),
            ("ours, first to last trial", ours["reports"], ours["work"], ours["ideal"]),
            ("ours, since all slots are full", ours["reports"], ours["full"], full),
        )
    ]
    return "\n\n".join(
        [
            "## Ray's own figure",
            f"Trials of a second on {told['slots']} slots, as in Ray's benchmark of bookkeeping (16 "
            "cores, nothing saved, no server). Ours has a durable journal and tells MLflow; its trials "
            "sleep, and all else shares the cores of the machine below.",
            table(("", "trials", "seconds", "ideal", "overhead"), rows),
        ]
    )


SECTIONS: Mapping[str, Callable[[Result], str]] = {
    "scale_driver": driver,
    "scale_searchers": searchers,
    "scale_reading": reading,
    "scale_memory": memory,
    "scale_slots": slots,
    "scale_ray": ray,
}
