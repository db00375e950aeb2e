"""What every sampling promises. A line in SAMPLINGS is tested without another line here."""

from itertools import pairwise
from typing import ClassVar

import pytest
import torch

from trainables.network import Network
from trainables.pinn.burgers1d import Burgers1D
from trainables.problem import Problem
from trainables.problems import PROBLEMS
from trainables.randomness import Generators
from trainables.samplings import SAMPLINGS, ResidualAdaptive, Sobol

R = 3
every_sampling = pytest.mark.parametrize("name", SAMPLINGS)
ADAPTIVE = [name for name, cls in PROBLEMS.items() if cls.adaptive]


def generator(r=R, seed=0, first=0, placing=None):
    made = Generators.from_seed(seed, r, dtype=torch.float64, first=first)
    made.placing = placing
    return made


class Line(Problem):
    """A problem on [0, 1] whose residual at x is what it is told to be, x by default."""

    residual_names = ("pde", "initial")
    low, high = (0.0,), (1.0,)
    adaptive: ClassVar = {"interior": ("pde",)}

    def __init__(self, residual=lambda x: x, b=8):
        object.__setattr__(self, "residual", residual)
        object.__setattr__(self, "b", b)

    def sample(self, generator):
        return {"interior": generator.cube(self.b, 1), "initial": generator.cube(4, 1)}

    def residuals(self, network, batch):
        x = batch["interior"].requires_grad_()
        return {"pde": self.residual(x[..., 0]), "initial": batch["initial"][..., 0]}

    def error(self, network):
        raise NotImplementedError


def walk(sampling, problem, steps, r=R, state=None, streams=None, network=None):
    """The batches of so many steps, and the state after them."""
    state, streams, batches = state or {}, streams or generator(r), []
    for _ in range(steps):
        batch, state = sampling.refine(
            problem, network or Network(), problem.sample(streams), state, streams
        )
        batches.append({part: points.clone() for part, points in batch.items()})
    return batches, state


@every_sampling
def test_points_lie_in_the_unit_cube_and_are_fresh_at_each_draw(name):
    sampling, streams = SAMPLINGS[name](), generator()
    first, second = (sampling.cube(streams, 50, 4) for _ in range(2))
    assert first.shape == (R, 50, 4)
    assert first.dtype == torch.float64
    assert ((first >= 0) & (first < 1)).all()
    assert not torch.isin(first, second).any()
    assert not torch.isin(first[0], first[1]).any()


@every_sampling
def test_a_replicate_gets_the_points_that_it_gets_alone(name):
    sampling = SAMPLINGS[name]()
    among = sampling.cube(generator(), 20, 2)
    for i in range(R):
        assert torch.equal(sampling.cube(generator(1, first=i), 20, 2)[0], among[i])


@every_sampling
def test_means_over_the_points_are_without_bias(name):
    streams = generator(r=1)
    means = torch.stack([SAMPLINGS[name]().cube(streams, 8, 2).mean((0, 1)) for _ in range(500)])
    # a point scatters by 1 / sqrt(12), the mean of 4000 by 0.0046 and by less where they are even
    assert (means.mean(0) - 0.5).abs().max() < 0.02


@every_sampling
@pytest.mark.parametrize("problem", ["burgers1d", "kovasznay", "poisson_nd", "klein_gordon"])
def test_problems_get_their_points_from_it_and_inside_their_box(name, problem):
    problem = PROBLEMS[problem]()
    batch = problem.sample(generator(placing=SAMPLINGS[name]()))
    low, high = (torch.tensor(side, dtype=torch.float64) for side in (problem.low, problem.high))
    for points in batch.values():
        assert ((points >= low) & (points <= high)).all()
    plain = problem.sample(generator())
    even = name in {"latin_hypercube", "sobol"}
    assert torch.equal(batch["interior"], plain["interior"]) != even


def test_without_a_sampling_points_are_those_of_uniform_bit_for_bit():
    for name in ("burgers1d", "kovasznay", "poisson_nd"):
        problem = PROBLEMS[name]()
        uniform = problem.sample(generator(placing=SAMPLINGS["uniform"]()))
        for part, points in problem.sample(generator()).items():
            assert torch.equal(points, uniform[part])


@pytest.mark.parametrize("name", ["uniform", "latin_hypercube", "sobol"])
def test_a_batch_is_trained_on_as_it_was_drawn(name):
    problem, streams = Burgers1D(), generator()
    batch = problem.sample(streams)
    found, state = SAMPLINGS[name]().refine(problem, Network(), batch, {}, streams)
    assert found is batch
    assert state == {}


def test_a_latin_hypercube_has_one_point_in_every_slice_of_every_axis():
    points = SAMPLINGS["latin_hypercube"]().cube(generator(), 16, 3)
    slices = (points * 16).floor().long().sort(dim=1).values
    assert torch.equal(slices, torch.arange(16).view(1, 16, 1).expand(R, 16, 3))
    # the axes are permuted each on its own: else x and y would be in the same slice
    assert not torch.equal(points[..., 0].argsort(), points[..., 1].argsort())


def test_shifted_sobol_points_are_scipys_after_the_shift_is_taken_back():
    from scipy.stats import qmc

    points = Sobol().cube(generator(), 32, 3)
    theirs = torch.from_numpy(qmc.Sobol(3, scramble=False).random(32))
    # both start at the corner 0, so that the first point is the shift
    back = (points - points[:, :1] + 1e-12).frac()
    torch.testing.assert_close((back + 1).frac(), theirs.expand(R, 32, 3), rtol=0, atol=1e-9)


def test_the_mean_of_a_smooth_function_is_nearer_the_truth_the_more_even_the_points():
    def scatter(name):
        points = SAMPLINGS[name]().cube(generator(r=200), 64, 2)
        return ((points**2).sum(-1).mean(-1) - 2 / 3).std()

    # by hand: independent points scatter by sqrt(2 * 4 / 45 / 64) = 0.053. One point in each of 64
    # slices leaves about 1 / 64 of it; Sobol's, all shifted alike inside theirs, sqrt(2 / 12) / 64
    assert scatter("latin_hypercube") < 0.1 * scatter("uniform")
    assert scatter("sobol") < 0.2 * scatter("uniform")


def test_adaptive_points_stay_for_a_period_and_the_others_are_fresh():
    batches, state = walk(ResidualAdaptive(period=3), Line(), steps=7)
    interior = [batch["interior"] for batch in batches]
    same = [torch.equal(a, b) for a, b in pairwise(interior)]
    assert same == [True, True, False, True, True, False]
    for one, other in pairwise(batches):
        assert not torch.isin(one["initial"], other["initial"]).any()
    assert state["age"] == 7
    assert all(tensor.ndim == 0 or len(tensor) == R for tensor in state.values())


def test_the_first_points_are_those_that_were_drawn():
    batches, _ = walk(ResidualAdaptive(), Line(), steps=1)
    assert torch.equal(batches[0]["interior"], Line().sample(generator())["interior"])


def test_with_one_candidate_a_point_all_are_kept():
    # whatever the residuals are: only the order is by chance
    streams, sampling = generator(), ResidualAdaptive(period=1, candidates=1)
    _, state = walk(sampling, Line(), 1, streams=streams)
    expected = generator()
    expected.set_state(streams.get_state())
    Line().sample(expected)  # the batch, whose interior is replaced
    candidates = Line().sample(expected)["interior"]
    (batch,), _ = walk(sampling, Line(), 1, state=state, streams=streams)
    assert torch.equal(batch["interior"].sort(1).values, candidates.sort(1).values)


def chosen(sampling, residual, r, b=1):
    """The points (r, b) of the first choice, and the candidates (r, c)."""
    problem, streams, candidates = Line(residual, b), generator(r), []
    _, state = walk(sampling, problem, 1, streams=streams)
    expected = generator(r)
    expected.set_state(streams.get_state())
    problem.sample(expected)
    candidates = [problem.sample(expected)["interior"] for _ in range(sampling.candidates)]
    (batch,), _ = walk(sampling, problem, 1, state=state, streams=streams)
    return batch["interior"][..., 0], torch.cat(candidates, 1)[..., 0]


@pytest.mark.parametrize(("power", "offset"), [(1.0, 0.0), (2.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
def test_a_point_is_chosen_as_often_as_the_formula_says(power, offset):
    # one of two candidates: p_i = (x_i^k / mean x^k + c) / (2 + 2 c)
    r = 3000
    points, candidates = chosen(
        ResidualAdaptive(period=1, candidates=2, power=power, offset=offset), lambda x: x, r
    )
    sizes = candidates**power
    p = (sizes / sizes.mean(1, keepdim=True) + offset) / (2 + 2 * offset)
    larger = candidates.argmax(1, keepdim=True)
    expected = p.gather(1, larger).mean()  # 0.69, 0.77, 0.6 and 0.5
    found = (points == candidates.gather(1, larger)).double().mean()
    # a share of 3000 scatters by 0.009
    assert abs(found - expected) < 0.035


def test_points_are_drawn_without_replacement_and_only_where_there_is_a_residual():
    # offset 0: half of the candidates have none; 5 of 20 are kept
    sampling = ResidualAdaptive(period=1, offset=0.0)
    points, candidates = chosen(sampling, lambda x: torch.relu(x - 0.5), r=50, b=5)
    assert (points > 0.5).sum(1).eq((candidates > 0.5).sum(1).clamp(max=5)).all()
    assert all(len(row.unique()) == 5 for row in points)
    assert all(torch.isin(row, many).all() for row, many in zip(points, candidates, strict=True))


@pytest.mark.parametrize(
    "residual", [torch.zeros_like, lambda x: x / 0.0, lambda x: x * torch.nan]
)
def test_residuals_of_zero_or_of_no_number_still_give_points(residual):
    points, candidates = chosen(ResidualAdaptive(period=1), residual, r=R, b=5)
    assert all(torch.isin(row, many).all() for row, many in zip(points, candidates, strict=True))


def test_units_of_a_residual_do_not_matter():
    sampling = ResidualAdaptive(period=1)
    large, _ = chosen(sampling, lambda x: 2.0**40 * x, r=R, b=5)
    small, _ = chosen(sampling, lambda x: x, r=R, b=5)
    assert torch.equal(large, small)


@pytest.mark.parametrize("name", ADAPTIVE)
def test_every_problem_that_can_adapts_and_a_replicate_is_what_it_is_alone(name):
    problem, sampling = PROBLEMS[name](), ResidualAdaptive(period=1, candidates=2)

    def two_steps(r, first=0):
        streams = generator(r, first=first)
        network = problem.build(
            problem.default_point, Generators.from_seed(5, r, dtype=torch.float64, first=first)
        )
        return walk(sampling, problem, 2, streams=streams, network=network)[0][-1]

    among, plain = two_steps(2), problem.sample(generator(2))
    for part in problem.adaptive:
        assert among[part].shape == plain[part].shape
        assert torch.equal(two_steps(1, first=1)[part][0], among[part][1])
    assert {name for names in problem.adaptive.values() for name in names} <= set(
        problem.residual_names
    )
    assert not any(points.requires_grad for points in among.values())


def test_what_is_remembered_is_not_touched_by_residuals():
    problem, sampling, streams = Line(), ResidualAdaptive(), generator()
    batch, state = sampling.refine(problem, Network(), problem.sample(streams), {}, streams)
    problem.residuals(Network(), batch)
    assert batch["interior"].requires_grad
    assert not state["points.interior"].requires_grad


def test_choosing_does_not_disturb_dropout():
    problem = Burgers1D(interior_points=16)
    streams = generator()
    network = problem.build({"width": 4, "depth": 1, "dropout": 0.5}, streams)
    network.draws = generator(seed=9)
    before = network.draws.get_state()
    walk(ResidualAdaptive(period=1), problem, 3, streams=streams, network=network)
    assert torch.equal(network.draws.get_state(), before)
    assert network.training


def test_an_interrupted_walk_goes_on_bit_for_bit():
    sampling, problem = ResidualAdaptive(period=2), Line()
    whole, _ = walk(sampling, problem, 6)
    streams = generator()
    _, state = walk(sampling, problem, 3, streams=streams)
    resumed = generator(seed=7)
    resumed.set_state(streams.get_state())
    rest, _ = walk(sampling, problem, 3, state=state, streams=resumed)
    for one, other in zip(whole[3:], rest, strict=True):
        assert all(torch.equal(one[part], other[part]) for part in one)


def test_a_problem_without_adaptive_parts_is_left_alone():
    class Fixed(Line):
        adaptive: ClassVar = {}

    batches, state = walk(ResidualAdaptive(period=1), Fixed(), 3)
    assert state == {}
    drawn = generator()
    for batch in batches:
        plain = Fixed().sample(drawn)
        assert all(torch.equal(batch[part], plain[part]) for part in batch)


@pytest.mark.parametrize(
    "wrong", [{"period": 0}, {"candidates": 0}, {"power": -1.0}, {"offset": -1.0}], ids=str
)
def test_what_makes_no_sense_is_refused(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name}={value}.*expected at least"):
        ResidualAdaptive(**wrong)
