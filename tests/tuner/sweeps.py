"""Sweeps with losses and weights, written trial by trial, for figures and the report."""

from tuner.ledger import Ledger


class Sweep:
    """The events of a sweep, written trial by trial."""

    def __init__(self, **specification):
        self.events = [{"event": "sweep", "specification": specification}, {"event": "opened"}]
        self.number = 0

    def trial(
        self,
        errors,
        status="finished",
        *,
        origin="tpe",
        reason="",
        losses=None,
        of=None,
        seconds=1.0,
        metrics=None,
        **point,
    ):
        """A trial with a row of replicate errors for each epoch, which takes so many seconds."""
        self.number += 1
        repeats = {"of": of} if of else {}
        self._event("proposed", point=point, origin="confirm" if of else origin, **repeats)
        self._event("started", segment=1, epoch=0)
        for epoch, row in enumerate(errors, start=1):
            parts = (
                {"pde": row, "boundary": [e and 2 * e for e in row]} if losses is None else losses
            )
            said = {"epoch": epoch, "steps": 10 * epoch, "seconds": seconds * epoch, "error": row}
            said |= {"metrics": {name: [x] * len(row) for name, x in (metrics or {}).items()}}
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


def two_objectives():
    """The table of the sweep below."""
    return two_objectives_sweep().table()


def two_objectives_sweep():
    """Error and seconds; what the search found best, trial 3, is not the best with fresh seeds."""
    sweep = Sweep(objectives=["error", "seconds"], require={"repairs": {"at_most": 0.01}})
    trials = [  # error, seconds an epoch, repairs
        (0.8, 1.0, 0.0, {"balancer": "uniform", "width": 16}, "default"),
        (0.25, 4.0, 0.0, {"balancer": "uniform", "width": 64}, "tpe"),
        (0.2, 9.0, 0.0, {"balancer": "relobralo", "width": 64}, "tpe"),
        (0.3, 6.0, 0.0, {"balancer": "relobralo", "width": 32}, "tpe"),
        (0.1, 2.0, 0.5, {"balancer": "gradnorm", "width": 32}, "tpe"),
        (0.5, 2.0, 0.0, {"balancer": "gradnorm", "width": 16}, "tpe"),
    ]
    for error, seconds, repairs, point, origin in trials:
        metrics = {"repairs": repairs}
        sweep.trial(constant(error, r=8), origin=origin, seconds=seconds, metrics=metrics, **point)
    for of, error in ((3, 0.3), (2, 0.26), (1, 0.82)):
        _, seconds, _, point, _ = trials[of - 1]
        metrics = {"repairs": 0.0}
        sweep.trial(constant(error, r=8), of=of, seconds=seconds, metrics=metrics, **point)
    return sweep


ODD_TABLES = {
    "confirmed": two_objectives(),
    "nothing feasible": Sweep(require={"repairs": {"at_most": 0.01}})
    .trial(constant(0.5), metrics={"repairs": 0.3}, balancer="uniform")
    .table(),
    "not reported": Sweep(objectives=["error", "mass"]).trial(constant(0.5)).table(),
    "three objectives": Sweep(objectives=["mass", "error", "seconds"])
    .trial(constant(0.5), metrics={"mass": 0.0})
    .trial(constant(0.4), metrics={"mass": 1.0})
    .table(),
    "lost when repeated": Sweep()
    .trial(constant(0.5))
    .trial([[None] * 4], "diverged", of=1)
    .table(),
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
