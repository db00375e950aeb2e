"""Searchers: which point to try next, proposed from the table alone."""

from tuner.searchers.bohb import BOHB
from tuner.searchers.cmaes import CMAES
from tuner.searchers.gp_ei import GPEI
from tuner.searchers.grid import Grid
from tuner.searchers.hyperopt import Hyperopt
from tuner.searchers.nsga2 import NSGA2
from tuner.searchers.pso import PSO
from tuner.searchers.random import Random
from tuner.searchers.searcher import Searcher
from tuner.searchers.sobol import Sobol
from tuner.searchers.tpe import TPE

SEARCHERS: dict[str, type[Searcher]] = {
    "bohb": BOHB,
    "cmaes": CMAES,
    "gp_ei": GPEI,
    "grid": Grid,
    "hyperopt": Hyperopt,
    "nsga2": NSGA2,
    "pso": PSO,
    "random": Random,
    "sobol": Sobol,
    "tpe": TPE,
}

__all__ = [
    "BOHB",
    "CMAES",
    "GPEI",
    "NSGA2",
    "PSO",
    "SEARCHERS",
    "TPE",
    "Grid",
    "Hyperopt",
    "Random",
    "Searcher",
    "Sobol",
]
