"""One random stream per replicate, so that a replicate draws the same alone or among others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor


class Placing(Protocol):
    """A way to place points in the unit cube; see `trainables.samplings`."""

    def cube(self, generator: Generators, b: int, d: int) -> Tensor:
        """(r, b, d), from the numbers of the generator."""
        ...


class Generators:
    """r independent `torch.Generator`s that draw tensors of shape (r, ...) together.

    Replicate i of seed s draws the same numbers whatever r is. Drawn on the CPU, so that a seed
    means the same on every device, and moved to `device`.

    placing: how `cube` places points, given by the training; None where they are uniform.
    """

    placing: Placing | None = None

    def __init__(
        self,
        streams: Sequence[torch.Generator],
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.streams = tuple(streams)
        self.dtype = dtype
        self.device = torch.device(device)

    @classmethod
    def from_seed(
        cls,
        seed: int,
        r: int = 1,
        purpose: int = 0,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        first: int = 0,
    ) -> Generators:
        """Streams for r replicates from `first` on; another `purpose` gives unrelated streams."""
        words = (
            np.random.SeedSequence([seed, purpose, replicate]).generate_state(2, np.uint32)
            for replicate in range(first, first + r)
        )
        streams = [
            torch.Generator().manual_seed(int(high) << 31 ^ int(low)) for high, low in words
        ]
        return cls(streams, dtype, device)

    @property
    def r(self) -> int:
        """The number of replicates."""
        return len(self.streams)

    def uniform(self, *shape: int) -> Tensor:
        """Numbers in [0, 1) of the given shape, whose first axis is r (any shape if r is 1)."""
        return self._draw(torch.rand, shape)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers of the given shape, whose first axis is r (any if r is 1)."""
        return self._draw(torch.randn, shape)

    def cube(self, b: int, d: int) -> Tensor:
        """(r, b, d): points in the unit cube, independent and uniform or as `placing` has it."""
        if self.placing is None:
            return self.uniform(self.r, b, d)
        return self.placing.cube(self, b, d)

    def get_state(self) -> Tensor:
        """(r, k) bytes: where every stream stands."""
        return torch.stack([stream.get_state() for stream in self.streams])

    def set_state(self, state: Tensor) -> None:
        """Go on from where `get_state` stood."""
        for stream, row in zip(self.streams, state, strict=True):
            # a copy, since torch 2.13 crashes on a row of a larger tensor; on the CPU, as drawn
            stream.set_state(row.cpu().clone())

    def _draw(self, draw: object, shape: tuple[int, ...]) -> Tensor:
        if self.r == 1:
            drawn = draw(shape, generator=self.streams[0], dtype=self.dtype)  # type: ignore[operator]
        elif shape[:1] != (self.r,):
            raise ValueError(
                f"a draw of shape {shape}: expected the first axis to be r = {self.r}, "
                "one row for each replicate"
            )
        else:
            drawn = torch.stack(
                [
                    draw(shape[1:], generator=stream, dtype=self.dtype)  # type: ignore[operator]
                    for stream in self.streams
                ]
            )
        return drawn.to(self.device)  # type: ignore[no-any-return]
