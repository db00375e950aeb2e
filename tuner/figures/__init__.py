"""Pictures of a sweep: plotly figures as pure functions of the trial table.

Errors are on log axes and come with their spread over replicates (q10 to q90). Errors after
different numbers of epochs are never drawn alike: filled markers are trials that finished, hollow
faint ones did not, and say how far they got (`fates.py`). Trials that confirm others are left out. Backgrounds are transparent and
text is grey, so that a figure can be put on any page; `tuner/report.py` puts them on one.
"""

from tuner.figures.by_parameter import errors_by, errors_by_balancer
from tuner.figures.by_trial import best_over_cost, best_so_far
from tuner.figures.over_epochs import (
    error_over_epochs,
    error_over_seconds,
    losses_over_epochs,
    weights_over_epochs,
)
from tuner.figures.pareto import pareto
from tuner.figures.solutions import solution
from tuner.figures.strategies import strategies

__all__ = [
    "best_over_cost",
    "best_so_far",
    "error_over_epochs",
    "error_over_seconds",
    "errors_by",
    "errors_by_balancer",
    "losses_over_epochs",
    "pareto",
    "solution",
    "strategies",
    "weights_over_epochs",
]
