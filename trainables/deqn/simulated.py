"""States that are simulated under the policy being learned, instead of drawn from a box.

Tracks of states run side by side through time. When the states of the last segment are used up, the
tracks go on for another segment under the policy as it is now; all its states are shuffled and
trained on in batches, for some passes. A track whose state is not inside the economy's domain any
more is put back to a fresh start, which is counted: a policy that keeps needing that is none.
Source: Azinovic, Gaegauf & Scheidegger, International Economic Review 63 (2022), section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.problem import Carried
from trainables.randomness import Generators


@dataclass(frozen=True)
class Simulation:
    """How states are simulated.

    tracks: that run side by side.       length: periods of a segment.
    passes: through the states of a segment, each in an order of its own.
    batch:  states of a step; what is left of a pass when no whole batch is left is not used.

    Carried: `heads` (r, tracks, d), where the tracks stand; `pool` (r, tracks length, d), the
    states of the segment, and the `order` (r, tracks length) of this pass; `taken` (), batches since
    the segment began; `repairs` (r,), the share of its states that had to be put back, and
    `repaired` (r,), how many since the start of the run.
    """

    tracks: int
    length: int
    passes: int
    batch: int

    def __post_init__(self) -> None:
        for name in ("tracks", "length", "passes", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: expected at least 1")
        if self.batch > self.tracks * self.length:
            raise ValueError(
                f"a batch of {self.batch} states, but {self.tracks} tracks of {self.length} "
                f"periods have {self.tracks * self.length}: take a smaller batch"
            )

    def start(self, heads: Tensor) -> Carried:
        """Carried before the first step, from the states (r, tracks, d) where the tracks begin."""
        r, count = heads.shape[0], self.tracks * self.length
        return {
            "heads": heads,
            "pool": heads.new_zeros(r, count, heads.shape[-1]),
            "order": torch.zeros(r, count, dtype=torch.long, device=heads.device),
            "taken": torch.tensor(0),
            "repairs": heads.new_zeros(r),
            "repaired": heads.new_zeros(r),
        }

    def draw(
        self,
        carried: Carried,
        generator: Generators,
        move: Callable[[Tensor], Tensor],
        inside: Callable[[Tensor], Tensor],
        fresh: Callable[[], Tensor],
    ) -> tuple[Tensor, Carried]:
        """The states (r, batch, d) of a step, and what is carried on.

        move:   states (r, tracks, d) of a period to those of the next, shocks included.
        inside: states (r, tracks, d) -> (r, tracks), whether they are of the domain. What is not
                finite never is.
        fresh:  () -> (r, tracks, d), states to start from. Asked for once a period, needed or not,
                so that a replicate's draws do not depend on the others.
        """
        in_pass = self.tracks * self.length // self.batch
        taken = int(carried["taken"]) % (in_pass * self.passes)
        if taken == 0:
            carried = self._segment(carried, move, inside, fresh)
        if taken % in_pass == 0:
            order = generator.uniform(*carried["order"].shape).argsort(-1)
            carried = {**carried, "order": order}
        first = taken % in_pass * self.batch
        chosen = carried["order"][:, first : first + self.batch].unsqueeze(-1)
        states = carried["pool"].take_along_dim(chosen, dim=1)
        return states, {**carried, "taken": torch.tensor(taken + 1)}

    def tally(self, carried: Carried) -> dict[str, Tensor]:
        """Repairs as a share of the segment's states, and their number since the start."""
        return {"repairs": carried["repairs"], "repairs/total": carried["repaired"]}

    @torch.no_grad()
    def _segment(
        self,
        carried: Carried,
        move: Callable[[Tensor], Tensor],
        inside: Callable[[Tensor], Tensor],
        fresh: Callable[[], Tensor],
    ) -> Carried:
        heads, visited = carried["heads"], []
        repaired = torch.zeros_like(carried["repaired"])
        for _ in range(self.length):
            visited.append(heads)
            ahead = move(heads)
            sound = inside(ahead) & ahead.isfinite().all(-1)
            heads = torch.where(sound.unsqueeze(-1), ahead, fresh())
            repaired = repaired + (~sound).sum(-1)
        return {
            **carried,
            "heads": heads,
            "pool": torch.cat(visited, dim=1),
            "repairs": repaired / (self.tracks * self.length),
            "repaired": carried["repaired"] + repaired,
        }
