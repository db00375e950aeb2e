"""The problems that ship, and how a point configures one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch

from trainables.classic.digits import Digits
from trainables.classic.genz2d import Genz2D
from trainables.classic.genz3 import Genz3
from trainables.classic.regression10d import Regression10D
from trainables.deqn.brock_mirman import BrockMirman
from trainables.deqn.brock_mirman_depreciation import BrockMirmanDepreciation
from trainables.deqn.brock_mirman_labor import BrockMirmanLabor
from trainables.deqn.brock_mirman_labor_capped import BrockMirmanLaborCapped
from trainables.deqn.brock_mirman_stochastic import BrockMirmanStochastic
from trainables.deqn.irbc import IRBC
from trainables.deqn.olg import OLG
from trainables.deqn.olg_borrowing import OLGBorrowing
from trainables.importing import imported
from trainables.pinn.allen_cahn import AllenCahn
from trainables.pinn.black_scholes import BlackScholes
from trainables.pinn.burgers1d import Burgers1D
from trainables.pinn.burgers_inverse import BurgersInverse
from trainables.pinn.cake_eating import CakeEating
from trainables.pinn.convection import Convection
from trainables.pinn.diffusion_inverse import DiffusionInverse
from trainables.pinn.helmholtz2d import Helmholtz2D
from trainables.pinn.income_hjb import IncomeHJB
from trainables.pinn.kirchhoff import Kirchhoff
from trainables.pinn.klein_gordon import KleinGordon
from trainables.pinn.kovasznay import Kovasznay
from trainables.pinn.poisson_multiscale import PoissonMultiscale
from trainables.pinn.poisson_nd import PoissonNd
from trainables.pinn.reaction import Reaction
from trainables.pinn.wave1d import Wave1D
from trainables.problem import Problem
from trainables.randomness import Generators

PROBLEMS: dict[str, type[Problem]] = {
    "burgers1d": Burgers1D,
    "wave1d": Wave1D,
    "helmholtz2d": Helmholtz2D,
    "convection": Convection,
    "reaction": Reaction,
    "klein_gordon": KleinGordon,
    "kovasznay": Kovasznay,
    "poisson_nd": PoissonNd,
    "poisson_multiscale": PoissonMultiscale,
    "kirchhoff": Kirchhoff,
    "allen_cahn": AllenCahn,
    "black_scholes": BlackScholes,
    "diffusion_inverse": DiffusionInverse,
    "burgers_inverse": BurgersInverse,
    "cake_eating": CakeEating,
    "income_hjb": IncomeHJB,
    "brock_mirman": BrockMirman,
    "brock_mirman_stochastic": BrockMirmanStochastic,
    "brock_mirman_depreciation": BrockMirmanDepreciation,
    "brock_mirman_labor": BrockMirmanLabor,
    "brock_mirman_labor_capped": BrockMirmanLaborCapped,
    "olg": OLG,
    "olg_borrowing": OLGBorrowing,
    "irbc": IRBC,
    "genz3": Genz3,
    "genz2d": Genz2D,
    "regression10d": Regression10D,
    "digits": Digits,
}


def problem_class(name: str) -> type[Problem]:
    """The problem of a name, or of a dotted path such as `my_package.problems:MyProblem`.

    Raises ValueError that lists the known names or says what is wrong with the path.
    """
    if name in PROBLEMS:
        return PROBLEMS[name]
    if ":" not in name:
        raise ValueError(
            f"{name!r}: no such problem. Known: {', '.join(sorted(PROBLEMS))}; your own is "
            "written my_package.my_module:MyProblem"
        )
    found = imported(name)
    if not (isinstance(found, type) and issubclass(found, Problem)):
        hint = ""
        if callable(found) and not isinstance(found, type):
            hint = ". A function that trains by itself goes under the key `trainable`"
        raise ValueError(f"{name!r} is not a subclass of trainables.Problem{hint}")
    return found


def problem_for(name: str, point: Mapping[str, Any]) -> Problem:
    """The problem with the fields that the point sets as `problem.<field>`."""
    cls = problem_class(name)
    known = {field.name for field in fields(cls)}
    chosen = {key[8:]: value for key, value in point.items() if key.startswith("problem.")}
    if unknown := sorted(chosen.keys() - known):
        raise ValueError(
            f"problem.{unknown[0]}: {name} has no `{unknown[0]}`. It has {', '.join(sorted(known))}"
        )
    return cls(**chosen)


def metric_names(name: str, point: Mapping[str, Any]) -> tuple[str, ...]:
    """What a report of a point has in `metrics`; builds a network of one replicate to see."""
    problem = problem_for(name, point)
    generator = Generators.from_seed(0, 1)
    network = problem.build({**problem.default_point, **point}, generator)
    with torch.no_grad():
        tally = problem.tally(problem.start(generator))
        return (*problem.metrics(network.eval()), *tally, "parameters")
