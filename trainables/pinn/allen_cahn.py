"""The Allen-Cahn equation: two phases part, and the front between them grows sharp."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from trainables.derivatives import expanded
from trainables.network import Network
from trainables.pinn.boundary import BoundaryProblem
from trainables.pinn.etdrk4 import coefficients, step, trajectory
from trainables.pinn.points import box, edge, grid, relative_l2
from trainables.problem import Batch
from trainables.randomness import Generators

DIFFUSION = 1e-4
FASTEST = 20.0  # reaction for which the reference is still fine enough
MODES = 1024
"""Of the reference, whose grid has twice as many points in a period."""
STEPS = 400
"""Of the reference between t = 0 and 1."""


@dataclass(frozen=True)
class AllenCahn(BoundaryProblem):
    """u_t = 1e-4 u_xx + k (u - u^3) on [-1, 1] x [0, 1], periodic in x, u(x, 0) = x^2 cos(pi x).

    Inputs are (x, t). Where u > 0 it goes to 1, where u < 0 to -1, and a front of width
    sqrt(8e-4 / k) stays between. `reaction`, k, is how hard it is: u = 0 satisfies all but
    `initial`, and at the published 5 equal weights settle near it; at 2 they learn.
    The start has the slopes 2 and -2 at the two ends of the period, so `periodic_slope` contradicts
    `initial` at t = 0, and later a layer of width sqrt(1e-4 t) lies there.
    Residuals: `pde` (units of u_t), `initial` (u at t = 0), `periodic`, u(1, t) - u(-1, t), and
    `periodic_slope`, the same of u_x. With `boundary: hard`, u = x^2 cos(pi x) + t network.
    error: relative L2 distance on a grid of 201 x 101 points to a Fourier solution by ETDRK4.
    Published: 5.8e-4 with weights from gradient norms and 7.5e-3 without, 2.2e-5 at best with
    another network besides; 200,000 steps, 4 x 256, 4096 points, periodic by construction
    (jaxpi). Its reference lies on 511 points of a period and a copy of the first, not on 512.
    Source: Raissi, Perdikaris & Karniadakis 2019 for the set-up; `etdrk4` for the reference.
    """

    residual_names: ClassVar[tuple[str, ...]] = ("pde", "initial", "periodic", "periodic_slope")
    by_construction: ClassVar[tuple[str, ...]] = ("initial",)
    low: ClassVar[tuple[float, ...]] = (-1.0, 0.0)
    high: ClassVar[tuple[float, ...]] = (1.0, 1.0)
    input_names: ClassVar[tuple[str, ...]] = ("x", "t")
    output_names: ClassVar[tuple[str, ...]] = ("u",)
    adaptive: ClassVar[Mapping[str, tuple[str, ...]]] = {"interior": ("pde",)}

    reaction: float = 5.0
    interior_points: int = 256
    initial_points: int = 64
    boundary_points: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.reaction <= FASTEST:
            raise ValueError(
                f"reaction={self.reaction}: expected more than 0 and at most {FASTEST:g}, up to "
                "which the reference solution is right"
            )

    def sample(self, generator: Generators) -> Batch:
        return {
            "interior": box(self, generator, self.interior_points),
            "initial": edge(self, generator, self.initial_points, axis=1, side=0.0),
            "boundary": edge(self, generator, self.boundary_points, axis=0, side=-1.0),
        }

    def ansatz(self, x: Tensor, u: Tensor) -> Tensor:
        return _start(x[..., :1]) + x[..., 1:] * u

    def residuals(self, network: Network, batch: Batch) -> dict[str, Tensor]:
        initial, left = batch["initial"], batch["boundary"]
        x = batch["interior"]
        ((u, (_, u_t), (u_xx,), (u_initial,)),) = expanded(network, x, initial, second=1)
        right = left + left.new_tensor([2.0, 0.0])  # the same times at the other end
        ends = torch.cat([left, right], dim=1)
        ((u_ends, (slopes, _), _, _),) = expanded(network, ends)
        return self.trained(
            {
                "pde": u_t - DIFFUSION * u_xx - self.reaction * (u - u**3),
                "initial": u_initial - _start(initial[..., 0]),
                "periodic": _rise(u_ends),
                "periodic_slope": _rise(slopes),
            }
        )

    def times(self, batch: Batch) -> dict[str, Tensor]:
        return {"pde": batch["interior"][..., 1]}

    def error(self, network: Network) -> Tensor:
        return relative_l2(network, *_test_set(self))

    def solution(self, points: Tensor) -> Tensor:
        x, t = points.double().cpu().numpy().T
        return torch.from_numpy(reference(x, t, self.reaction)).unsqueeze(-1)


def _start(x: Tensor) -> Tensor:
    return x.square() * torch.cos(torch.pi * x)


def _rise(values: Tensor) -> Tensor:
    """Values at the left and then at the right ends, (r, 2 b): from left to right, (r, b)."""
    left, right = values.chunk(2, dim=1)
    return right - left


def reference(x: np.ndarray, t: np.ndarray, reaction: float) -> np.ndarray:
    """u(x, t) for arrays (b,): c_0 + 2 sum_k c_k cos(k pi x), as u is even and periodic in x.

    Times between those of the integration are reached by a shorter step, not by interpolation.
    """
    u: np.ndarray = x**2 * np.cos(np.pi * x)
    waves = np.pi * np.arange(1, MODES)
    for time in np.unique(t[t > 0]):
        here = t == time
        c = _spectrum(time, reaction)
        u[here] = c[0] + 2.0 * np.cos(np.outer(x[here], waves)) @ c[1:]
    return u


def spectra(reaction: float, modes: int, steps: int) -> np.ndarray:
    """(steps + 1, modes): the coefficients c of the solution at that many times from 0 to 1.

    The start has a kink where the period ends. Its coefficients are the exact integrals: those of
    its values on the grid would be wrong by some 1 / modes^2, and u near the kink with them.
    """
    return trajectory(
        _start_spectrum(modes), _linear(reaction, modes), _nonlinear(reaction), 1.0 / steps, steps
    )


def _start_spectrum(modes: int) -> np.ndarray:
    """c_k = 1/2 int x^2 cos(pi x) cos(k pi x) dx, by the product rule of the cosines."""
    k = np.arange(modes)
    c: np.ndarray = (_moment(k + 1) + _moment(k - 1)) / 4.0
    return c


def _moment(m: np.ndarray) -> np.ndarray:
    """int x^2 cos(m pi x) dx from -1 to 1."""
    nonzero = np.where(m == 0, 1, m)
    moment: np.ndarray = np.where(m == 0, 2.0 / 3.0, 4.0 * (-1.0) ** m / (np.pi * nonzero) ** 2)
    return moment


def _linear(reaction: float, modes: int) -> np.ndarray:
    """What 1e-4 u_xx + reaction u multiplies each mode with, (modes,)."""
    rates: np.ndarray = reaction - DIFFUSION * (np.pi * np.arange(modes)) ** 2
    return rates


def _nonlinear(reaction: float) -> Callable[[np.ndarray], np.ndarray]:
    """-reaction u^3, from coefficients to coefficients (modes,), by way of 2 modes points."""

    def cube(c: np.ndarray) -> np.ndarray:
        u = np.fft.irfft(c, 2 * len(c), norm="forward")
        return np.fft.rfft(-reaction * u**3, norm="forward").real[: len(c)]

    return cube


@cache
def _integrated(reaction: float) -> np.ndarray:
    return spectra(reaction, MODES, STEPS)


def _spectrum(t: float, reaction: float) -> np.ndarray:
    """c (MODES,) at a time in [0, 1]."""
    n = int(t * STEPS + 1e-9)  # 1e-9 for the rounding of n / STEPS
    c: np.ndarray = _integrated(reaction)[n]
    rest = t - n / STEPS
    if rest > 1e-9:
        c = step(c, _nonlinear(reaction), coefficients(_linear(reaction, MODES), rest))
    return c


@cache
def _test_set(problem: AllenCahn) -> tuple[Tensor, Tensor]:
    points = grid(problem, 201, 101)
    return points, problem.solution(points)
