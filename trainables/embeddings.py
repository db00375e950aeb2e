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

    def channels(self, x: Tensor, scale: Tensor, fixed: Tensor | None, second: int) -> Tensor:
        """(r, 1 + d + second, b, width): `embed`, its derivatives along the d inputs before they were
        scaled by `scale` (d,), and the second ones along the first `second` of them.
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

    def channels(self, x: Tensor, scale: Tensor, fixed: Tensor | None, second: int) -> Tensor:
        r, b, d = x.shape
        found = x.new_zeros(r, 1 + d + second, b, d)
        found[:, 0] = x
        found[:, 1 : 1 + d] = torch.diag(scale).unsqueeze(1)  # (d, 1, d)
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

    def channels(self, x: Tensor, scale: Tensor, fixed: Tensor | None, second: int) -> Tensor:
        assert fixed is not None
        angle = torch.bmm(x, fixed).unsqueeze(1)  # (r, 1, b, k)
        cos, sin = angle.cos(), angle.sin()
        speed = (fixed * scale.unsqueeze(-1)).unsqueeze(2)  # (r, d, 1, k)
        values = torch.cat([cos, sin], dim=-1)
        first = torch.cat([-sin * speed, cos * speed], dim=-1)
        squares = speed[:, :second].square()
        bends = torch.cat([-cos * squares, -sin * squares], dim=-1)
        return torch.cat([values, first, bends], dim=1)


EMBEDDINGS: dict[str, type[Embedding]] = {"none": NoEmbedding, "fourier": Fourier}
