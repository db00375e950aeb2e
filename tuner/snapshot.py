"""How a sweep is doing, as numbers and in a line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate, islice

from tuner.confirming import reported
from tuner.ranking import contenders
from tuner.sweep import Sweep
from tuner.table import ENDED, Status, Trial, TrialTable
from tuner.wording import duration, spread

RECENT = 3  # trials that ended before their time
LOOK_BACK = 1000  # changes of the table, for the last of them


@dataclass(frozen=True)
class Snapshot:
    """The numbers that are shown. `seconds_left` is None until something can be said.

    told: the trial whose errors speak for the best. counts: of the search. confirmed, to_confirm:
    repetitions with fresh seeds, done and in all. history: the best error after each of the trials
    that compare, by number. dropped: the last trials that ended before their time, the latest
    first. rungs: at which fidelities the scheduler decides.
    """

    counts: Counter[Status]
    trials: int
    running: tuple[Trial, ...]
    best: Trial | None
    epochs_a_second: float
    seconds: float
    seconds_left: float | None
    told: Trial | None = None
    confirmed: int = 0
    to_confirm: int = 0
    waiting: str = ""
    history: tuple[float, ...] = ()
    dropped: tuple[Trial, ...] = ()
    rungs: tuple[float, ...] = ()

    @classmethod
    def of(cls, table: TrialTable, sweep: Sweep) -> Snapshot:
        """Take stock of a table.

        Time left: the epochs, or the seconds of training, still to come, at the speed so far. A
        trial to come is reckoned with the mean of those that have ended, since schedulers stop
        most of them early; one that confirms with the whole budget.
        """
        trials = list(table)
        search = [trial for trial in trials if trial.of is None]
        again = [trial for trial in trials if trial.of is not None]
        to_confirm = max(len(again), sweep.confirm)
        full = whole(sweep)
        ended = [table.spent(trial) for trial in search if trial.ended]
        typical = sum(ended) / len(ended) if ended else full
        to_come = typical * max(sweep.budget.trials - len(search), 0)
        to_come += sum(max(typical - table.spent(t), 1.0) for t in search if not t.ended)
        to_come += full * to_confirm
        to_come -= sum(full if t.ended else min(table.spent(t), full) for t in again)
        done = sum(table.spent(trial) for trial in trials)
        left = to_come * table.clock / done if done and table.clock else None
        best, epochs = table.best(), sum(trial.epochs for trial in trials)
        if sweep.budget.seconds is not None and not again:
            rest = max(sweep.budget.seconds - table.clock, 0.0)
            left = rest if left is None else min(left, rest)
        return cls(
            counts=Counter(trial.status for trial in search),
            trials=sweep.budget.trials,
            running=tuple(trial for trial in trials if trial.live),
            best=best,
            told=best and reported(table, best),
            epochs_a_second=epochs / table.clock if table.clock else 0.0,
            seconds=table.clock,
            seconds_left=left,
            confirmed=sum(trial.ended for trial in again),
            to_confirm=to_confirm,
            waiting=table.waiting,
            history=tuple(accumulate((t.error for t in contenders(table)), min)),
            dropped=_dropped(table),
            rungs=tuple(sweep.make_scheduler().rungs(table.budget)),
        )

    def passed(self, spent: float) -> int:
        """How many rungs lie at or below a fidelity."""
        return sum(rung <= spent for rung in self.rungs)

    def line(self) -> str:
        """Everything in one line."""
        done = sum(self.counts[status] for status in ENDED)
        parts = [f"{done}/{self.trials} trials done", f"{len(self.running)} running"]
        parts += [
            f"{self.counts[status]} {word}"
            for status, word in (
                (Status.STOPPED, "stopped early"),
                (Status.PAUSED, "paused"),
                (Status.DIVERGED, "diverged"),
                (Status.FAILED, "failed"),
            )
            if self.counts[status]
        ]
        if done >= self.trials and self.to_confirm:
            parts.append(f"{self.confirmed}/{self.to_confirm} confirmed with fresh seeds")
        if self.best and self.told:
            parts.append(f"best {spread(self.told.reports[-1])} by trial {self.best.number}")
        parts.append(f"{self.epochs_a_second:.1f} epochs/s")
        unfinished = done < self.trials or self.confirmed < self.to_confirm
        if self.seconds_left is not None and unfinished:
            parts.append(f"about {duration(self.seconds_left)} left")
        return " · ".join([self.waiting, *parts] if self.waiting else parts)


def whole(sweep: Sweep) -> float:
    """The fidelity of a trial that runs to the end."""
    if sweep.fidelity == "seconds" and sweep.budget.trial_seconds is not None:
        return sweep.budget.trial_seconds
    return sweep.budget.epochs


def _dropped(table: TrialTable) -> tuple[Trial, ...]:
    """In the order in which they ended, as far as the table tells it; or else by number."""
    before_time = (Status.STOPPED, Status.DIVERGED, Status.FAILED)
    numbers = reversed(table.changes or sorted(table.trials))
    latest = dict.fromkeys(islice(numbers, LOOK_BACK))
    trials = (table.trials[number] for number in latest if number in table.trials)
    return tuple(islice((trial for trial in trials if trial.status in before_time), RECENT))
