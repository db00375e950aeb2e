"""Asynchronous successive halving as it was published: every trial pauses, the best are promoted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from search_spaces import Space
from tuner.schedulers.rungs import (
    after,
    best_first,
    check,
    contenders,
    crossed,
    fidelity,
    geometric,
    is_beyond,
    no_rung,
    place_of,
    stop_if_lost,
)
from tuner.schedulers.scheduler import CONTINUE, Decision, Resumption, Scheduler, Verdict
from tuner.table import Status, Trial, TrialTable


@dataclass(frozen=True)
class ASHAPromotion(Scheduler):
    """A free slot goes to a promotion, from the highest rung that has one, else to a new trial.

    Rungs are first_rung, first_rung eta, first_rung eta^2, ... below the budget, in epochs or
    seconds. A trial waits at each. Of the n that have stood at a rung, those among the best
    floor(n / eta) are promoted, the best first, while fewer than floor(n / eta) have been: those
    that have a report beyond the rung, or that run. Equals go by number. A trial that would be
    promoted at once if it waited goes on without waiting. If one report crosses several rungs, the
    trial stands at the highest.

    At the end floor(n / eta) is 0 where few got. So when every trial is there, nothing runs and
    nothing can be promoted, the best of the highest rung goes on if none has gone on from there.
    Where it is not known how many trials will come, this never happens.

    eta >= 2: the reduction factor; first_rung >= 1, in the unit of fidelity.
    The default point is in no rung. Diverged and failed trials count at the rungs that they reached
    only. A trial whose objectives are not finite at a rung counts there and is stopped, even if it
    is the only one. Paused trials end with the sweep.
    Source: Li et al., MLSys 2020, arXiv:1810.05934, algorithm 2. Differs: the paper promotes
    whatever is among the best floor(n / eta) by now, so that more than that are promoted in the end
    as better ones come later; here the share is kept, and a trial that comes when it is used up
    waits until more have come.
    """

    eta: int = 3
    first_rung: int = 1

    def __post_init__(self) -> None:
        check(self.eta, self.first_rung)

    def refuses(self, space: Space, table: TrialTable) -> str:
        return no_rung(self.first_rung, table)

    def decide(self, trial: Trial, table: TrialTable) -> Decision:
        rung = crossed(trial, table, self.rungs(table.budget))
        if rung is None:
            return CONTINUE
        if lost := stop_if_lost("asha_promotion", trial, table):
            return lost
        standing = self._standing(table)
        promoted = self._promotable(table, standing, trial.number)
        if promoted is not None and promoted.number == trial.number:
            return CONTINUE
        members = standing[rung]
        rank, share = place_of(trial, best_first(members, table, rung)), len(members) // self.eta
        go_on = f"the best {share} go on" if share else f"none goes on before {self.eta} are there"
        where = f"of {len(members)} {after(rung, table)}"
        return Decision(Verdict.PAUSE, f"asha_promotion: rank {rank} {where}, {go_on}")

    def resume(self, table: TrialTable) -> Resumption | None:
        if not table.having(Status.PAUSED):
            return None
        promoted = self._promotable(table, self._standing(table))
        return None if promoted is None else Resumption(promoted)

    def rungs(self, budget: float) -> tuple[float, ...]:
        return geometric(self.first_rung, self.eta, budget)

    def _promotable(
        self, table: TrialTable, standing: Mapping[float, list[Trial]], asking: int | None = None
    ) -> Trial | None:
        """The trial to promote next; the one that is asking counts as paused."""

        def waits(trial: Trial) -> bool:
            return trial.number == asking or trial.status is Status.PAUSED

        def promoted(trial: Trial, rung: float) -> bool:
            running = trial.status is Status.RUNNING and trial.number != asking
            return running or is_beyond(trial, table, rung)

        for rung, members in standing.items():
            share = len(members) // self.eta
            if sum(promoted(trial, rung) for trial in members) < share:
                for trial in best_first(members, table, rung)[:share]:
                    if waits(trial) and not is_beyond(trial, table, rung):
                        return trial
        more = table.expected is None or len(table) < table.expected
        highest = next((rung for rung, members in standing.items() if members), None)
        if more or highest is None or any(not (t.ended or waits(t)) for t in contenders(table)):
            return None
        members = standing[highest]
        if any(promoted(trial, highest) for trial in members):
            return None
        return next((trial for trial in best_first(members, table, highest) if waits(trial)), None)

    def _standing(self, table: TrialTable) -> dict[float, list[Trial]]:
        """Each rung, the highest first, with the trials for which it was the last one crossed."""
        trials = contenders(table)
        levels = list(pairwise((*self.rungs(table.budget), table.budget)))
        return {
            rung: [trial for trial in trials if _stood(trial, table, rung, above)]
            for rung, above in reversed(levels)
        }


def _stood(trial: Trial, table: TrialTable, rung: float, above: float) -> bool:
    """Whether the report with which a trial crossed a rung was below the next one."""
    if table.spent(trial) < rung or table.unit == "epochs":  # one epoch crosses one rung
        return table.spent(trial) >= rung
    report = table.report_at(trial, rung)
    return report is not None and fidelity(report, table) < above
