"""A product kernel density over numbers in [0, 1] and unordered options, as BOHB models points."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Density:
    """The mean over observations X_i of a product of kernels, one for each parameter:

        p(x) = 1/n sum_i prod_j k_j(x_j, X_ij)

    A number has a normal kernel, k = exp(-(x - X)^2 / (2 h^2)) / (h sqrt(2 pi)), which is not cut
    at 0 and 1. One of c options has the kernel of Aitchison & Aitken, k = 1 - h where x = X and
    h / (c - 1) elsewhere.

    data:       (n, d), numbers in [0, 1], options by their place 0 to c - 1.
    options:    (d,), the c of each parameter, at least 2; 0 for a number.
    bandwidths: (d,), the h of each parameter.

    Source: Aitchison & Aitken, Biometrika 63 (1976) 413; KDEMultivariate of statsmodels, which
    evaluates the same density but takes the options that occur in the data for all there are.
    """

    data: Array
    options: NDArray[np.int64]
    bandwidths: Array

    @classmethod
    def fit(cls, data: Array, options: NDArray[np.int64], least: float) -> Density:
        """With bandwidths by the normal reference rule, h = 1.06 s n^(-1/(4 + d)), from `least` up.

        s is the standard deviation. Of options it is that of the distance which is 1 between any
        two: s^2 = (1 - sum_k p_k^2) / 2 with their shares p. statsmodels takes the one of their
        places, which is the same for two options; for more it depends on their order and makes
        kernels negative. h stops at (c - 1) / c, where the kernel is uniform.
        """
        n, d = data.shape
        spread = data.std(axis=0)
        highest = np.full(d, np.inf)
        for j in np.flatnonzero(options):
            shares = np.bincount(data[:, j].astype(np.int64), minlength=options[j]) / n
            spread[j] = math.sqrt(max(0.0, 1.0 - float(shares @ shares)) / 2)
            highest[j] = 1 - 1 / options[j]
        rule = 1.06 * spread * n ** (-1 / (4 + d))
        return cls(data, options, np.minimum(np.maximum(rule, least), highest))

    def log(self, points: Array) -> Array:
        """The logarithm of the density at points (b, d): (b,)."""
        exponents = np.zeros((len(points), len(self.data)))
        for x, at, h, c in zip(points.T, self.data.T, self.bandwidths, self.options, strict=True):
            if c:
                same = x[:, None] == at
                exponents += np.where(same, math.log1p(-h), math.log(h / (c - 1)))
            else:
                z = (x[:, None] - at) / h
                exponents -= z * z / 2 + math.log(h * math.sqrt(2 * math.pi))
        highest = exponents.max(axis=1)
        total = np.exp(exponents - highest[:, None]).sum(axis=1)
        return np.asarray(highest + np.log(total / len(self.data)))

    def draw(self, count: int, widened: float, rng: np.random.Generator) -> Array:
        """Points (count, d) about observations drawn with equal probability.

        A number from the normal distribution of `widened` times its bandwidth, truncated to
        [0, 1]; an option stays with probability 1 - h, else it is any of the c.
        """
        from scipy.special import ndtr, ndtri  # a tenth of a second

        at = self.data[rng.integers(len(self.data), size=count)]
        width = widened * self.bandwidths
        low, high = ndtr(-at / width), ndtr((1 - at) / width)
        numbers = at + width * ndtri(low + (high - low) * rng.random(at.shape))
        anything = rng.integers(np.maximum(self.options, 1), size=at.shape)
        options = np.where(rng.random(at.shape) < 1 - self.bandwidths, at, anything)
        return np.where(self.options == 0, np.clip(numbers, 0, 1), options)


def imputed(rows: Array, options: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """The rows (n, d) without NaN: a row takes from another, drawn at random, all that it lacks.

    As in hpbandster: the other is one that has the first of what is lacking, and this goes on
    until nothing is lacking. What no row has is drawn uniformly.
    """
    full = rows.copy()
    for j, c in enumerate(options):
        lacking = np.flatnonzero(np.isnan(full[:, j]))
        having = np.flatnonzero(~np.isnan(rows[:, j]))
        if having.size:
            given = rows[rng.choice(having, lacking.size)]
            full[lacking] = np.where(np.isnan(full[lacking]), given, full[lacking])
        else:
            full[lacking, j] = (
                rng.integers(c, size=lacking.size) if c else rng.random(lacking.size)
            )
    return full
