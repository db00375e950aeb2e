import numpy as np
import pytest

from search_spaces import build
from tests.tuner.tables import table, trial
from tuner.searchers import TPE, Random

SPACE = build(
    {
        "use": [],
        "set": {
            "x": {"low": 0.0, "high": 1.0},
            "kind": {
                "choice": {"good": {"y": {"low": 1e-3, "high": 1.0, "scale": "log"}}, "bad": None}
            },
            "p": {"low": 0.5, "high": 0.99, "scale": "logit"},
        },
    }
)


def error_of(point):
    y = point.get("kind.good.y")
    return (point["x"] - 0.3) ** 2 + (1.0 if y is None else np.log10(y / 0.03) ** 2) + 0.01


def search(searcher, trials, seed):
    """The best error after so many trials, one after the other."""
    known, events = table(), []
    for number in range(1, trials + 1):
        point = searcher.propose(SPACE, known, np.random.default_rng([seed, number]))
        events.append(trial(number, point, [error_of(point)], "finished"))
        known = table(*events)
    return min(t.error for t in known)


def test_it_beats_random_search_on_a_conditional_space():
    seeds = range(8)
    ours = [search(TPE(), 40, seed) for seed in seeds]
    random = [search(Random(), 40, seed) for seed in seeds]
    # the medians differ by about a factor of 4; a half is safely between noise and that
    assert np.median(ours) < 0.5 * np.median(random)


def proposals(known, count=60):
    return [TPE().propose(SPACE, known, np.random.default_rng(i)) for i in range(count)]


def scattered(fate_at_low_x):
    """Trials of equal error but for those at x < 1/2, whose fate is another."""
    rng, trials = np.random.default_rng(0), []
    for number in range(1, 41):
        point = SPACE.sample(rng)
        bad = point["x"] < 0.5
        errors, ended = fate_at_low_x if bad else ([1.0, 0.5], "finished")
        trials.append(trial(number, point, errors, ended))
    return table(*trials)


@pytest.mark.parametrize(
    "fate", [([], "failed"), ([0.1, None], "diverged"), ([0.1], "stopped")], ids=lambda f: f[1]
)
def test_failed_diverged_and_stopped_trials_count_as_bad_news(fate):
    # an early-stopped 0.1 is an error of another epoch, so it must not look better than 0.5
    points = proposals(scattered(fate))
    assert np.mean([point["x"] < 0.5 for point in points]) < 0.3


def test_pending_trials_keep_proposals_away():
    events = [
        trial(i, {"x": i / 40, "kind": "bad", "p": 0.7}, [abs(i / 40 - 0.5)], "finished")
        for i in range(1, 40)
    ]
    pending = [
        trial(100 + i, {"x": 0.5 + 0.002 * i, "kind": "bad", "p": 0.7}) for i in range(-10, 10)
    ]
    near = [abs(p["x"] - 0.5) < 0.05 for p in proposals(table(*events))]
    with_pending = [abs(p["x"] - 0.5) < 0.05 for p in proposals(table(*events, *pending))]
    assert np.mean(with_pending) < np.mean(near)


@pytest.mark.parametrize("fields", [{"startup": 0}, {"candidates": 0}])
def test_settings_that_mean_nothing_are_refused(fields):
    with pytest.raises(ValueError, match="at least 1"):
        TPE(**fields)
