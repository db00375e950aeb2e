"""Searchers and schedulers of Ray Tune as they are: found, made, asked and told."""

import numpy as np
import pytest
from ray.tune import search

from search_spaces import build
from tests.tuner.on_ray import events_of, run
from tests.tuner.tables import table, trial
from tuner import Sweep
from tuner.bundled import Bundled, point_of, scheduler_of, searcher_of, tune_space, unusable
from tuner.ledger import replay
from tuner.schedulers import RunToEnd
from tuner.table import Status

OPTUNA = "ray.tune.search.optuna:OptunaSearch"
ASHA = "ray.tune.schedulers:AsyncHyperBandScheduler"

SPACE = build(
    {
        "use": [],
        "set": {
            "rate": {"low": 1e-4, "high": 1e-1, "scale": "log"},
            "memory": {"low": 0.5, "high": 0.999, "scale": "logit"},
            "layers": {"low": 1, "high": 3},
            "third": {"low": 8, "high": 64, "scale": "log", "when": {"layers": {"at_least": 3}}},
            "kind": {"choice": ["a", "b"]},
            "fixed": 3,
        },
    }
)


def sweep_of(tmp_path, **keys):
    space = {"use": [], "set": {"width": {"low": 4, "high": 16}}}
    return Sweep(name="s", problem="genz3", storage=str(tmp_path), **{"space": space, **keys})


class Scripted(search.Searcher):
    """Suggests what it was given, one after the other, and notes what it is told."""

    def __init__(self, *suggestions):
        super().__init__(metric="error", mode="min")
        self.suggestions, self.told = list(suggestions), []

    def suggest(self, trial_id):
        return self.suggestions.pop(0) if self.suggestions else search.Searcher.FINISHED

    def on_trial_result(self, trial_id, result):
        self.told.append((trial_id, result["error"]))

    def on_trial_complete(self, trial_id, result=None, error=False):
        self.told.append((trial_id, "failed" if error else "complete"))


def propose(bundled, known):
    return bundled.propose(SPACE, known, np.random.default_rng(0))


@pytest.mark.parametrize("seed", range(20))
def test_whatever_tune_draws_is_a_point_of_the_space(seed):
    rng = np.random.RandomState(seed)  # what Tune's domains draw from
    drawn = {name: domain.sample(random_state=rng) for name, domain in tune_space(SPACE).items()}
    point = point_of(SPACE, drawn)
    SPACE.check(point)
    assert ("third" in point) == (point["layers"] == 3)
    assert point["fixed"] == 3


def test_a_suggestion_outside_by_rounding_is_taken_as_the_end_of_the_range():
    flat = {"rate": 0.1 + 1e-12, "memory": 1.0, "layers": 3, "third": 64, "kind": "b"}
    assert point_of(SPACE, flat)["rate"] == 0.1


def test_a_searcher_is_told_of_the_trials_that_it_suggested_and_of_no_others():
    flat = {"rate": 0.01, "memory": 0.5, "layers": 1, "third": 8, "kind": "a"}
    scripted = Scripted(flat)
    bundled = Bundled(scripted)
    assert propose(bundled, table(trial(1, {}, [1.0])))["rate"] == pytest.approx(0.01)
    both = table(trial(1, {}, [1.0], "finished"), trial(2, {}, [0.5], "finished"))
    for known in both:
        bundled.reported(known.number, {"error": 0.5})
        bundled.ended(SPACE, known, {"error": 0.5})
    assert scripted.told == [("2", 0.5), ("2", "complete")]


def test_a_searcher_that_has_finished_or_is_silent_while_nothing_runs_has_no_more():
    assert propose(Bundled(Scripted()), table()) is None
    assert propose(Bundled(Scripted(None)), table()) is None


def test_a_searcher_that_waits_for_results_is_asked_again_while_something_runs():
    flat = {"rate": 0.01, "memory": 0.5, "layers": 1, "third": 8, "kind": "a"}
    bundled = Bundled(Scripted(None, None, flat))
    bundled.live = lambda: True
    assert propose(bundled, table())["kind"] == "a"


@pytest.mark.parametrize(
    ("family", "name", "words"),
    [
        ("searcher", "no_such.module:Thing", "searcher.name: no_such.module:Thing cannot be imp"),
        ("searcher", "ray.tune.search:Nothing", "cannot be imported"),
        ("searcher", ASHA, "is no ray.tune.search.searcher.Searcher"),
        ("scheduler", OPTUNA, "is no ray.tune.schedulers.trial_scheduler.TrialScheduler"),
        ("scheduler", {"name": ASHA, "reduction": 3}, "AsyncHyperBandScheduler cannot be made"),
        ("scheduler", "ray.tune.schedulers:PopulationBasedTraining", "Take `pbt`"),
    ],
)
def test_what_cannot_be_run_is_refused_with_the_reason(tmp_path, family, name, words):
    sweep = sweep_of(tmp_path, **{family: name})
    assert any(words in str(fault) for fault in unusable(sweep, SPACE))


def test_settings_are_passed_on(tmp_path):
    sweep = sweep_of(tmp_path, scheduler={"name": ASHA, "max_t": 9, "grace_period": 3})
    assert scheduler_of(sweep)._max_t == 9
    assert isinstance(sweep.make_scheduler(), RunToEnd)


def test_optuna_search_gives_points_and_learns_from_those_of_others(tmp_path):
    bundled = searcher_of(sweep_of(tmp_path, searcher={"name": OPTUNA, "seed": 1}), SPACE)
    first = propose(bundled, table())
    SPACE.check(first)
    known = table(trial(1, first, [0.3], "finished"))
    bundled.suggested.clear()
    bundled.learn(SPACE, known.trials[1])
    assert len(bundled.searcher._ot_study.trials) == 2


@pytest.mark.ray
def test_the_pair_of_bohb_runs_as_it_is_with_its_own_pauses(tmp_path):
    pair = {
        "searcher": {"name": "ray.tune.search.bohb:TuneBOHB", "seed": 1},
        "scheduler": {"name": "ray.tune.schedulers.hb_bohb:HyperBandForBOHB", "max_t": 9},
    }
    status, output = run(tmp_path, budget={"trials": 8, "epochs": 9}, **pair)
    assert status == 0, output
    trials = replay(events_of(tmp_path))
    assert len(trials) == 8
    assert {t.status for t in trials} <= {Status.FINISHED, Status.STOPPED}
    # its first bracket takes all of them to epoch 3, where it pauses them, and stops some
    stopped = trials.having(Status.STOPPED)
    assert stopped
    assert all(t.reason == "HyperBandForBOHB stopped it after epoch 3" for t in stopped)
    # what went on after a pause went on from its own checkpoint, epoch after epoch
    for finished in trials.having(Status.FINISHED):
        assert [report.epoch for report in finished.reports] == list(range(1, 10))


@pytest.mark.ray
def test_a_searcher_of_tune_is_told_the_ended_trials_when_a_sweep_goes_on(tmp_path):
    choices = {"searcher": {"name": OPTUNA, "seed": 1}, "scheduler": "run_to_end"}
    first, output = run(tmp_path, budget={"trials": 3, "epochs": 2}, **choices)
    assert first == 0, output
    second, output = run(tmp_path, budget={"trials": 5, "epochs": 2}, **choices)
    assert second == 0, output
    trials = replay(events_of(tmp_path))
    assert [t.origin for t in trials] == ["default", *[OPTUNA] * 4]
    assert {t.status for t in trials} == {Status.FINISHED}
