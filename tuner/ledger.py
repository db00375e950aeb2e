"""The ledger: keeps the trial table up to date, event by event, as a pure function of the journal.

    event     fields beside `event`                         what it says
    sweep     specification, versions                       the request; the first event
    opened    pid, host, trials                             a driver starts or starts again
    prior     sweep, trials                                 what other sweeps have learned
    proposed  trial, point, origin, seconds[, of, instead]  a new trial; who proposed it
    exhausted reason                                        nothing is left to propose
    started   trial, segment, epoch                         a segment starts; epochs known so far
    reported  trial, segment, report, checkpoint[, took]    an epoch is done; checkpoint: written?
                                                            took: seconds beside the training
    faulted   trial, segment, reason[, node]                a segment broke; the trial may go on.
                                                            node: it was lost with its node
    resumed   trial, segment, epoch, reason                 it went on from before the last report
    paused    trial, reason                                 the trial waits for the scheduler
    changed   trial, point, source, epoch                   it goes on from another's state
    grown     trial, replicates                             its next segment has more of them
    ended     trial, status, reason                         finished, stopped, diverged or failed
    closed    status, reason                                the driver ends: finished, interrupted

Every event also carries `n`, its number from 1, `time`, the wall clock in seconds, and `clock`,
the seconds during which a driver has been at work on the sweep, which no change of the wall clock
touches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from trainables.report import Report
from tuner.errors import EventRefused
from tuner.soundness import unsound
from tuner.table import Event, Index, Span, Status, Trial, TrialTable


class Ledger:
    """Keeps a table up to date, event by event. The only thing that changes one."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._index = Index(searched=Index())
        self._trials = self._index.trials
        self.table = TrialTable(self._trials, index=self._index)
        for event in events:
            self.apply(event)

    def apply(self, event: Event) -> None:
        """One event further. Events that repeat what is known change nothing.

        Raises EventRefused for what is no event, or contradicts those before.
        """
        if fault := unsound(event) or self._contradiction(event):
            raise EventRefused(event, fault)
        try:
            self._apply(event)
        except (ArithmeticError, LookupError, TypeError, ValueError) as fault:
            raise EventRefused(event, f"{type(fault).__name__}: {fault}"[:200]) from None

    def _contradiction(self, event: Event) -> str:
        number = event.get("trial")
        if event["event"] == "proposed" and number in self._trials:
            return f"trial {number} was proposed before"
        if event["event"] != "proposed" and number is not None and number not in self._trials:
            return f"trial {number} was never proposed"
        return ""

    def _apply(self, event: Event) -> None:
        if event["event"] == "sweep":
            self.table = replace(self.table, specification=event["specification"])
        elif event["event"] == "closed":
            self.table = replace(self.table, status=event["status"], reason=event["reason"])
        elif event["event"] == "opened":
            self.table = replace(
                self.table, status="running", reason="", expected=event.get("trials")
            )
            for trial in self.table.having(Status.RUNNING):  # under the last driver
                self._index.put(replace(trial, live=False))
        elif event["event"] == "exhausted":
            found = len(self.table.searched)
            self.table = replace(self.table, expected=found, exhausted=True)
        elif event["event"] == "prior":
            self.table = replace(self.table, prior=_prior(self.table.prior, event["trials"]))
        elif event["event"] == "proposed":
            self._index.put(
                Trial(
                    event["trial"],
                    event["point"],
                    event["origin"],
                    of=event.get("of"),
                    instead=event.get("instead", ""),
                    proposing=event.get("seconds", 0.0),
                )
            )
        else:
            trial = _heard(self._trials[event["trial"]], event)
            self._index.put(_TRIAL_EVENTS[event["event"]](trial, event))
        self.table = replace(self.table, clock=event.get("clock", self.table.clock))

    def abridge(self, number: int) -> None:
        """Of a trial that has ended keep the first and the last report, for whom those are enough.

        Reports are nearly all of the memory of a large sweep.
        """
        trial = self._trials[number]
        if trial.ended and len(trial.reports) > 2:
            ends = (trial.reports[0], trial.reports[-1])
            self._index.put(replace(trial, reports=ends))

    def waiting(self, reason: str) -> None:
        """Why the driver does nothing just now; empty when it goes on."""
        if reason != self.table.waiting:
            self.table = replace(self.table, waiting=reason)


def replay(events: Iterable[Event]) -> TrialTable:
    """The table after these events: the same events, the same table."""
    return Ledger(events).table


def _prior(known: tuple[Trial, ...], told: Iterable[Mapping[str, Any]]) -> tuple[Trial, ...]:
    """The trials of other sweeps, with those that are told now; numbered from 0 down."""
    return (
        *known,
        *(
            Trial(
                number=-(len(known) + k),
                point=trial["point"],
                origin=trial["origin"],
                status=Status(trial["status"]),
                reports=tuple(Report.from_json(report) for report in trial["reports"]),
            )
            for k, trial in enumerate(told)
        ),
    )


def _heard(trial: Trial, event: Event) -> Trial:
    """The segment under way was at work until now."""
    if not trial.live or "clock" not in event:
        return trial
    *before, last = trial.spans
    return replace(trial, spans=(*before, last._replace(until=event["clock"])))


def _started(trial: Trial, event: Event) -> Trial:
    clock = event.get("clock", 0.0)
    return replace(
        trial,
        status=Status.RUNNING,
        reason="",
        segments=event["segment"],
        live=True,
        spans=(*trial.spans, Span(clock, clock)),
    )


def _reported(trial: Trial, event: Event) -> Trial:
    report = Report.from_json(event["report"])
    if report.epoch <= trial.epochs:  # told again by a segment that went back to a checkpoint
        return trial
    took = event.get("took", {})
    return replace(
        trial,
        starting=trial.starting + took.get("starting", 0.0),
        saving=trial.saving + took.get("saving", 0.0),
        reports=(*trial.reports, report),
        checkpoints=(*trial.checkpoints, report.epoch)
        if event.get("checkpoint")
        else trial.checkpoints,
    )


def _faulted(trial: Trial, event: Event) -> Trial:
    with_node = event.get("node", False)
    said = f"segment {event['segment']} broke after epoch {trial.epochs}: {event['reason']}"
    return replace(
        trial,
        faults=trial.faults + (not with_node),
        lost=trial.lost + with_node,
        live=False,
        reason=event["reason"],
        history=(*trial.history, said),
    )


def _resumed(trial: Trial, event: Event) -> Trial:
    epoch = event["epoch"]
    where = f"went on from epoch {epoch}" if epoch else "started over"
    known = f" of {trial.epochs}" if epoch < trial.epochs else ""
    said = f"segment {event['segment']} {where}{known}: {event['reason']}"
    return replace(trial, history=(*trial.history, said))


def _paused(trial: Trial, event: Event) -> Trial:
    return replace(trial, status=Status.PAUSED, live=False, reason=event["reason"])


def _changed(trial: Trial, event: Event) -> Trial:
    copied = (event["source"], event["epoch"])
    return replace(trial, point=event["point"], copied=copied)


def _grown(trial: Trial, event: Event) -> Trial:
    return replace(trial, live=False)


def _ended(trial: Trial, event: Event) -> Trial:
    return replace(trial, status=Status(event["status"]), live=False, reason=event["reason"])


_TRIAL_EVENTS = {
    "started": _started,
    "reported": _reported,
    "faulted": _faulted,
    "resumed": _resumed,
    "paused": _paused,
    "changed": _changed,
    "grown": _grown,
    "ended": _ended,
}
