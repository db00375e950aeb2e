"""A trained trial as an MLflow model: `mlflow.pyfunc.load_model(...).predict(points)`.

It holds the file that `tuner export` writes and the name of this module, which reads it, and no
pickle. So whoever loads it runs what is installed there: this package, and the problem's own.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow.pyfunc
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import ParamSchema, ParamSpec, Schema, TensorSpec

import tuner

if TYPE_CHECKING:
    from trainables.model import Model

FILE = "model.pt"


def save_model(model: Model, folder: str | Path) -> Path:
    """Write the MLflow model into a folder, which must not be there yet or be empty.

    Loaded, it maps an array (b, d) of float64 to one (b, o), by the replicate of median error;
    `params={"replicate": 2}` asks another.
    """
    d = _inputs(model)
    replicate = ParamSpec("replicate", "long", model.replicate)
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype("float64"), (-1, d))]),
        outputs=Schema([TensorSpec(np.dtype("float64"), (-1, _outputs(model, d)))]),
        params=ParamSchema([replicate]),
    )
    with tempfile.TemporaryDirectory() as scratch:
        file = model.save(Path(scratch) / FILE)
        mlflow.pyfunc.save_model(
            path=str(folder),
            loader_module=__name__,
            data_path=str(file),
            signature=signature,
            # said rather than guessed, since guessing loads the model in another process
            pip_requirements=[f"multiloss-tuner=={tuner.__version__}"],
            metadata={
                "problem": model.problem,
                "point": dict(model.point),
                "error": model.errors[model.replicate],
                **model.origin,
            },
        )
    return Path(folder)


class Predictor:
    """What MLflow calls."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, points: Any, params: dict[str, Any] | None = None) -> np.ndarray:
        """(b, d) -> (b, o)."""
        replicate = (params or {}).get("replicate")
        found: np.ndarray = self.model.predict(np.asarray(points, float), replicate).numpy()
        return found.astype(float)


def _load_pyfunc(path: str) -> Predictor:
    """Called by MLflow, with the file or the folder that it is in."""
    from trainables.model import Model

    there = Path(path)
    return Predictor(Model.load(there / FILE if there.is_dir() else there))


def _inputs(model: Model) -> int:
    """d, or -1 if the problem does not say."""
    return len(getattr(model.task, "low", ())) or -1


def _outputs(model: Model, d: int) -> int:
    """o, asked of the network; -1 where d is not known."""
    return int(model.predict([[0.5] * d]).shape[-1]) if d > 0 else -1
