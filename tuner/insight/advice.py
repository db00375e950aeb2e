"""What to try next, from what a sweep has shown: each piece with its reason and the keys to write."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from search_spaces import Choice, Float, Int, Parameter, Space
from tuner.insight.importances import Importances
from tuner.insight.rungs import Rungs
from tuner.insight.strategies import Contest
from tuner.insight.time_spent import TimeSpent
from tuner.ranking import best, contenders
from tuner.statistics import fewest
from tuner.table import Status, Trial, TrialTable
from tuner.wording import count, number, percent, shown

EDGE = 0.1
"""Within so much of an end of its range, on its scale, a value is at the edge."""
LEADERS = 5
"""Trials that have to agree before a range is called too narrow."""
ENOUGH = 20
"""Trials below which nothing is said of the course of the search."""


@dataclass(frozen=True)
class Advice:
    """do: what to try. why: what was seen. keys: of the sweep file, as YAML; may be empty."""

    do: str
    why: str
    keys: str = ""


def advice(
    table: TrialTable,
    space: Space | None,
    *,
    matters: Importances,
    stops: Rungs,
    strategies: Contest,
    time: TimeSpent,
) -> list[Advice]:
    """What is most worth trying first; empty if nothing stands out or nothing has won."""
    winner = best(table)
    if winner is None:
        return []
    return [
        *_edges(table, space, winner, matters),
        *_luck(table, strategies),
        *_longer(table, winner),
        *_more(table, winner),
        *_rungs(table, stops),
        *_idle(matters, winner),
        *_lost(table),
        *_slow(time),
    ]


def _edges(
    table: TrialTable, space: Space | None, winner: Trial, matters: Importances
) -> Iterator[Advice]:
    """Ranges at whose end the best trials lie, those that matter most first."""
    ranked = sorted(contenders(table), key=lambda trial: trial.error)
    order = {name: place for place, name in enumerate(matters.objective)}
    for parameter in sorted(space or (), key=lambda p: order.get(p.name, len(order))):
        having = [t.point[parameter.name] for t in ranked if parameter.name in t.point]
        if parameter.name not in winner.point or len(having) < 2 * LEADERS:
            continue
        leading = [winner.point[parameter.name], *having[:LEADERS]]
        places = [_place(parameter, given) for given in leading]
        for end, name, at in ((1.0, "upper", max), (0.0, "lower", min)):
            close = [abs(place - end) <= EDGE for place in places if place is not None]
            if not close or not close[0] or sum(close) <= len(close) / 2:
                continue
            if wider := _wider(parameter, upwards=end == 1.0):
                yield Advice(
                    f"Widen {parameter.name} {'upwards' if end else 'downwards'}.",
                    f"The winner's {shown(winner.point[parameter.name])} and most of the best "
                    f"{LEADERS} are at the {name} end of {parameter.domain.describe()}, the "
                    f"{'largest' if at is max else 'smallest'} that was allowed.",
                    f"space: {{set: {{{parameter.name}: {wider}}}}}",
                )


def _place(parameter: Parameter, given: Any) -> float | None:
    """Where on its scale a value lies, from 0 to 1; None where there is no order."""
    domain = parameter.domain
    if isinstance(domain, Float):
        return domain.to_unit(given) if domain.contains(given) else None
    if isinstance(domain, Int):
        return _share(given, domain.low, domain.high, domain.scale == "log")
    options = _numbers(domain)
    return _share(given, min(options), max(options), False) if given in options else None


def _share(given: float, low: float, high: float, log: bool) -> float:
    if log:
        given, low, high = math.log(given), math.log(low), math.log(high)
    return (given - low) / (high - low) if high > low else 0.5


def _numbers(domain: object) -> tuple[float, ...]:
    """The options of a choice among at least three numbers."""
    if not isinstance(domain, Choice) or len(domain.options) < 3:
        return ()
    numbers = [o for o in domain.options if isinstance(o, int | float) and not isinstance(o, bool)]
    return tuple(numbers) if len(numbers) == len(domain.options) else ()


def _wider(parameter: Parameter, upwards: bool) -> str:
    """The domain, half as wide again at one end; empty where an end is one of nature."""
    domain = parameter.domain
    if options := _numbers(domain):
        low, high = min(options), max(options)
        more = 2 * high if upwards else low / 2
        more = round(more) if all(isinstance(option, int) for option in options) else more
        listed = sorted({*options, more})
        return f"{{choice: [{', '.join(f'{option:g}' for option in listed)}]}}" if more > 0 else ""
    if not isinstance(domain, Float | Int) or domain.scale == "logit":
        return ""
    low, high = domain.low, domain.high
    if domain.scale == "log":
        factor = min(10.0, (high / low) ** 0.5)
        low, high = (low, high * factor) if upwards else (low / factor, high)
    elif (low == 0 and not upwards) or (high == 1 and upwards):
        return ""
    else:
        step = (high - low) / 2
        low, high = (low, high + step) if upwards else (low - step, high)
    if isinstance(domain, Int):
        low, high = max(1, round(low)), round(high)
        if (low, high) == (domain.low, domain.high):
            return ""
    scale = ", scale: log" if domain.scale == "log" else ""
    return f"{{low: {low:.3g}, high: {high:.3g}{scale}}}"


def _luck(table: TrialTable, strategies: Contest) -> Iterator[Advice]:
    """More replicates, where they could tell strategies apart; fresh seeds, where there are none."""
    close = [rival for rival in strategies.rivals if not rival.beaten]
    if strategies.leader is not None and close:
        r = len(strategies.leader.errors)
        wanted = max(fewest() + 2, 2 * r)
        names = ", ".join(shown(rival.strategy.name) for rival in close[:3])
        yield Advice(
            f"Train more replicates, such as {wanted}.",
            f"{count(r, 'replicate')} cannot tell {shown(strategies.leader.name)} from {names}.",
            f"replicates: {wanted}",
        )
    if not any(trial.of is not None for trial in table):
        yield Advice(
            "Confirm the best with fresh seeds.",
            "The winner was chosen for its errors, which flatters it; fresh seeds have no part in "
            "that choice.",
            "confirm: 5",
        )


def _longer(table: TrialTable, winner: Trial) -> Iterator[Advice]:
    """More epochs, where the error of the winner was still falling."""
    if table.unit != "epochs" or winner.epochs < 5:
        return
    earlier = winner.report_at(math.ceil(0.8 * winner.epochs))
    if earlier is None or not winner.error < 0.95 * earlier.median:
        return
    yield Advice(
        "Train longer.",
        f"In its last fifth, from epoch {earlier.epoch} to {winner.epochs}, the winner's error still "
        f"fell from {number(earlier.median)} to {number(winner.error)}.",
        f"budget: {{epochs: {2 * winner.epochs}}}",
    )


def _more(table: TrialTable, winner: Trial) -> Iterator[Advice]:
    trials = len(table.searched)
    if trials >= ENOUGH and winner.number > 0.8 * trials:
        yield Advice(
            "Try more points.",
            f"The winner came late, as trial {winner.number} of {trials}; the search had not settled.",
            f"budget: {{trials: {2 * trials}}}",
        )


def _rungs(table: TrialTable, stops: Rungs) -> Iterator[Advice]:
    if not stops.poor:
        return
    said = ", ".join(f"{found.correlation:.2f} at {found.early:g}" for found in stops.poor)
    later = [rung.level for rung in stops.rungs[:-1] if rung.level > stops.poor[-1].early]
    first = later[0] if later else math.ceil(stops.rungs[-1].level / 3)
    yield Advice(
        "Stop later, or not at all.",
        f"The order of the trials at a rung says little about that at the end: rank correlation {said} "
        f"{table.unit}.",
        f"scheduler: {{first_rung: {first:g}}}",
    )


def _idle(matters: Importances, winner: Trial) -> Iterator[Advice]:
    fixed = {name: winner.point[name] for name in matters.idle if name in winner.point}
    if not fixed:
        return
    verb = "matters" if len(fixed) == 1 else "matter"
    yield Advice(
        f"Fix {_listed([*fixed])}, which {verb} for nothing here.",
        f"Under 5 % of what matters for the error and for every loss, over {matters.trials} trials.",
        "space: {set: {"
        + ", ".join(f"{name}: {shown(given)}" for name, given in fixed.items())
        + "}}",
    )


def _lost(table: TrialTable) -> Iterator[Advice]:
    search = table.searched
    lost = search.count(Status.DIVERGED, Status.FAILED)
    if len(search) >= LEADERS and lost >= 0.2 * len(search):
        yield Advice(
            "Look at what diverged or failed.",
            f"That was the end of {lost} of {count(len(search), 'trial')}; the reasons are below.",
        )


def _slow(time: TimeSpent) -> Iterator[Advice]:
    if time.clock < 60:
        return
    if time.shares["proposing"] > 0.2:
        yield Advice(
            "Take a quicker searcher, or longer trials.",
            f"{percent(time.shares['proposing'])} of the time, slots were empty while the searcher thought.",
            "searcher: random",
        )
    if time.shares["starting"] + time.shares["waiting"] > 0.5:
        yield Advice(
            "Give the trials more to do.",
            f"Only {percent(time.shares['training'])} of the time was training; the rest is what comes "
            "between epochs, which does not grow with them.",
        )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
