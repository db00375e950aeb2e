"""What every searcher promises. A line in SEARCHERS is tested without another line here."""

import json
import subprocess
import sys

import numpy as np
import pytest

from search_spaces import build
from tests.tuner.tables import table, trial
from tuner.searchers import SEARCHERS

SPACE = build(
    {
        "use": ["network", "optimizer", "balancer"],
        "set": {
            "layers": {"low": 1, "high": 4},
            "third": {
                "low": 0.1,
                "high": 1.0,
                "scale": "log",
                "when": {"layers": {"at_least": 3}},
            },
            "balancer.every": 10,
        },
    },
    ("a", "b", "c"),
)

every_searcher = pytest.mark.parametrize("name", SEARCHERS)


def points(count, seed=0):
    rng = np.random.default_rng(seed)
    return [SPACE.sample(rng) for _ in range(count)]


def busy_table(count=30):
    """A table with trials of every fate."""
    fates = ["finished", "stopped", "diverged", "failed", None, "paused"]
    trials = []
    for number, point in enumerate(points(count), start=1):
        fate = fates[number % len(fates)]
        error = abs(np.log10(point["learning_rate"]) + 2) + 0.1
        errors = [] if fate == "failed" else [2 * error, (error, 1.1 * error)]
        if fate == "diverged":
            errors[-1] = (float("inf"), float("inf"))
        ended = None if fate in (None, "paused") else fate
        events = trial(number, point, [e for e in errors if e], ended)
        if fate == "paused":
            events.append({"event": "paused", "trial": number, "reason": ""})
        trials.append([json.loads(json.dumps(e).replace("Infinity", "null")) for e in events])
    return table(*trials)


def propose(name, known, seed=7, **options):
    return SEARCHERS[name](**options).propose(SPACE, known, np.random.default_rng(seed))


@every_searcher
@pytest.mark.parametrize("known", [table(), busy_table(3), busy_table(60)], ids=["0", "3", "60"])
def test_proposals_lie_in_the_space_and_hold_plain_active_parameters(name, known):
    for seed in range(5):
        point = propose(name, known, seed)
        SPACE.check(point)
        assert json.loads(json.dumps(point)) == point
        assert {type(value) for value in point.values()} <= {int, float, str, bool}


@every_searcher
def test_the_same_table_and_seed_give_the_same_proposal(name):
    known = busy_table(40)
    assert propose(name, known) == propose(name, known)
    assert propose(name, known, seed=7) != propose(name, known, seed=8)


@every_searcher
def test_another_process_gives_the_same_proposal(name):
    script = (
        "import json, sys\n"
        "from tests.contracts.test_searchers import busy_table, propose\n"
        "print(json.dumps(propose(sys.argv[1], busy_table(40))))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, name], capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout) == propose(name, busy_table(40))


@every_searcher
def test_the_table_is_not_changed(name):
    known, untouched = busy_table(40), busy_table(40)
    propose(name, known)
    assert list(known) == list(untouched)


@every_searcher
@pytest.mark.parametrize("fate", ["diverged", "failed", "stopped"])
def test_a_table_of_nothing_but_bad_news_is_accepted(name, fate):
    errors = [] if fate == "failed" else [1.0]
    known = table(*(trial(i, p, errors, fate) for i, p in enumerate(points(20), start=1)))
    SPACE.check(propose(name, known))


@every_searcher
def test_it_is_not_silent_while_nothing_runs(name):
    finished = table(
        *(trial(i, p, [1.0, 0.5], "finished") for i, p in enumerate(points(30), start=1))
    )
    for known in (finished, table()):
        assert SPACE.contains(propose(name, known))


@every_searcher
def test_a_thousand_trials_are_accepted(name):
    known = table(
        *(trial(i, p, [1.0 / i], "finished") for i, p in enumerate(points(1000), start=1))
    )
    SPACE.check(propose(name, known))
