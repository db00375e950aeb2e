"""L-BFGS for r independent replicates, every one with a history and a line search of its own.

One `step` is one quasi-Newton iteration of all replicates. The function is given as `evaluate`,
which has to be the same at every step, points and weights included; what is remembered is a
dictionary of tensors with r as first axis, but for `age`, the number of steps so far.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

State = dict[str, Tensor]
Evaluate = Callable[[Tensor], tuple[Tensor, Tensor]]
"""x (r, n) -> the values (r,) and the gradients (r, n) of r functions, each of its own row."""


class Place(NamedTuple):
    """Where the replicates are: x (r, n), the values (r,) and the gradients (r, n) there."""

    x: Tensor
    value: Tensor
    gradient: Tensor

    def moved(self, where: Tensor, to: Place) -> Place:
        """Those of the replicates (r,) that are elsewhere now."""
        rows = where.unsqueeze(-1)
        return Place(
            torch.where(rows, to.x, self.x),
            torch.where(where, to.value, self.value),
            torch.where(rows, to.gradient, self.gradient),
        )


def start(x: Tensor) -> State:
    """The state before the first step, for x (r, n).

    s, y:     (r, k, n), the last steps and the changes of the gradient over them, newest last; k
              grows by one a step up to the memory. A pair of zeros is none.
    rho:      (r, k), 1 / y's of each pair, 0 where there is none.
    value:    (r,) and gradient: (r, n), where the replicates are; computed in the first step.
    done:     (r,), the replicates that stay where they are from now on.
    age:      the number of steps.
    """
    r, n = x.shape
    return {
        "s": x.new_zeros(r, 0, n),
        "y": x.new_zeros(r, 0, n),
        "rho": x.new_zeros(r, 0),
        "value": x.new_zeros(r),
        "gradient": x.new_zeros(r, n),
        "done": torch.zeros(r, dtype=torch.bool, device=x.device),
        "age": torch.tensor(0),
    }


def step(
    evaluate: Evaluate,
    x: Tensor,
    state: State,
    memory: int = 50,
    decrease: float = 1e-4,
    curvature: float = 0.9,
    evaluations: int = 25,
) -> tuple[Tensor, State]:
    """One iteration from x (r, n): a quasi-Newton direction, and a line search along it.

    memory:              how many pairs are kept.
    decrease, curvature: c_1 < c_2 of the weak Wolfe conditions.
    evaluations:         the most that a line search may take; most take one.

    A replicate whose value or gradient is not finite stays where it is. One that finds nothing
    lower forgets its pairs, and is done when it finds nothing lower along the steepest descent
    either: values are then as low as rounding lets them be told apart.
    """
    here = Place(x, state["value"], state["gradient"])
    if not state["age"]:
        here = Place(x, *evaluate(x))
    done = state["done"] | ~_sound(here)
    p = direction(here.gradient, state)
    slope = _dot(here.gradient, p)
    rho = torch.where((slope < 0).unsqueeze(-1), state["rho"], 0.0)  # False for nan
    known = rho.any(-1)
    p = torch.where(known.unsqueeze(-1), p, -here.gradient)
    slope = _dot(here.gradient, p)
    # without pairs the length of a gradient says nothing about that of a step
    first = (1.0 / here.gradient.abs().sum(-1)).clamp(max=1.0)
    t = torch.where(known, torch.ones_like(first), first)
    searching = ~done & (slope < 0)
    there = _line_search(evaluate, here, p, slope, t, searching, decrease, curvature, evaluations)
    found = there.value < here.value
    history = {**state, "rho": torch.where((found | done).unsqueeze(-1), rho, 0.0)}
    return there.x, {
        **_remembered(history, there.x - here.x, there.gradient - here.gradient, memory),
        "value": there.value,
        "gradient": there.gradient,
        "done": done | ~(found | known),
        "age": state["age"] + 1,
    }


def direction(gradient: Tensor, state: State) -> Tensor:
    """-H g (r, n), H the inverse Hessian (r, n, n) that the pairs of `state` tell of.

    The two-loop recursion; H starts as s'y / y'y of the newest pair, times the identity.
    Source: Nocedal & Wright, Numerical Optimization, 2nd ed. 2006, algorithm 7.4 and eq. 7.20.
    """
    s, y, rho = state["s"], state["y"], state["rho"]
    pairs = range(rho.shape[1])
    q, alpha = gradient, {}
    for i in reversed(pairs):
        alpha[i] = rho[:, i] * _dot(s[:, i], q)
        q = q - alpha[i].unsqueeze(-1) * y[:, i]
    if pairs:
        gamma = 1.0 / (rho[:, -1] * _dot(y[:, -1], y[:, -1]))
        q = torch.where(rho[:, -1] > 0, gamma, 1.0).unsqueeze(-1) * q
    for i in pairs:
        beta = rho[:, i] * _dot(y[:, i], q)
        q = q + (alpha[i] - beta).unsqueeze(-1) * s[:, i]
    return -q


def _line_search(
    evaluate: Evaluate,
    here: Place,
    p: Tensor,
    slope: Tensor,
    t: Tensor,
    searching: Tensor,
    decrease: float,
    curvature: float,
    evaluations: int,
) -> Place:
    """A place along p (r, n) that satisfies the weak Wolfe conditions, for those who search.

    f(x + t p) < f(x) + c_1 t s   and   grad f(x + t p)'p >= c_2 s,   s = grad f(x)'p < 0 the slope.
    t: (r,), the lengths that are tried first. Where the evaluations do not suffice, the last place
    that satisfies the first condition, or that of before.
    Source: Lewis & Overton, Math. Program. 141 (2013), algorithm 2.6.
    """
    low, high = torch.zeros_like(t), torch.full_like(t, math.inf)
    found = here
    for _ in range(evaluations):
        if not searching.any():
            break
        x = here.x + t.unsqueeze(-1) * p
        # those who do not search are evaluated where they are, and nobody looks at it
        x = torch.where(searching.unsqueeze(-1), x, found.x)
        trial = Place(x, *evaluate(x))
        lower = _sound(trial) & (trial.value < here.value + decrease * t * slope)
        flat = _dot(trial.gradient, p) >= curvature * slope
        found = found.moved(searching & lower, trial)
        low, high = torch.where(lower, t, low), torch.where(lower, high, t)
        searching = searching & ~(lower & flat)
        t = torch.where(high.isinf(), 2.0 * low, (low + high) / 2.0)
    return found


def _remembered(state: State, s: Tensor, y: Tensor, memory: int) -> State:
    """The state with the new pair (r, n) of each replicate at the end, its oldest left out.

    A pair with y's <= 0, but for rounding, is no curvature of a function with a minimum: it is left
    out, and so is that of a replicate that did not move.
    """
    ys = _dot(y, s)
    curved = ys > torch.finfo(s.dtype).eps * s.norm(dim=-1) * y.norm(dim=-1)
    new = {"s": s, "y": y, "rho": 1.0 / ys}
    return {**state, **{name: _shifted(state[name], new[name], curved, memory) for name in new}}


def _shifted(old: Tensor, new: Tensor, kept: Tensor, memory: int) -> Tensor:
    """(r, k, ...) and (r, ...) -> (r, k + 1, ...), or the newest (r, memory, ...) of them.

    What is not kept goes to the front as zeros, where the oldest drop out.
    """
    rows = zip(old, new.unsqueeze(1), kept.tolist(), strict=True)  # of each replicate
    return torch.stack(
        [
            torch.cat([before, row] if keep else [torch.zeros_like(row), before])[-memory:]
            for before, row, keep in rows
        ]
    )


def _sound(place: Place) -> Tensor:
    """(r,): whether value and gradient are finite."""
    return place.value.isfinite() & place.gradient.isfinite().all(-1)


def _dot(one: Tensor, other: Tensor) -> Tensor:
    """(r, n) and (r, n) -> (r,): the same for a row alone as for one among others."""
    return (one * other).sum(-1)
