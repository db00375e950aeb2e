"""Where a policy is judged, and how: on states of a box, and on those that it leads to itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import torch
from torch import Tensor

from trainables.randomness import Generators

HELD_OUT_STATES = 2048
PATHS, PERIODS, BURN_IN, EVERY = 32, 250, 100, 5
SHIFT = 0.01
"""Of the difference quotient behind a spectral radius, as a share of each side of the box."""
Sizes = Mapping[str, Tensor]
"""What is measured -> (r, b), absolute values at b states."""


@cache
def unit_cube(d: int) -> Tensor:
    """(b, d), double: 2048 Sobol points, to be placed in the box. No replicate trains on them."""
    sobol = torch.quasirandom.SobolEngine(d, scramble=True, seed=1)
    return sobol.draw(HELD_OUT_STATES, dtype=torch.float64)


def common_shocks() -> Generators:
    """The stream of the shocks that every replicate of every trial is judged with, double."""
    return Generators([torch.Generator().manual_seed(20_000)], torch.float64)


def visited(
    step: Callable[[Tensor, Tensor], Tensor],
    states: Tensor,
    shocks: Tensor,
    middle: Tensor,
    calm: Tensor,
    burn_in: int = BURN_IN,
    every: int = EVERY,
) -> tuple[Tensor, Tensor]:
    """Where a policy leads to, now and then, and where it rests.

    step:   states (r, paths, d) and shocks (paths, e) to the states of the next period.
    states: where the paths start.
    shocks: (periods, paths, e).
    middle: (r, 1, d), where a path without surprises starts, beside the others.
    calm:   (e,), the shock of no surprise.
    burn_in, every: of the periods, the first are dropped, then every so manyth is looked at.

    Returns what the paths visit, (r, b, d), and the end of the one without surprises, (r, 1, d).
    """
    paths, found = states.shape[1], []
    states = torch.cat([states, middle], dim=1)
    shocks = torch.cat([shocks, calm.expand(len(shocks), 1, -1)], dim=1)
    for period, shock in enumerate(shocks):
        states = step(states, shock)
        if period >= burn_in and period % every == 0:
            found.append(states[:, :paths])
    return torch.cat(found, dim=1), states[:, paths:]


def spectral_radius(
    move: Callable[[Tensor], Tensor], rest: Tensor, sides: Tensor, capital: slice
) -> Tensor:
    """(r,): of capital's law of motion where the states rest; `inf` where they do not rest.

    Below 1 a policy returns to its rest point. By central differences, which see past the kinks of
    relu.

    move:    states (r, b, d) to those of the next period, without surprises.
    rest:    (r, 1, d), the rest point.
    sides:   (d,), how long the sides of the box are.
    capital: the columns of the state that the policy moves.
    """
    shifts = SHIFT * torch.diag(sides)[capital]  # (n, d)
    ahead, behind = (move(rest + sign * shifts)[..., capital] for sign in (1, -1))
    slopes = (ahead - behind) / (2.0 * shifts.sum(-1, keepdim=True))  # (r, n, n)
    sound = slopes.isfinite().all(-1).all(-1)
    slopes = torch.where(sound[:, None, None], slopes, 0.0)
    return torch.where(sound, torch.linalg.eigvals(slopes).abs().amax(-1), torch.inf)


def worst(sizes: Sizes) -> Tensor:
    """(r,): the largest of the 90th percentiles, so that nothing is bought with anything else."""
    return torch.stack([size.quantile(0.9, dim=-1) for size in sizes.values()]).amax(0)


def summary(sizes: Sizes) -> dict[str, Tensor]:
    """Mean, 90th and 99th percentile and maximum of each, (r,)."""
    found = {}
    for name, size in sizes.items():
        found[f"{name}/mean"] = size.mean(-1)
        found[f"{name}/q90"] = size.quantile(0.9, dim=-1)
        found[f"{name}/q99"] = size.quantile(0.99, dim=-1)
        found[f"{name}/max"] = size.amax(-1)
    return found
