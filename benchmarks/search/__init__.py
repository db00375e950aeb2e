"""Searchers and schedulers beside the originals' own engines, at equal budgets."""

import os

# before numpy is loaded: regrets do not depend on it, and times are then those of one core
os.environ.setdefault("OMP_NUM_THREADS", "1")
