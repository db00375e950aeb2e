import math
from itertools import product as combinations

import numpy as np
import pytest
import torch

from trainables.quadrature import beside, gauss_hermite, monomial, product


@pytest.mark.parametrize("nodes", [1, 3, 5, 9])
def test_moments_of_the_normal_are_exact_up_to_the_degree_of_the_rule(nodes):
    x, w = gauss_hermite(nodes)
    for power in range(2 * nodes):
        moment = 0.0 if power % 2 else math.prod(range(1, power, 2))
        assert np.sum(w * x**power) == pytest.approx(moment, abs=1e-9 * max(moment, 1.0))


def test_moments_of_independent_shocks_are_products_of_their_moments():
    coin = (np.array([-1.0, 3.0]), np.array([0.75, 0.25]))  # mean 0, variance 3
    nodes, weights = product(gauss_hermite(3), coin, gauss_hermite(2))
    assert nodes.shape == (12, 3)
    assert weights.sum() == pytest.approx(1.0)
    normal, side, other = nodes.T
    assert weights @ (normal**4 * side**2 * other**2) == pytest.approx(3.0 * 3.0 * 1.0)
    assert weights @ (normal * side**2) == pytest.approx(0.0, abs=1e-14)
    assert weights @ side == pytest.approx(0.0, abs=1e-14)


def test_outcomes_of_a_product_are_all_combinations_with_their_probabilities():
    nodes, weights = product((np.array([1, 2]), np.array([0.3, 0.7])), (np.array([5]), np.ones(1)))
    assert nodes.tolist() == [[1, 5], [2, 5]]
    assert weights.tolist() == [0.3, 0.7]


@pytest.mark.parametrize("degree", [3, 5])
@pytest.mark.parametrize("d", [1, 2, 3, 7])
def test_a_monomial_rule_has_all_joint_moments_up_to_its_degree(d, degree):
    nodes, weights = monomial(d, degree)
    assert nodes.shape == {3: (2 * d, d), 5: (2 * d * d + 1, d)}[degree]
    for powers in combinations(range(degree + 1), repeat=min(d, 3)):
        if sum(powers) <= degree:
            own = [0.0 if p % 2 else math.prod(range(1, p, 2)) for p in powers]
            found = weights @ (nodes[:, : len(powers)] ** np.array(powers)).prod(-1)
            # the largest weight times the largest node to the fifth is below 1e3
            assert found == pytest.approx(math.prod(own), abs=1e-12)


def test_a_monomial_rule_is_no_better_than_its_degree():
    for degree, moment in ((3, 3.0), (5, 15.0)):
        nodes, weights = monomial(2, degree)
        assert abs(weights @ nodes[:, 0] ** (degree + 1) - moment) > 0.5


def test_a_monomial_rule_of_another_degree_is_refused():
    with pytest.raises(ValueError, match="expected 3 or 5"):
        monomial(3, 4)


def test_a_rule_beside_a_tensor_has_its_type_and_is_made_once():
    single, double = torch.zeros(1), torch.zeros(1, dtype=torch.float64)
    nodes, weights = beside(double, gauss_hermite, 5)
    assert nodes.tolist() == gauss_hermite(5)[0].tolist()
    assert beside(single, gauss_hermite, 5)[1].dtype == torch.float32
    assert beside(double, gauss_hermite, 5)[1] is weights
