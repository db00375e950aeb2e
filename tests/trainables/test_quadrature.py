import math

import numpy as np
import pytest

from trainables.quadrature import gauss_hermite


@pytest.mark.parametrize("nodes", [1, 3, 5, 9])
def test_moments_of_the_normal_are_exact_up_to_the_degree_of_the_rule(nodes):
    x, w = gauss_hermite(nodes)
    for power in range(2 * nodes):
        moment = 0.0 if power % 2 else math.prod(range(1, power, 2))
        assert np.sum(w * x**power) == pytest.approx(moment, abs=1e-9 * max(moment, 1.0))
