"""A function in the place of a problem: whatever it trains, it says how good the point is.

    def fit(point, seed):
        model = make_model(point["width"], seed)
        for epoch in range(100):
            train(model)
            yield {"error": error_of(model), "checkpoint": model.state_dict()}

The trial of a point runs the function once for each replicate, in turn: an epoch is one `yield` of
all of them. What it takes, it takes by name:

    point       the chosen hyperparameters, a dictionary
    seed        of the replicate, a whole number below 2**32. Replicate i has the same one for every
                point. The global generators of Python, numpy and torch are seeded with it as well,
                and are each replicate's own while it is at work.
    epochs      of the whole budget; the trial ends there, or earlier
    checkpoint  what it yielded as such when it was interrupted; None at the start
    device      "cpu", or "cuda" where a trial has a GPU

It yields its error, a number, less is better; or a dictionary with `error`, with numbers under any
other names, which are the metrics, and with `checkpoint`, if it likes: numbers, text, bytes,
tensors, and dictionaries, lists and tuples of them. A function without `yield` that returns either
has had one epoch.

- An error that is not finite: the replicate is lost, and is not asked again. When the median
  replicate is lost the trial has diverged.
- An exception: a fault, reported with its message.
- The function returns: the trial ends there, and its last error holds.

An interrupted trial goes on from the checkpoint and the state of the generators after it. Without
checkpoints, or if the function does not take one, it runs again from the start, unseen, up to
where it was; with the same point and seed it has to do the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from trainables.importing import imported

ARGUMENTS = ("point", "seed", "epochs", "checkpoint", "device")
PLAIN: tuple[type, ...] = (bool, int, float, str, bytes)


@dataclass(frozen=True)
class Function:
    """A function as a sweep names it, `my_package.my_module:function`, and what it takes."""

    path: str
    call: Callable[..., Any]
    takes: tuple[str, ...]

    # where a problem has names and defaults of its own, all is up to the space of the sweep
    residual_names: ClassVar[tuple[str, ...]] = ()
    default_point: ClassVar[Mapping[str, Any]] = {}

    def values(self, **given: Any) -> Iterator[Any]:
        """What it yields, or the one thing that it returns."""
        found = self.call(**{name: given[name] for name in self.takes})
        return found if isinstance(found, Iterator) else iter((found,))


def function_for(path: str) -> Function:
    """The function of a path. Raises ValueError that says what is wrong with it."""
    if ":" not in path:
        raise ValueError(f"{path!r}: a function is written my_package.my_module:function")
    found = imported(path)
    if isinstance(found, type) or not callable(found):
        raise ValueError(
            f"{path!r} is no function. A subclass of Problem goes under the key `problem`"
        )
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):  # of some that are written in C
        raise ValueError(f"{path!r} does not tell what it takes. Wrap it in a function") from None
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    takes = tuple(parameter.name for parameter in parameters if parameter.name in ARGUMENTS)
    strange = [
        parameter.name
        for parameter in parameters
        if parameter.name not in ARGUMENTS
        and parameter.default is inspect.Parameter.empty
        and parameter.kind not in variadic
    ]
    if strange:
        raise ValueError(
            f"{path!r} wants `{strange[0]}`, which nothing gives it. It is given, by name, what it "
            f"takes of {', '.join(ARGUMENTS)}; give `{strange[0]}` a default"
        )
    if "point" not in takes:
        raise ValueError(f"{path!r} does not take `point`, so there is nothing to tune")
    return Function(path, found, takes)


def copied(value: Any, name: str) -> Any:
    """A copy of a checkpoint in the types that a file of tensors and plain values holds.

    Raises TypeError for any other, with its place.
    """
    if value is None:
        return None
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, Mapping):
        return {
            copied(key, f"{name} key"): copied(item, f"{name}.{key}")
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        items = [copied(item, f"{name}.{k}") for k, item in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    for plain in PLAIN:  # numpy's double is a float, but a file would not know it as one
        if isinstance(value, plain):
            return plain(value)
    raise TypeError(
        f"`{name}` is of the type {type(value).__name__}. A checkpoint holds numbers, text, bytes, "
        "tensors, and dictionaries, lists and tuples of them; of anything else give its bytes "
        "(pickle.dumps), of an array a tensor (torch.as_tensor)"
    )


def read(said: Any, path: str) -> tuple[float, dict[str, float], Any]:
    """Error, metrics and checkpoint of what a function yielded."""
    if not isinstance(said, Mapping):
        return _number(said, "error", path), {}, None
    if "error" not in said:
        raise ValueError(
            f"{path} yielded {', '.join(map(str, said))}: expected `error` among them"
        )
    metrics = {
        str(name): _number(value, str(name), path)
        for name, value in said.items()
        if name not in ("error", "checkpoint")
    }
    return _number(said["error"], "error", path), metrics, said.get("checkpoint")


def _number(value: Any, name: str, path: str) -> float:
    try:
        if isinstance(value, str):
            raise TypeError
        return float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(
            f"{path} gave {str(value)[:60]!r} ({type(value).__name__}) as `{name}`: expected a "
            "number, or a dictionary with `error` and other numbers"
        ) from None
