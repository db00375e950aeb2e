"""Embeddings: what a network is given in place of its inputs, which were scaled to [-1, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from trainables.randomness import Generators


class Embedding(Protocol):
    """A map of the inputs, with fixed numbers of its own for each replicate or none."""

    def width(self, d: int) -> int:
        """How many numbers the network is given for d inputs."""
        ...

    def draw(self, generator: Generators, d: int) -> Tensor | None:
        """(r, d, k): the fixed numbers, which are saved with the network."""
        ...

    def embed(self, x: Tensor, fixed: Tensor | None) -> Tensor:
        """(r, b, d) -> (r, b, width)."""
        ...

    def derived(
        self, x: Tensor, scale: Tensor, fixed: Tensor | None, b: int, second: int
    ) -> Tensor:
        """(r, n + (d + second) b, width): `embed` at the n points x, then for the first b of them its
        derivatives along the d inputs before they were scaled by `scale` (d,), input by input, and the
        second ones along the first `second` of them.
        """
        ...


@dataclass(frozen=True)
class NoEmbedding:
    """The inputs themselves."""

    def width(self, d: int) -> int:
        return d

    def draw(self, generator: Generators, d: int) -> Tensor | None:
        return None

    def embed(self, x: Tensor, fixed: Tensor | None) -> Tensor:
        return x

    def derived(
        self, x: Tensor, scale: Tensor, fixed: Tensor | None, b: int, second: int
    ) -> Tensor:
        r, n, d = x.shape
        found = x.new_zeros(r, n + (d + second) * b, d)
        found[:, :n] = x
        found[:, n : n + d * b].unflatten(1, (d, b))[:] = torch.diag(scale).unsqueeze(1)
        return found


@dataclass(frozen=True)
class Fourier:
    """cos(B x), sin(B x) with B (features, d) drawn from N(0, scale^2) and never trained.

    A network learns low frequencies first; the larger the scale, the higher those that it is given
    from the start, and the rougher what it learns between the points. x is in [-1, 1], so that a
    wave with k periods over a side of the box has the frequency pi k.

    features >= 1, of each of the two kinds; scale > 0.
    Source: Tancik et al., NeurIPS 2020, where B x is 2 pi B x; Wang, Wang & Perdikaris 2021,
    arXiv:2012.10047, for physics-informed networks.
    """

    features: int = 64
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.features < 1 or not self.scale > 0:
            raise ValueError(
                f"Fourier(features={self.features}, scale={self.scale}): "
                "expected at least 1 and more than 0"
            )

    def width(self, d: int) -> int:
        return 2 * self.features

    def draw(self, generator: Generators, d: int) -> Tensor | None:
        return self.scale * generator.normal(generator.r, d, self.features)

    def embed(self, x: Tensor, fixed: Tensor | None) -> Tensor:
        assert fixed is not None
        angle = torch.bmm(x, fixed)
        return torch.cat([angle.cos(), angle.sin()], dim=-1)

    def derived(
        self, x: Tensor, scale: Tensor, fixed: Tensor | None, b: int, second: int
    ) -> Tensor:
        assert fixed is not None
        angle = torch.bmm(x, fixed)  # (r, n, k)
        cos, sin = angle.cos(), angle.sin()
        values = torch.cat([cos, sin], dim=-1)
        cos, sin = cos[:, None, :b], sin[:, None, :b]
        speed = (fixed * scale.unsqueeze(-1)).unsqueeze(2)  # (r, d, 1, k)
        squares = speed[:, :second].square()
        first = torch.cat([-sin * speed, cos * speed], dim=-1)
        bends = torch.cat([-cos * squares, -sin * squares], dim=-1)
        return torch.cat([values, first.flatten(1, 2), bends.flatten(1, 2)], dim=1)


EMBEDDINGS: dict[str, type[Embedding]] = {"none": NoEmbedding, "fourier": Fourier}
