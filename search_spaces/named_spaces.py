"""The spaces that come with the package: one data file each, named like the space."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from search_spaces.names import did_you_mean, listing
from search_spaces.strict_yaml import read_yaml

_FOLDER = files("search_spaces") / "named"

NAMED_SPACES: tuple[str, ...] = tuple(
    sorted(
        file.name.removesuffix(".yaml")
        for file in _FOLDER.iterdir()
        if file.name.endswith(".yaml")
    )
)

PARTS: tuple[str, ...] = ("balancer", "loss", "network", "optimizer", "regularization")
"""Those that have a part of a training each and go together, in any order."""

ADDITIONS: tuple[str, ...] = ("deqn", "pinn")
"""What a family of problems adds to the parts and narrows in them. Those that are neither part nor
addition are whole spaces, as somebody published them."""


def named_space(name: str) -> dict[str, Any]:
    """The definitions of a named space, as they are in its file."""
    if name not in NAMED_SPACES:
        raise ValueError(unknown_space(name))
    data: dict[str, Any] = read_yaml((_FOLDER / f"{name}.yaml").read_bytes())
    return data


def unknown_space(name: object) -> str:
    """What to say about a name that is not among them."""
    return (
        f"no such named space.{did_you_mean(name, NAMED_SPACES)} "
        f"Known: {listing(NAMED_SPACES)}. Write one of these."
    )
