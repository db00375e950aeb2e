"""Sweeps with losses and weights, written trial by trial, for figures and the report."""

from tuner.table import Ledger


class Sweep:
    """The events of a sweep, written trial by trial."""

    def __init__(self):
        self.events = [{"event": "sweep", "specification": {}}, {"event": "opened"}]
        self.number = 0

    def trial(self, errors, status="finished", *, origin="tpe", reason="", losses=None, **point):
        """A trial with a row of replicate errors for each epoch."""
        self.number += 1
        self._event("proposed", point=point, origin=origin)
        self._event("started", segment=1, epoch=0)
        for epoch, row in enumerate(errors, start=1):
            parts = (
                {"pde": row, "boundary": [e and 2 * e for e in row]} if losses is None else losses
            )
            said = {"epoch": epoch, "steps": 10 * epoch, "seconds": 1.0 * epoch, "error": row}
            said |= {"losses": parts, "weights": {name: [0.5] * len(row) for name in parts}}
            self._event("reported", segment=1, report=said)
        if status == "paused":
            self._event("paused", reason=reason)
        elif status != "running":
            self._event("ended", status=status, reason=reason)
        return self

    def _event(self, event, **fields):
        self.events.append({"event": event, "trial": self.number, **fields})

    def table(self, closed="finished"):
        end = [{"event": "closed", "status": closed, "reason": "SIGTERM"}] if closed else []
        return Ledger([*self.events, *end]).table


def constant(error, epochs=3, r=4):
    """Replicates evenly from 10 % below to 10 % above the error, the same in all epochs."""
    row = [error * (0.9 + 0.2 * i / (r - 1)) for i in range(r)] if r > 1 else [error]
    return [row] * epochs


def eight_trials():
    """Trial 3 is the best; trial 4 was stopped with a lower error, after one epoch."""
    sweep = Sweep()
    sweep.trial(constant(0.8), origin="default", balancer="uniform", width=16)
    sweep.trial(constant(0.4), balancer="uniform", width=32)
    sweep.trial(constant(0.2), balancer="relobralo", width=32)
    sweep.trial(constant(0.1, epochs=1), "stopped", balancer="relobralo", width=64)
    bad = "epoch 2: loss `pde` is not finite in 4 of 4 replicates"
    sweep.trial([[1.0] * 4, [None] * 4], "diverged", reason=bad, balancer="gradnorm", width=16)
    sweep.trial([], "failed", reason="out of memory", balancer="gradnorm", width=64)
    sweep.trial(constant(0.5, epochs=2), "paused", balancer="relobralo", width=16)
    sweep.trial(constant(0.3, epochs=2), "running", balancer="relobralo", width=16)
    return sweep.table()


ODD_TABLES = {
    "empty": Sweep().table(closed=None),
    "default alone": Sweep().trial(constant(0.5), origin="default", width=3).table(),
    "not started": Sweep().trial([], "running", balancer="uniform").table(closed=None),
    "nothing finite": Sweep().trial([[None] * 3], "diverged", balancer="uniform").table(),
    "no balancer": Sweep().trial(constant(0.5), width=3).trial(constant(0.6), width=4).table(),
    "one replicate": Sweep().trial(constant(0.5, r=1), balancer="uniform").table(),
    "lost replicates": Sweep().trial([[0.1, 0.2, 0.3, None]], balancer="uniform").table(),
    "no losses": Sweep().trial([[0.5]], losses={}).table(),
    "error 0": Sweep().trial([[1.0]], origin="default").trial([[0.0]]).table(),
}
