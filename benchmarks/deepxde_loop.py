"""Burgers' and Helmholtz' equations as DeepXDE's own examples state them, one seed.

Points are drawn once and kept, as it does by default; ours are drawn anew at every step.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from trainables.pinn.burgers1d import VISCOSITY, Burgers1D
from trainables.pinn.helmholtz2d import Helmholtz2D
from trainables.problem import Problem

os.environ.setdefault("DDE_BACKEND", "pytorch")


def steps(
    problem: Problem, point: Mapping[str, Any], count: int, dtype: torch.dtype
) -> Callable[[], None]:
    """A function that trains for so many steps. Needs the dependency group `bench`."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        model = _model(problem, point, dtype)
    state = model.train_state
    state.set_data_train(*model.data.train_next_batch(None))

    def run() -> None:
        for _ in range(count):
            model._train_step(state.X_train, state.y_train, state.train_aux_vars)

    return run


def _model(problem: Problem, point: Mapping[str, Any], dtype: torch.dtype) -> Any:
    import deepxde

    deepxde.config.set_default_float("float64" if dtype is torch.float64 else "float32")
    deepxde.config.set_random_seed(0)
    stated = next(state for cls, state in DATA.items() if isinstance(problem, cls))
    widths = [len(problem.low), *[point["width"]] * point["depth"], problem.outputs]
    model = deepxde.Model(
        stated(deepxde, problem), deepxde.nn.FNN(widths, point["activation"], "Glorot normal")
    )
    model.compile("adam", lr=point["learning_rate"], verbose=0)
    torch.set_default_dtype(torch.float32)  # it has set that of the process
    return model


def _burgers(deepxde: Any, problem: Burgers1D) -> Any:
    def pde(x: Any, u: Any) -> Any:
        u_x = deepxde.grad.jacobian(u, x, i=0, j=0)
        u_t = deepxde.grad.jacobian(u, x, i=0, j=1)
        u_xx = deepxde.grad.hessian(u, x, i=0, j=0)
        return u_t + u * u_x - VISCOSITY * u_xx

    domain = deepxde.geometry.GeometryXTime(
        deepxde.geometry.Interval(-1, 1), deepxde.geometry.TimeDomain(0, 1)
    )
    boundary = deepxde.icbc.DirichletBC(domain, lambda x: 0, lambda _, on: on)
    initial = deepxde.icbc.IC(domain, lambda x: -np.sin(np.pi * x[:, :1]), lambda _, on: on)
    return deepxde.data.TimePDE(
        domain,
        pde,
        [boundary, initial],
        num_domain=problem.interior_points,
        num_boundary=problem.boundary_points,
        num_initial=problem.initial_points,
    )


def _helmholtz(deepxde: Any, problem: Helmholtz2D) -> Any:
    def pde(x: Any, u: Any) -> Any:
        u_xx = deepxde.grad.hessian(u, x, i=0, j=0)
        u_yy = deepxde.grad.hessian(u, x, i=1, j=1)
        f = (1.0 - 17.0 * np.pi**2) * torch.sin(np.pi * x[:, :1]) * torch.sin(4 * np.pi * x[:, 1:])
        return u_xx + u_yy + u - f

    square = deepxde.geometry.Rectangle([-1, -1], [1, 1])
    edges = [
        deepxde.icbc.DirichletBC(square, lambda x: 0, lambda x, on, a=a, s=s: on and x[a] == s)
        for a, s in ((0, -1.0), (0, 1.0), (1, -1.0), (1, 1.0))
    ]
    return deepxde.data.PDE(
        square,
        pde,
        edges,
        num_domain=problem.interior_points,
        num_boundary=4 * problem.edge_points,
    )


DATA: dict[type[Problem], Callable[[Any, Any], Any]] = {
    Burgers1D: _burgers,
    Helmholtz2D: _helmholtz,
}
