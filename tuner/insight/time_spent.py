"""Where the time of a sweep went: each second of each slot, by what it was used for.

A slot is a place in which a trial can run; there are as many as trials ran at a time. While a
trial is in it, its segment starts, trains, saves, or waits for what the driver and Ray do between
two reports. While none is, it waits for a proposal that is being made, or for something to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tuner.table import Span, Trial, TrialTable


@dataclass(frozen=True)
class TimeSpent:
    """Seconds of slots; they add up to `slots * clock`.

    training:  epochs that were reported. starting: segments before their first epoch.
    saving:    checkpoints. proposing: the slot was empty while the searcher was at work.
    waiting:   the rest: the driver, Ray, epochs that were trained twice, and nothing to run.
    """

    slots: int
    clock: float
    training: float
    starting: float
    saving: float
    proposing: float

    @property
    def whole(self) -> float:
        """What there was to spend."""
        return self.slots * self.clock

    @property
    def waiting(self) -> float:
        """What is left of the whole."""
        known = self.training + self.starting + self.saving + self.proposing
        return max(0.0, self.whole - known)

    @property
    def shares(self) -> dict[str, float]:
        """What for -> the share of the whole, in the order in which a trial goes through it."""
        names = ("proposing", "starting", "training", "saving", "waiting")
        return {name: getattr(self, name) / self.whole if self.whole else 0.0 for name in names}


def time_spent(table: TrialTable) -> TimeSpent:
    """What the slots of a sweep were used for, up to now."""
    trials = list(table)
    at_work = [span for trial in trials for span in _spans(trial, table.clock)]
    proposals = [
        Span(trial.spans[0].since - trial.proposing, trial.spans[0].since)
        for trial in trials
        if trial.spans and trial.proposing
    ]
    slots = max((busy for _, _, busy, _ in _moments(at_work, ())), default=0)
    empty = sum(
        (until - since) * (slots - busy)
        for since, until, busy, proposing in _moments(at_work, proposals)
        if proposing
    )
    return TimeSpent(
        slots=slots,
        clock=table.clock,
        training=sum(trial.seconds for trial in trials),
        starting=sum(trial.starting for trial in trials),
        saving=sum(trial.saving for trial in trials),
        proposing=empty,
    )


def _spans(trial: Trial, clock: float) -> Sequence[Span]:
    """When a trial was at work; if it is so now, up to now."""
    if not trial.live:
        return trial.spans
    return (*trial.spans[:-1], trial.spans[-1]._replace(until=clock))


def _moments(
    at_work: Sequence[Span], proposals: Iterable[Span]
) -> Iterable[tuple[float, float, int, bool]]:
    """Stretches of time in which nothing changes: from, until, busy slots, a proposal is made."""
    changes = [(span.since, 1, 0) for span in at_work] + [(span.until, -1, 0) for span in at_work]
    changes += [(max(0.0, span.since), 0, 1) for span in proposals]
    changes += [(span.until, 0, -1) for span in proposals]
    busy = proposing = 0
    for (since, started, asked), (until, *_) in pairwise(sorted(changes)):
        busy, proposing = busy + started, proposing + asked
        if until > since:
            yield since, until, busy, proposing > 0
