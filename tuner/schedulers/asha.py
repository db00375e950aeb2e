"""Asynchronous successive halving, in the variant that stops instead of promoting."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.schedulers.scheduler import CONTINUE, Decision, Scheduler, Verdict
from tuner.table import Trial, TrialTable


@dataclass(frozen=True)
class ASHA(Scheduler):
    """At each rung a trial goes on only if it is among the best 1/eta of those that got there.

    Rungs are the epochs min_epochs, min_epochs eta, min_epochs eta^2, ... below the budget. A
    trial at a rung is ranked by its error there among all trials that have reported that rung so
    far, itself included; the best max(1, floor(n / eta)) of n go on. So the first to arrive always
    goes on, and nothing waits for anything. Errors of different epochs are never compared.

    eta >= 2: the reduction factor; min_epochs >= 1: the first rung.
    Diverged and failed trials have no error at the rungs that they did not reach.
    Source: Li et al., MLSys 2020, arXiv:1810.05934; the stopping variant is the one of Ray Tune
    and Syne Tune, where the first trials are not paused but run on.
    """

    eta: int = 3
    min_epochs: int = 1

    def __post_init__(self) -> None:
        if self.eta < 2:
            raise ValueError(f"eta={self.eta}: expected a whole number of at least 2")
        if self.min_epochs < 1:
            raise ValueError(f"min_epochs={self.min_epochs}: expected at least 1")

    def decide(self, trial: Trial, table: TrialTable) -> Decision:
        rung = trial.epochs
        if not self._is_rung(rung):
            return CONTINUE
        error = trial.error
        at_rung = [e for other in table if (e := other.error_at(rung)) is not None]
        go_on = max(1, len(at_rung) // self.eta)
        rank = 1 + sum(other < error for other in at_rung)
        if rank <= go_on:
            return CONTINUE
        return Decision(
            Verdict.STOP,
            f"asha: rank {rank} of {len(at_rung)} after epoch {rung}, the best {go_on} go on",
        )

    def _is_rung(self, epoch: int) -> bool:
        rung = self.min_epochs
        while rung < epoch:
            rung *= self.eta
        return rung == epoch
