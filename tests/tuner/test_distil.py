"""Would constants do? Which trial is distilled, into which constants, and what is concluded."""

import math

import pytest
from click.testing import CliRunner

from search_spaces import build
from tests.tuner.races import race, sweep_of
from tests.tuner.sweeps import constant
from tests.tuner.tables import report
from trainables.problems import problem_class
from tuner import Sweep, TunerError
from tuner.cli import main
from tuner.distil import best_adaptive, distilled, late_weights, paired, verdict
from tuner.execution import check
from tuner.ledger import replay

DEFAULT = problem_class("burgers1d").default_point
NAMES = problem_class("burgers1d").residual_names


def trial(number, errors, ended="finished", weights=None, **point):
    """The events of a trial; `errors` and `weights` hold a row for each epoch."""
    weights = weights or [{name: [1.0] * len(row) for name in NAMES} for row in errors]
    yield {"event": "proposed", "trial": number, "point": point, "origin": "tpe"}
    for epoch, (row, weighed) in enumerate(zip(errors, weights, strict=True), start=1):
        said = report(epoch, *row, weights=weighed)
        yield {"event": "reported", "trial": number, "segment": 1, "report": said}
    yield {"event": "ended", "trial": number, "status": ended, "reason": "why"}


def table(*trials, closed="finished"):
    events = [event for events in trials for event in events]
    return replay([*events, {"event": "closed", "status": closed, "reason": ""}])


def weighed(*rows):
    """A trial of one epoch for each row; a row has a list of replicates for each loss."""
    weights = [dict(zip(NAMES, row, strict=True)) for row in rows]
    errors = [[0.1] * len(rows[0][0])] * len(rows)
    return next(iter(table(trial(1, errors, weights=weights, balancer="relobralo"))))


def test_the_best_of_the_adaptive_trials_is_taken_even_if_others_are_better():
    trials = table(
        trial(1, constant(0.1), balancer="uniform"),
        trial(2, constant(0.1), balancer="static"),
        trial(3, constant(0.3), balancer="relobralo"),
        trial(4, constant(0.2), balancer="gradnorm"),
        trial(5, constant(0.1, epochs=1), "stopped", balancer="gradnorm"),
        trial(6, constant(0.1)),
    )
    assert best_adaptive(trials, "s").number == 4


def test_without_an_adaptive_trial_it_says_so_and_what_to_do():
    with pytest.raises(TunerError, match=r"no trial has an adaptive balancer.*tuner list bal"):
        best_adaptive(table(trial(1, constant(0.1), balancer="uniform")), "s")
    gone = table(trial(1, [[None] * 4], "diverged", balancer="gradnorm"))
    with pytest.raises(TunerError, match="none of its 1 trials with an adaptive balancer"):
        best_adaptive(gone, "s")


def test_the_command_line_says_so_too_and_starts_nothing(tmp_path):
    race(tmp_path, "run_to_end", trials=1, epochs=2)
    sweep = sweep_of(tmp_path, "run_to_end", trials=1, epochs=2)
    (sweep.folder / "sweep.yaml").write_text(sweep.to_yaml())
    done = CliRunner().invoke(main, ["distil", "race", "--storage", str(tmp_path)])
    assert done.exit_code == 2
    assert "no trial has an adaptive balancer" in done.stderr
    assert not (tmp_path / "race-distilled").exists()


def test_late_weights_are_ratios_to_the_first_loss_over_the_last_third():
    ones = ([1.0] * 3, [1.0] * 3, [1.0] * 3)
    # replicates differ in scale; ratios of the second loss are 3, 5, 4, of the third 0.5
    late = ([1.0, 2.0, 10.0], [3.0, 10.0, 40.0], [0.5, 1.0, 5.0])
    weights = late_weights(weighed(*[ones] * 4, late, late))
    assert weights == dict(zip(NAMES, [1.0, 4.0, 0.5], strict=True))


def test_the_mean_comes_before_the_ratio():
    steps = [([1.0], [2.0], [1.0]), ([3.0], [2.0], [3.0])]
    ones = ([1.0], [1.0], [1.0])
    assert late_weights(weighed(*[ones] * 4, *steps))[NAMES[1]] == 1.0


def test_a_lost_replicate_has_no_say():
    row = ([1.0, None, 1.0], [2.0, None, 2.0], [3.0, None, 3.0])
    assert list(late_weights(weighed(row)).values()) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("row", [([0.0], [1.0], [2.0]), ([1.0], [0.0], [1.0]), ([None],) * 3])
def test_weights_that_no_constants_can_stand_for_are_refused(row):
    with pytest.raises(TunerError, match="no constants above 0 can stand for"):
        late_weights(weighed(row))


POINT = {
    "width": 4,
    "depth": 2,
    "activation": "tanh",
    "learning_rate": 0.012345678901234567,
    "balancer": "relobralo",
    "balancer.relobralo.temperature": 0.3,
    "balancer.every": 10,
    "balancer.prior.pde": 2.0,
}


def distil(sweep=None, default_point=DEFAULT, **more):
    sweep = sweep or Sweep(name="s", problem="burgers1d", seed=7, **more)
    weights = [dict(zip(NAMES, [[2.0] * 4, [1.0] * 4, [8.0] * 4], strict=True))] * 3
    trials = table(trial(1, constant(0.3), weights=weights, **POINT))
    return distilled(sweep, trials, default_point, None)


def test_the_distilled_sweep_holds_three_points_and_no_other():
    sweep = distil(precision="float64", resources={"cpu": 1}, storage="/elsewhere")
    _, space = check(sweep)
    assert space.size() == 3
    others = {k: v for k, v in POINT.items() if not k.startswith("balancer")}
    options = {"balancer.every": 10, "balancer.prior.pde": 2.0}
    points = [space.default({**DEFAULT, **given}) for given in ({}, *sweep.points)]
    constants = {
        f"balancer.static.coefficients.{name}": weight
        for name, weight in zip(NAMES, [1.0, 0.5, 4.0], strict=True)
    }
    assert points == [
        {**others, **options, "balancer": "uniform"},
        {**others, **constants, "balancer": "static"},
        POINT,
    ]
    assert (sweep.name, sweep.seed, sweep.budget.trials) == ("s-distilled", 1007, 3)
    assert (sweep.searcher.name, sweep.scheduler.name) == ("random", "run_to_end")
    assert (sweep.precision, sweep.storage, sweep.replicates) == ("float64", "/elsewhere", 8)
    assert Sweep.from_yaml(sweep.to_yaml()) == sweep


def test_a_distilled_sweep_has_the_budget_of_its_source_and_asks_for_nothing_else():
    budget = {"epochs": 9, "trial_seconds": 60}
    wanted = {"objectives": ["error", "seconds"], "require": {"seconds": {"at_most": 70}}}
    more = {"confirm": 3, "continue_from": ["other"], "fidelity": "seconds", "budget": budget}
    sweep = distil(searcher="random", **wanted, **more)
    assert (sweep.fidelity, sweep.budget.trial_seconds, sweep.budget.epochs) == ("seconds", 60, 9)
    assert (sweep.objectives, sweep.require) == (["error"], {})
    assert (sweep.confirm, sweep.continue_from) == (0, [])
    check(sweep)


def test_a_problem_with_another_default_balancer_still_gets_all_three():
    sweep = distil(default_point={**DEFAULT, "balancer": "relobralo"})
    space = build(sweep.space.model_dump(), NAMES)
    preferred = {"balancer": "relobralo"}
    points = [space.default({**preferred, **given}) for given in ({}, *sweep.points)]
    assert [point["balancer"] for point in points] == ["relobralo", "uniform", "static"]


def outcome(adaptive, static, uniform=None, closed="finished", ended="finished"):
    uniform = uniform or [2 * error for error in adaptive]
    constants = {f"balancer.static.coefficients.{name}": 2.0 for name in NAMES}
    trials = table(
        trial(1, [uniform], balancer="uniform"),
        trial(2, [static], ended, balancer="static", **constants),
        trial(3, [adaptive], balancer="relobralo"),
        closed=closed,
    )
    return verdict(trials, "s-distilled")


def test_constants_as_good_in_each_replicate_do_as_well():
    text = outcome([0.1, 0.2, 0.4, 0.1, 0.2], [0.1, 0.19, 0.42, 0.09, 0.2])
    assert text.startswith("Constants do as well here: their error is 0.900 to 1.05 times")
    assert "the constants have 1.00 times the adaptive error (median)" in text
    assert "good in 4 of 5; equal weights have 2.00 times" in text
    assert "(pde 2, " in text


def test_constants_worse_in_each_replicate_are_worth_less_however_replicates_differ():
    text = outcome([0.01, 0.2, 4.0, 0.1, 0.2], [0.02, 0.3, 5.0, 0.3, 0.5])
    assert text.startswith("The adaptive weights earn their keep: with constants, their error is")


def test_few_replicates_tell_nothing_however_clear_they_are():
    text = outcome([0.1] * 4, [0.9] * 4)
    assert text.startswith("Cannot tell with 4 replicates, at least 5 are needed: tuner distil s ")
    assert "--replicates 16 --replace" in text


def test_replicates_that_disagree_tell_nothing():
    text = outcome([0.1] * 6, [0.05, 0.2, 0.3, 0.4, 0.05, 0.2])
    assert text.startswith(
        "Cannot tell with 6 replicates: with constants, their error is 0.500 to"
    )


def test_constants_that_diverge_have_lost_every_replicate():
    text = outcome([0.1] * 5, [0.1, 0.1, None, None, None], ended="diverged")
    assert text.startswith("The adaptive weights earn their keep")
    assert "static" not in text.split("Errors:")[0]
    assert "diverged" in text


def test_without_three_finished_trials_there_is_no_verdict():
    assert "not a finished sweep of `tuner distil`" in outcome([0.1], [0.1], closed="interrupted")
    assert "trial 2 (static) failed: why" in outcome([0.1] * 5, [0.1] * 5, ended="failed")
    lone = table(trial(1, constant(0.1), balancer="uniform"))
    assert "not a finished sweep" in verdict(lone, "s")


def test_ratios_of_lost_replicates():
    ours, theirs = table(
        trial(1, [[None, None, 1.0, 0.0, 1.0]]), trial(2, [[None, 1.0, None, 0.0, 0.0]])
    )
    assert paired(ours, theirs) == (0.0, 1.0, 1.0, math.inf, math.inf)
