"""Schedulers: which trials go on, decided from the table alone."""

from tuner.schedulers.asha import ASHA
from tuner.schedulers.run_to_end import RunToEnd
from tuner.schedulers.scheduler import CONTINUE, Decision, Resumption, Scheduler, Verdict

SCHEDULERS: dict[str, type[Scheduler]] = {
    "run_to_end": RunToEnd,
    "asha": ASHA,
}

__all__ = [
    "ASHA",
    "CONTINUE",
    "SCHEDULERS",
    "Decision",
    "Resumption",
    "RunToEnd",
    "Scheduler",
    "Verdict",
]
