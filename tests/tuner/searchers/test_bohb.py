import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from search_spaces import build
from tests.tuner.tables import report, table, trial
from tuner import Sweep
from tuner.driver import Driver
from tuner.journal import Journal
from tuner.ledger import replay
from tuner.searchers import BOHB

SPACE = build(
    {
        "use": [],
        "set": {
            "x": {"low": 0.0, "high": 1.0},
            "y": {"low": 1e-4, "high": 1.0, "scale": "log"},
            "kind": {"choice": ["good", "bad"]},
        },
    }
)
LEAST = 4  # three parameters and one


def points(count, seed=0):
    rng = np.random.default_rng(seed)
    return [SPACE.sample(rng) for _ in range(count)]


def error_of(point):
    far = (point["x"] - 0.3) ** 2 + (np.log10(point["y"] / 0.01) / 4) ** 2
    return float(far + (0.2 if point["kind"] == "bad" else 0.0)) + 0.01


def densities(known, **settings):
    return BOHB(**settings).densities(SPACE, known, np.random.default_rng(0))


def xs(density):
    """What a density was made of, by x, which tells trials apart."""
    return sorted(density.data[:, 0].tolist())


def numbered(fates, seed=0, **specification):
    """A table of one trial for each of (errors, ended), and their x's."""
    given = points(len(fates), seed)
    events = [trial(i, p, *fate) for i, (p, fate) in enumerate(zip(given, fates, strict=True), 1)]
    return table(*events, epochs=9, **specification), [p["x"] for p in given]


def by_hpbandster(given):
    """hpbandster's densities of these points."""
    import ConfigSpace
    from hpbandster.optimizers.config_generators.bohb import BOHB as Reference

    space = ConfigSpace.ConfigurationSpace(
        {
            "a": ConfigSpace.Float("a", (0.0, 1.0)),
            "b": ConfigSpace.Float("b", (1e-4, 1.0), log=True),
            "c": ConfigSpace.Categorical("c", ["good", "bad"]),
        }
    )
    reference = Reference(configspace=space)
    for point in given:
        config = {"a": point["x"], "b": point["y"], "c": point["kind"]}
        job = SimpleNamespace(
            result={"loss": point["x"] * point["y"]},
            exception=None,
            kwargs={"budget": 9.0, "config": config},
        )
        reference.new_result(job)
    return reference.kde_models[9.0]["good"], reference.kde_models[9.0]["bad"]


# 15 and 85 % of both are whole, so its two roundings leave no trial out
@pytest.mark.parametrize("count", [40, 100])
def test_bandwidths_and_ratio_of_densities_are_those_of_hpbandster(count):
    given = points(count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of 2018
        good, bad = by_hpbandster(given)
    # kinds have nothing to do with it: statsmodels divides by zero where only one is good
    ours = densities(numbered([([1.0] * 8 + [p["x"] * p["y"]], "finished") for p in given])[0])
    at = np.random.default_rng(1).random((30, 3))
    at[:, 2] = at[:, 2].round()
    for mine, theirs in zip(ours, (good, bad), strict=True):
        # values went through a rounding to 12 digits, bandwidths are of the order of 0.1
        np.testing.assert_allclose(mine.bandwidths, theirs.bw, rtol=1e-9)
    ratio = np.log(good.pdf(at)) - np.log(bad.pdf(at))
    # logarithms of the order of 1 to 100, of sums of exponentials of squares over h^2
    np.testing.assert_allclose(ours[0].log(at) - ours[1].log(at), ratio, rtol=1e-6, atol=1e-6)


def test_two_more_trials_than_the_least_make_a_model_whose_groups_overlap():
    fates = [([float(i)] * 9, "finished") for i in range(LEAST + 2)]
    known, x = numbered(fates)
    good, bad = densities(known)
    assert xs(good) == sorted(x[:LEAST])
    assert xs(bad) == sorted(x[2:])
    assert densities(numbered(fates[1:])[0]) is None


def test_of_many_trials_the_best_share_is_good_and_the_rest_bad():
    known, x = numbered([([float(i)] * 9, "finished") for i in range(40)])
    good, bad = densities(known, gamma=0.3)
    assert (xs(good), xs(bad)) == (sorted(x[:12]), sorted(x[12:]))


def test_the_least_number_of_points_can_be_set():
    known, x = numbered([([float(i)] * 9, "finished") for i in range(4)])
    good, bad = densities(known, min_points=2)
    assert (xs(good), xs(bad)) == (sorted(x[:2]), sorted(x[2:]))


def resting(fate):
    """20 trials that rest after epoch 1, 8 after epoch 3 and 4 finished ones, best last."""
    fates = [([40.0 - i], fate) for i in range(20)]
    fates += [([40.0 - i, 0.5, 20.0 - i], fate) for i in range(20, 28)]
    return [*fates, *(([40.0 - i, 0.5, 20.0 - i, 0.1], "finished") for i in range(28, 32))]


def paused(events):
    """The same trial, paused in place of stopped."""
    end = {"event": "paused", "trial": events[0]["trial"], "reason": ""}
    return [end if e["event"] == "ended" and e["status"] == "stopped" else e for e in events]


@pytest.mark.parametrize("as_it_is", [lambda events: events, paused], ids=["stopped", "paused"])
def test_the_highest_level_with_enough_trials_is_modelled_with_all_that_went_on(as_it_is):
    given = points(32)
    events = [
        as_it_is(trial(i, p, *fate))
        for i, (p, fate) in enumerate(zip(given, resting("stopped"), strict=True), 1)
    ]
    x = [p["x"] for p in given]
    good, bad = densities(table(*events, epochs=4))
    # four are at the budget, too few; twelve got to epoch 3, by their errors there
    assert (xs(good), xs(bad)) == (sorted(x[-4:]), sorted(x[20:28]))


def test_trials_under_way_count_where_others_rest_and_nowhere_else():
    fates = [([1.0, 1.0, 0.8], "stopped")] * 3
    fates += [([0.5, 0.5, i / 10, 1 - i / 10], None) for i in range(6)]
    known, x = numbered(fates)
    good, bad = densities(known)
    assert xs(good) == sorted(x[3:7])
    assert xs(bad) == sorted([*x[:3], *x[7:]])


def test_a_finished_trial_counts_at_the_whole_budget():
    # trial_seconds can end a trial before its epochs are used up
    known, x = numbered(
        [([1.0, 0.5], "finished")] * 4 + [([0.1, 0.1, *[0.9] * 7], "finished")] * 4
    )
    good, bad = densities(known)
    assert (xs(good), xs(bad)) == (sorted(x[:4]), sorted(x[4:]))


@pytest.mark.parametrize("fate", [([], "failed"), ([0.001, None], "diverged")], ids=lambda f: f[1])
def test_lost_trials_are_bad_at_every_level_and_make_none(fate):
    sound = [([float(i)] * 9, "finished") for i in range(6)]
    known, x = numbered([fate] * 60 + sound)
    good, bad = densities(known)
    assert xs(good) == sorted(x[60:])  # 15 % of 66 are 9, but only six are sound
    assert xs(bad) == sorted(x[:60])
    assert densities(numbered([fate] * 60 + sound[:5])[0]) is None


def test_what_misses_a_requirement_comes_after_what_meets_it():
    events = [trial(i, p, [float(i)], "finished") for i, p in enumerate(points(30), 1)]
    for number, of_trial in enumerate(events, 1):
        for event in of_trial:
            if event["event"] == "reported":
                event["report"]["metrics"] = {"size": [20.0 if number <= 20 else 5.0]}
    known = table(*events, epochs=1, require={"size": {"at_most": 10.0}})
    good, _ = densities(known)
    assert xs(good) == sorted(p["x"] for p in points(30)[20:24])


def test_in_seconds_trials_that_rest_about_the_same_time_share_a_level():
    given = points(24)
    events = []
    for number, point in enumerate(given, 1):
        of_trial = trial(
            number, point, [float(number)] * 2, "stopped" if number < 24 else "finished"
        )
        seconds = (5.0, 10.0 + number / 24 if number < 24 else 100.0)
        reported = [event for event in of_trial if event["event"] == "reported"]
        for event, after in zip(reported, seconds, strict=True):
            event["report"]["seconds"] = after
        events.append(of_trial)
    known = table(*events, epochs=99, fidelity="seconds", trial_seconds=100.0)
    good, bad = densities(known)
    # 100 / 2^(7/2) = 8.8 is the highest step below 10, so all rest there
    assert len(good.data) + len(bad.data) == 24


def test_trials_of_other_sweeps_count_at_their_levels():
    told = [
        {
            "point": point,
            "origin": "random",
            "status": "finished",
            "reports": [report(epoch, float(i)) for epoch in range(1, 10)],
        }
        for i, point in enumerate(points(6))
    ]
    known = replay(
        [
            {"event": "sweep", "specification": {"epochs": 9}},
            {"event": "prior", "sweep": "other", "trials": told},
        ]
    )
    good, _ = densities(known)
    assert xs(good) == sorted(p["x"] for p in points(6)[:4])


def test_a_third_of_the_proposals_is_random():
    known, _ = numbered([([error_of(p)] * 9, "finished") for p in points(60)])
    random = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        rng.random()  # which decides
        proposal = BOHB().propose(SPACE, known, np.random.default_rng(seed))
        random += proposal == SPACE.sample(rng)
    # four standard deviations of a share of 1/3 in 300 are 0.11
    assert random / 300 == pytest.approx(1 / 3, abs=0.11)


def all_finished(given):
    return [([9.0] * 8 + [error_of(p)], "finished") for p in given]


def most_stopped_early(given):
    """Three are at the budget, too few for a model, with errors that would mislead it."""
    fates = [([9.0, 9.0, error_of(p)], "stopped") for p in given]
    fates[:3] = [([9.0, 9.0, error_of(p), *[0.001] * 6], "finished") for p in given[:3]]
    return fates


@pytest.mark.parametrize("fates", [all_finished, most_stopped_early])
def test_after_a_hundred_trials_most_proposals_are_better_than_nine_in_ten_random_ones(fates):
    known, _ = numbered(fates(points(100)))
    searcher = BOHB(random_fraction=0.0)
    proposals = [searcher.propose(SPACE, known, np.random.default_rng(k)) for k in range(60)]
    tenth = np.quantile([error_of(p) for p in points(2000, seed=1)], 0.1)
    # all but a few in a hundred are
    assert np.mean([error_of(p) < tenth for p in proposals]) > 0.8


SCHEDULED = ("run_to_end", "asha", "successive_halving", "hyperband")


@pytest.mark.parametrize("scheduler", SCHEDULED)
def test_under_any_scheduler_proposals_come_to_lie_where_errors_are_low(tmp_path, scheduler):
    sweep = Sweep(
        name="s",
        problem="burgers1d",
        space={"use": [], "set": {"x": {"low": 0.0, "high": 1.0}}},
        searcher={"name": "bohb", "random_fraction": 0.0},
        scheduler=scheduler,
        budget={"trials": 60, "epochs": 9},
        storage=str(tmp_path),
    )
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = Driver(sweep, sweep.make_space(), {"x": 0.5}, journal)
        driver.open({})
        while segment := driver.next_segment():
            epoch, goes_on = segment.epoch, True
            while goes_on:
                epoch += 1
                said = report(epoch, (segment.point["x"] - 0.3) ** 2 + 0.01 + 1 / epoch)
                goes_on = driver.reported(segment.trial, segment.number, said, True)
        late = [trial.point["x"] for trial in driver.table if trial.number > 30]
    # a random x is 0.3 from there in the mean, and within 0.1 of it once in five
    assert np.mean([abs(x - 0.3) < 0.1 for x in late]) > 0.5


def test_the_best_of_many_options_is_found():
    names = [f"option_{k}" for k in range(12)]
    space = build({"use": [], "set": {"x": {"low": 0, "high": 1.0}, "kind": {"choice": names}}})
    rng = np.random.default_rng(0)
    given = [space.sample(rng) for _ in range(80)]
    errors = [p["x"] + (p["kind"] not in names[4::7]) for p in given]  # options 4 and 11
    known = table(
        *(
            trial(i, p, [e], "finished")
            for i, (p, e) in enumerate(zip(given, errors, strict=True), 1)
        ),
        epochs=1,
    )
    searcher = BOHB(random_fraction=0.0)
    proposals = [searcher.propose(space, known, np.random.default_rng(k)) for k in range(60)]
    # three times as often as by chance, 1/6; with bandwidths by the options' places it is chance
    assert np.mean([p["kind"] in names[4::7] for p in proposals]) > 0.5


def test_parameters_that_do_not_count_are_left_out():
    layers = {"low": 1, "high": 4}
    third = {"low": 0.1, "high": 1.0, "when": {"layers": {"at_least": 3}}}
    momentum = {"choice": {"sgd": {"momentum": {"low": 0.0, "high": 0.99}}, "adam": None}}
    space = build({"use": [], "set": {"layers": layers, "third": third, "rule": momentum}})
    rng = np.random.default_rng(0)
    known = table(
        *(trial(i, space.sample(rng), [1.0 / i], "finished") for i in range(1, 41)), epochs=1
    )
    searcher = BOHB()
    found = [searcher.propose(space, known, np.random.default_rng(k)) for k in range(60)]
    assert (
        {"third" in p for p in found} == {"rule.sgd.momentum" in p for p in found} == {True, False}
    )
    for point in found:
        space.check(point)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"gamma": 1.0}, "between 0 and 1"),
        ({"random_fraction": -0.1}, "from 0 to 1"),
        ({"candidates": 0}, "at least 1"),
        ({"bandwidth_factor": 0.0}, "above 0"),
        ({"min_bandwidth": 0.0}, "between 0 and 1/2"),
        ({"min_points": -1}, "at least 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(fields, expected):
    with pytest.raises(ValueError, match=expected):
        BOHB(**fields)
