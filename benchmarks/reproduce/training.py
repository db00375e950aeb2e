"""Batched trainings: the replicates are the seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from trainables import Training
from trainables.problem import Problem
from trainables.report import Report

EPOCHS = 10
"""Reports of a training, of which the last one counts."""


def train(
    problem: Problem, point: Mapping[str, Any], seeds: Sequence[int], steps: int, **more: Any
) -> Report:
    """The report after so many steps, rounded up to whole tenths, with a replicate for each seed.

    Seeds are consecutive; a replicate is the same alone and among others.
    """
    torch.set_num_threads(1)
    if list(seeds) != list(range(seeds[0], seeds[0] + len(seeds))):
        raise ValueError(f"seeds {list(seeds)}: expected consecutive numbers")
    problem = replace(problem, steps_per_epoch=-(-steps // EPOCHS))
    chosen = {**problem.default_point, **point}
    training = Training(
        problem, chosen, replicates=len(seeds), first=seeds[0], epochs=EPOCHS, **more
    )
    return training.advance(EPOCHS)
