"""Schedulers: which trials go on, decided from the table alone."""

from tuner.schedulers.asha import ASHA
from tuner.schedulers.asha_promotion import ASHAPromotion
from tuner.schedulers.hyperband import Hyperband
from tuner.schedulers.median import Median
from tuner.schedulers.pbt import PBT
from tuner.schedulers.run_to_end import RunToEnd
from tuner.schedulers.scheduler import CONTINUE, Decision, Resumption, Scheduler, Verdict
from tuner.schedulers.successive_halving import SuccessiveHalving

SCHEDULERS: dict[str, type[Scheduler]] = {
    "run_to_end": RunToEnd,
    "asha": ASHA,
    "asha_promotion": ASHAPromotion,
    "successive_halving": SuccessiveHalving,
    "hyperband": Hyperband,
    "median": Median,
    "pbt": PBT,
}

__all__ = [
    "ASHA",
    "CONTINUE",
    "PBT",
    "SCHEDULERS",
    "ASHAPromotion",
    "Decision",
    "Hyperband",
    "Median",
    "Resumption",
    "RunToEnd",
    "Scheduler",
    "SuccessiveHalving",
    "Verdict",
]
