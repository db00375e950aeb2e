"""A trained network with the point that it was trained at, as a file that holds no code.

The file is what `torch.save` makes of a dictionary of tensors and plain values, so
`torch.load(path, weights_only=True)` reads it anywhere, and `Model.load` where the problem can be
imported.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from trainables.network import Network
from trainables.problem import Problem
from trainables.problems import problem_for
from trainables.randomness import Generators

KIND = "multiloss-tuner model 1"


@dataclass(frozen=True)
class Model:
    """The r replicates of one network.

    problem:   as in a sweep, a name or my_package.my_module:MyProblem.
    point:     what was chosen. settings: the same with all that it leaves out.
    errors:    of each replicate, as reported. replicate: the one of the median error.
    weights:   the network's state, each tensor with r as its first axis.
    precision: float32 or float64.
    origin:    the sweep, the trial and the epoch that it is from.
    """

    problem: str
    point: Mapping[str, Any]
    settings: Mapping[str, Any]
    errors: tuple[float, ...]
    replicate: int
    weights: Mapping[str, Tensor]
    precision: str
    origin: Mapping[str, Any]

    @cached_property
    def task(self) -> Problem:
        """The problem as the point configures it. Raises ValueError if it cannot be imported."""
        return problem_for(self.problem, self.point)

    @cached_property
    def network(self) -> Network:
        """(r, b, d) -> (r, b, o), of all replicates, in evaluation mode."""
        dtype = getattr(torch, self.precision)
        streams = Generators.from_seed(0, len(self.errors), dtype=dtype)
        network = self.task.build(self.settings, streams).to(dtype=dtype)
        network.load_state_dict(dict(self.weights))
        return network.eval()

    def predict(self, points: Any, replicate: int | None = None) -> Tensor:
        """(b, d) inputs -> (b, o) outputs of one replicate; by default the one of median error."""
        parameter = next(self.network.parameters())
        # in this precision from the start: of a list torch would make float32
        x = torch.as_tensor(points, dtype=parameter.dtype, device=parameter.device)
        if x.ndim != 2:
            raise ValueError(f"predict(points): expected (b, d), found {tuple(x.shape)}")
        with torch.no_grad():
            out: Tensor = self.network(x.expand(len(self.errors), *x.shape))
        return out[self.replicate if replicate is None else replicate]

    def save(self, path: str | Path) -> Path:
        """Write the file, at once or not at all."""
        path = Path(path)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            torch.save({"kind": KIND, **asdict(self)}, temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return path

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote; runs nothing. Raises ValueError for any other file."""
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError) as fault:
            raise ValueError(f"{path}: is no model that `tuner export` wrote") from fault
        if not isinstance(found, dict) or found.pop("kind", None) != KIND:
            raise ValueError(f"{path}: is no model that `tuner export` of this version wrote")
        return cls(**found)
