import numpy as np
import pytest

from search_spaces import build
from tests.tuner.tables import report, table, trial
from tuner.ledger import replay
from tuner.searchers import Hyperopt

SPACE = build(
    {
        "use": [],
        "set": {
            "x": {"low": 0.0, "high": 1.0},
            "kind": {
                "choice": {"good": {"y": {"low": 1e-3, "high": 1.0, "scale": "log"}}, "bad": None}
            },
            "layers": {"low": 1, "high": 4},
            "third": {"low": 0.1, "high": 1.0, "when": {"layers": {"at_least": 3}}},
            "fixed": 7,
        },
    }
)
FLAT = build({"use": [], "set": {name: {"low": 0.0, "high": 1.0} for name in "abc"}})


def proposals(known, count, space=SPACE, **settings):
    searcher = Hyperopt(**settings)
    return [searcher.propose(space, known, np.random.default_rng(k)) for k in range(count)]


def finished(space, errors, seed=0, **specification):
    """A table of finished trials with these errors of random points."""
    rng = np.random.default_rng(seed)
    given = [space.sample(rng) for _ in errors]
    events = [
        trial(i, p, [e], "finished") for i, (p, e) in enumerate(zip(given, errors, strict=True), 1)
    ]
    return table(*events, epochs=1, **specification)


@pytest.mark.parametrize("count", [5, 20, 21, 60])
def test_proposals_are_those_of_hyperopt_itself(count):
    """Oracle: hyperopt.fmin, asked for one more trial after its own history."""
    from hyperopt import Trials, fmin, hp, tpe

    def bowl(point):
        return sum((value - 0.3) ** 2 for value in point.values())

    def go_on(trials, to, seed):
        rng, space = np.random.default_rng(seed), {name: hp.uniform(name, 0, 1) for name in "abc"}
        fmin(bowl, space, tpe.suggest, to, trials=trials, rstate=rng, show_progressbar=False)

    trials = Trials()
    go_on(trials, count, seed=1)
    events = [
        trial(i, {name: float(v[0]) for name, v in vals.items()}, [loss], "finished")
        for i, (vals, loss) in enumerate(
            zip((doc["vals"] for doc in trials.miscs), trials.losses(), strict=True), start=1
        )
    ]
    known = table(*events, epochs=1)
    for seed in range(3):
        copied = Trials()
        copied.insert_trial_docs(trials.trials[:count])
        copied.refresh()
        go_on(copied, count + 1, seed)
        expected = {name: float(values[-1]) for name, values in copied.vals.items()}
        found = Hyperopt().propose(FLAT, known, np.random.default_rng(seed))
        # our points are rounded to 12 digits
        assert found == pytest.approx(expected, abs=1e-9)


def test_integers_get_equal_mass_the_ends_included():
    space = build({"use": [], "set": {"n": {"low": 0, "high": 4}}})
    counts = np.bincount([p["n"] for p in proposals(table(), 500, space)], minlength=5)
    # chi-square of four degrees of freedom: above 18.5 once in a thousand; with halved ends, 63
    assert ((counts - 100) ** 2 / 100).sum() < 18.5


def test_children_are_set_where_they_count_and_nowhere_else():
    known = finished(SPACE, [1.0 / i for i in range(1, 41)])
    found = [*proposals(known, 30), *proposals(known, 30, startup=41)]  # modelled and random
    for point in found:
        SPACE.check(point)
    for name in ("kind.good.y", "third"):
        assert {name in point for point in found} == {True, False}


def test_options_are_told_apart_by_type():
    space = build({"use": [], "set": {"every": {"choice": [1, True, 1.5]}}})
    known = finished(space, [float(i) for i in range(30)])
    assert len({(type(p["every"]), p["every"]) for p in proposals(known, 30, space)}) == 1
    found = [p["every"] for p in proposals(known, 60, space, startup=31)]
    assert {(type(value), value) for value in found} == {(int, 1), (bool, True), (float, 1.5)}


def scattered(fate_at_low_x):
    """Trials of equal error but for those at x < 1/2, whose fate is another."""
    rng, trials = np.random.default_rng(0), []
    for number in range(1, 61):
        point = SPACE.sample(rng)
        errors, ended = fate_at_low_x if point["x"] < 0.5 else ([1.0, 0.5], "finished")
        trials.append(trial(number, point, errors, ended))
    return table(*trials, epochs=2)


@pytest.mark.parametrize(
    "fate",
    [([], "failed"), ([0.1, None], "diverged"), ([0.1], "stopped"), ([0.1], None)],
    ids=["failed", "diverged", "stopped", "running"],
)
def test_what_has_no_error_at_the_budget_counts_as_bad_news(fate):
    # an early-stopped 0.1 is an error of another epoch, so it must not look better than 0.5
    points = proposals(scattered(fate), 60)
    assert np.mean([point["x"] < 0.5 for point in points]) < 0.3


def share_of_low_x(known):
    return np.mean([point["a"] < 0.5 for point in proposals(known, 60, FLAT)])


def test_of_those_stopped_early_the_furthest_are_the_best():
    rng, trials = np.random.default_rng(0), []
    for number in range(1, 61):
        point = FLAT.sample(rng)
        errors = [9.0, 9.0, 9.0] if point["a"] < 0.5 else [1.0]
        trials.append(trial(number, point, errors, "stopped"))
    assert share_of_low_x(table(*trials, epochs=9)) > 0.7


def test_in_seconds_those_stopped_at_about_the_same_time_are_compared_by_error():
    rng, trials = np.random.default_rng(0), []
    for number in range(1, 61):
        point = FLAT.sample(rng)
        low = point["a"] < 0.5
        events = trial(number, point, [1.0 if low else 2.0], "stopped")
        events[-2]["report"]["seconds"] = 10.0 if low else 11.0  # the worse ones went further
        trials.append(events)
    known = table(*trials, fidelity="seconds", trial_seconds=40.0)
    assert share_of_low_x(known) > 0.7


def test_what_misses_a_requirement_comes_after_what_meets_it():
    rng, trials = np.random.default_rng(0), []
    for number in range(1, 61):
        point = FLAT.sample(rng)
        low = point["a"] < 0.5
        events = trial(number, point, [2.0 if low else 1.0], "finished")
        events[-2]["report"]["metrics"] = {"size": [5.0 if low else 20.0]}
        trials.append(events)
    assert share_of_low_x(table(*trials, epochs=1, require={"size": {"at_most": 10.0}})) > 0.7


def test_trials_of_other_sweeps_are_known():
    rng, told = np.random.default_rng(0), []
    for _ in range(60):
        point = FLAT.sample(rng)
        reports = [report(1, 1.0 if point["a"] < 0.5 else 2.0)]
        told.append({"point": point, "origin": "random", "status": "finished", "reports": reports})
    events = [
        {"event": "sweep", "specification": {"epochs": 1}},
        {"event": "prior", "sweep": "other", "trials": told},
    ]
    assert share_of_low_x(replay(events)) > 0.7


def test_a_space_of_one_point_is_that_point():
    space = build({"use": [], "set": {"fixed": 7, "only": {"choice": ["a"]}}})
    assert proposals(finished(space, [1.0] * 30), 1, space) == [{"fixed": 7, "only": "a"}]


@pytest.mark.parametrize("fields", [{"startup": 0}, {"candidates": 0}, {"gamma": 0.0}])
def test_settings_that_mean_nothing_are_refused(fields):
    with pytest.raises(ValueError, match="expected"):
        Hyperopt(**fields)
