"""A row of numbers as a row of blocks, for a line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """At most `width` blocks, on a log scale where all numbers are positive; lost ones are blank.

    Of more numbers than blocks each block has the last of its share.
    """
    if len(values) > width:
        values = [values[(k + 1) * len(values) // width - 1] for k in range(width)]
    scale = math.log if all(value > 0 for value in values) else float
    heights = [scale(value) if math.isfinite(value) else math.inf for value in values]
    known = [height for height in heights if math.isfinite(height)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return "".join(_block(height, low, high) for height in heights)


def _block(height: float, low: float, high: float) -> str:
    if not math.isfinite(height):
        return " "
    if high == low:
        return BLOCKS[0]
    return BLOCKS[round((len(BLOCKS) - 1) * (height - low) / (high - low))]
