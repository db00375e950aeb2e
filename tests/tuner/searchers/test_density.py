import numpy as np
import pytest
from scipy.stats import kstest, truncnorm

from tuner.searchers.density import Density, imputed

LEAST = 1e-3
NUMBER = 0


def observed(n, *options, seed=0):
    """Observations in which every option occurs, the first ones most often."""
    rng = np.random.default_rng(seed)
    columns = [
        np.floor(c * rng.random(n) ** 1.5) if c else rng.beta(2, 4, size=n) for c in options
    ]
    data = np.column_stack(columns)
    assert all(len(set(data[:, j])) == c for j, c in enumerate(options) if c)
    return data, np.array(options)


def by_statsmodels(data, options, bandwidths="normal_reference"):
    from statsmodels.nonparametric.kernel_density import KDEMultivariate

    kinds = "".join("u" if c else "c" for c in options)
    return KDEMultivariate(data=data, var_type=kinds, bw=bandwidths, rng=0)


@pytest.mark.parametrize("n", [6, 30, 400])
def test_bandwidths_and_density_are_those_of_statsmodels(n):
    data, options = observed(n, NUMBER, NUMBER, 2, NUMBER)
    ours, theirs = Density.fit(data, options, LEAST), by_statsmodels(data, options)
    # the same rule in another order of operations
    np.testing.assert_allclose(ours.bandwidths, theirs.bw, rtol=1e-12)
    points, _ = observed(50, NUMBER, NUMBER, 2, NUMBER, seed=1)
    np.testing.assert_allclose(ours.log(points), np.log(theirs.pdf(points)), rtol=1e-10)


def test_with_given_bandwidths_the_density_is_that_of_statsmodels_for_many_options_too():
    data, options = observed(80, 5, NUMBER, 3)
    ours = Density.fit(data, options, LEAST)
    theirs = by_statsmodels(data, options, ours.bandwidths)
    points, _ = observed(50, 5, NUMBER, 3, seed=1)
    np.testing.assert_allclose(ours.log(points), np.log(theirs.pdf(points)), rtol=1e-10)


def test_no_bandwidth_is_less_than_the_least():
    data = np.array([[0.5, 1.0]] * 8)
    fitted = Density.fit(data, np.array([NUMBER, 3]), 0.01)
    assert fitted.bandwidths.tolist() == [0.01, 0.01]


def test_the_order_of_options_does_not_matter():
    data, options = observed(40, 6)
    order = np.array([3, 0, 5, 1, 4, 2])
    places = np.arange(6.0)[:, None]
    here = Density.fit(data, options, LEAST).log(places)
    there = Density.fit(order[data.astype(int)].astype(float), options, LEAST).log(
        order[:, None].astype(float)
    )
    np.testing.assert_allclose(there, here, rtol=1e-12)


@pytest.mark.parametrize("occurring", [[2.0], [0.0, 31.0], range(32)], ids=len)
def test_the_probabilities_of_options_are_positive_and_sum_to_one(occurring):
    data = np.array([[place] for place in occurring], dtype=float)
    shares = np.exp(Density.fit(data, np.array([32]), LEAST).log(np.arange(32.0)[:, None]))
    assert (shares > 0).all()
    assert shares.sum() == pytest.approx(1)


def test_an_option_that_was_seen_is_never_less_probable_than_one_that_was_not():
    # among 70 parameters the rule gives two options, seen equally often, a bandwidth of 0.52
    data = np.array([[0.0], [1.0]] * 2) * np.ones(70)
    density = Density.fit(data, np.full(70, 2), LEAST)
    assert density.bandwidths.max() == 0.5


def test_far_from_all_observations_the_logarithm_is_finite():
    data = np.full((5, 40), 0.1)
    fitted = Density.fit(data, np.zeros(40, dtype=int), LEAST)
    # by hand: 40 kernels of h = 0.001, 800 h away
    expected = -40 * (800**2 / 2 + np.log(0.001 * np.sqrt(2 * np.pi)))
    assert fitted.log(np.full((1, 40), 0.9)) == pytest.approx(expected)


@pytest.mark.parametrize("at", [0.0, 0.3, 1.0])
def test_numbers_are_drawn_from_the_truncated_normal_of_scipy(at):
    density = Density(np.array([[at]]), np.array([NUMBER]), np.array([0.1]))
    drawn = density.draw(2000, 3.0, np.random.default_rng(0))[:, 0]
    reference = truncnorm(-at / 0.3, (1 - at) / 0.3, loc=at, scale=0.3)
    # a right sample of this seed fails at one in a thousand
    assert kstest(drawn, reference.cdf).pvalue > 1e-3


@pytest.mark.parametrize("widened", [1e-6, 1e6])
def test_numbers_are_drawn_inside_the_unit_interval_whatever_the_width(widened):
    data, options = observed(30, NUMBER, NUMBER)
    drawn = Density.fit(data, options, LEAST).draw(500, widened, np.random.default_rng(0))
    assert ((drawn >= 0) & (drawn <= 1)).all()


def test_an_option_is_kept_or_any_of_all():
    density = Density(np.array([[1.0]]), np.array([4]), np.array([0.4]))
    drawn = density.draw(4000, 3.0, np.random.default_rng(0))[:, 0]
    # kept with 0.6, else each of four: 0.7 and thrice 0.1; four standard deviations are 0.03
    assert [np.mean(drawn == k) for k in range(4)] == pytest.approx([0.1, 0.7, 0.1, 0.1], abs=0.03)


def test_what_a_row_lacks_comes_from_one_other_row():
    gap = np.nan
    rows = np.array([[0.1, gap, gap], [0.2, 0.5, 5.0], [0.3, 0.6, 6.0], [0.4, gap, gap]])
    found = set()
    for seed in range(20):
        full = imputed(rows, np.array([NUMBER, NUMBER, 7]), np.random.default_rng(seed))
        assert np.array_equal(full[~np.isnan(rows)], rows[~np.isnan(rows)])
        assert all(10 * b == c for _, b, c in full)
        found.add((full[0, 1], full[3, 1]))
    assert found == {(a, b) for a in (0.5, 0.6) for b in (0.5, 0.6)}


def test_rows_that_complete_each_other_are_filled_from_several():
    gap = np.nan
    rows = np.array([[gap, gap], [0.1, gap], [gap, 0.2]])
    full = imputed(rows, np.array([NUMBER, NUMBER]), np.random.default_rng(0))
    assert full.tolist() == [[0.1, 0.2]] * 3


def test_what_no_row_has_is_drawn_uniformly():
    rows = np.full((3000, 2), np.nan)
    full = imputed(rows, np.array([NUMBER, 3]), np.random.default_rng(0))
    # a right sample of this seed fails at one in a thousand
    assert kstest(full[:, 0], "uniform").pvalue > 1e-3
    # four standard deviations of a share of 1/3 in 3000 are 0.034
    assert np.bincount(full[:, 1].astype(int)) / 3000 == pytest.approx([1 / 3] * 3, abs=0.034)
