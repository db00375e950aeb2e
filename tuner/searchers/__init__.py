"""Searchers: which point to try next, proposed from the table alone."""

from tuner.searchers.random import Random
from tuner.searchers.searcher import Searcher
from tuner.searchers.tpe import TPE

SEARCHERS: dict[str, type[Searcher]] = {
    "random": Random,
    "tpe": TPE,
}

__all__ = ["SEARCHERS", "TPE", "Random", "Searcher"]
