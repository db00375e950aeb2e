"""What every searcher promises. A line in SEARCHERS is tested without another line here."""

import json
import random
import subprocess
import sys

import numpy as np
import pytest

from search_spaces import build, encode
from tests.tuner.tables import report, table, trial
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
            # fixed, so that two values for each range make less than a million points
            "activation": {"choice": ["tanh", "sin"]},
            "depth": 3,
            "initializer": "glorot",
            "schedule.warmup": 0.0,
            "optimizer.sgd.nesterov": True,
        },
    },
    ("a", "b", "c"),
)
TINY = build({"use": [], "set": {"n": {"low": 0, "high": 1}, "kind": {"choice": ["a", "b"]}}})

every_searcher = pytest.mark.parametrize("name", SEARCHERS)


def make(name):
    """A searcher with settings with which it takes SPACE."""
    searcher = SEARCHERS[name]()
    coarse = hasattr(searcher, "points") and searcher.refuses(SPACE, table())
    return SEARCHERS[name](points=2) if coarse else searcher


def points(count, seed=0):
    rng = np.random.default_rng(seed)
    return [SPACE.sample(rng) for _ in range(count)]


def error_of(point):
    return abs(np.log10(point["learning_rate"]) + 2) + 0.1


def busy_table(count=30, origin="random", prior=0, **specification):
    """A table with trials of every fate, and perhaps with some of other sweeps."""
    fates = ["finished", "stopped", "diverged", "failed", None, "paused"]
    told = []
    for number, point in enumerate(points(count), start=1):
        fate = fates[number % len(fates)]
        error = error_of(point)
        errors = [] if fate == "failed" else [2 * error, (error, 1.1 * error)]
        if fate == "diverged":
            errors[-1] = (float("inf"), float("inf"))
        ended = None if fate in (None, "paused") else fate
        events = trial(number, point, errors, ended, origin=origin)
        if fate == "paused":
            events.append({"event": "paused", "trial": number, "reason": ""})
        told.append([json.loads(json.dumps(e).replace("Infinity", "null")) for e in events])
    known = [
        {
            "point": point,
            "origin": "random",
            "status": fates[number % 4],
            "reports": [report(1, error_of(point)), report(27, 0.9 * error_of(point))],
        }
        for number, point in enumerate(points(prior, seed=1))
    ]
    opening = [{"event": "prior", "sweep": "another", "trials": known}]
    return table(opening, *told, **specification)


def propose(name, known, seed=7, searcher=None):
    rng = np.random.default_rng([seed, len(known) + 1])
    return (searcher or make(name)).propose(SPACE, known, rng)


def promises(name, words):
    """Whether the docstring of a searcher says so."""
    return words in " ".join(SEARCHERS[name].__doc__.split())


def own_and_others(name):
    """Tables whose trials another searcher has proposed, and such with trials of its own."""
    return [busy_table(count, origin) for count in (3, 60) for origin in ("random", name)]


@every_searcher
def test_proposals_lie_in_the_space_and_hold_plain_active_parameters(name):
    for known in (table(), *own_and_others(name)):
        for seed in range(3):
            point = propose(name, known, seed)
            SPACE.check(point)
            assert json.loads(json.dumps(point)) == point
            assert {type(value) for value in point.values()} <= {int, float, str, bool}


@every_searcher
def test_the_same_table_and_seed_give_the_same_proposal_and_another_seed_another(name):
    for origin in ("random", name):
        known, other = (busy_table(40, origin, seed=seed) for seed in (7, 8))
        assert propose(name, known, seed=7) == propose(name, known, seed=7)
        differs = propose(name, known, seed=7) != propose(name, other, seed=8)
        assert differs or promises(name, "draws nothing")


@every_searcher
def test_what_it_keeps_between_proposals_changes_none_of_them(name):
    kept, events, known = make(name), [], table()
    for number in range(1, 26):
        point = propose(name, known, searcher=kept)
        assert point == propose(name, known)
        # every third is still running when the next is asked for, and ends after that
        if number % 3 == 2:
            late = events[-1][0]["point"]
            events[-1] = trial(number - 1, late, [error_of(late)], "finished", origin=name)
        errors, ended = ([], None) if number % 3 == 1 else ([error_of(point)], "finished")
        events.append(trial(number, point, errors, ended, origin=name))
        known = table(*events)


@every_searcher
def test_another_process_gives_the_same_proposal(name):
    script = (
        "import json, sys\n"
        "from tests.contracts.test_searchers import busy_table, propose\n"
        "tables = [busy_table(40, origin) for origin in ('random', sys.argv[1])]\n"
        "print(json.dumps([propose(sys.argv[1], known) for known in tables]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, name], capture_output=True, text=True, check=True
    )
    here = [propose(name, busy_table(40, origin)) for origin in ("random", name)]
    assert json.loads(run.stdout.splitlines()[-1]) == here


@every_searcher
def test_global_random_state_is_neither_read_nor_changed(name):
    proposals = []
    kept = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        for seed in (1, 2):
            np.random.seed(seed)  # noqa: NPY002
            random.seed(seed)
            numpys, pythons = np.random.get_state(), random.getstate()  # noqa: NPY002
            proposals.append([propose(name, known) for known in (table(), *own_and_others(name))])
            assert repr(np.random.get_state()) == repr(numpys)  # noqa: NPY002
            assert random.getstate() == pythons
    finally:
        np.random.set_state(kept[0])  # noqa: NPY002
        random.setstate(kept[1])
    assert proposals[0] == proposals[1]


@every_searcher
def test_the_table_is_not_changed(name):
    for origin in ("random", name):
        known, untouched = busy_table(40, origin, prior=8), busy_table(40, origin, prior=8)
        propose(name, known)
        assert list(known) == list(untouched)
        assert known.prior == untouched.prior


@every_searcher
@pytest.mark.parametrize("fate", ["diverged", "failed", "stopped", None])
def test_a_table_of_nothing_but_bad_news_or_none_is_accepted(name, fate):
    errors = [] if fate in ("failed", None) else [1.0]
    for origin in ("random", name):
        known = table(
            *(trial(i, p, errors, fate, origin=origin) for i, p in enumerate(points(40), start=1))
        )
        SPACE.check(propose(name, known))


@every_searcher
def test_trials_of_other_sweeps_are_accepted(name):
    for count in (0, 30):
        SPACE.check(propose(name, busy_table(count, name, prior=30)))


@every_searcher
def test_seconds_as_the_fidelity_are_accepted(name):
    for origin in ("random", name):
        known = busy_table(40, origin, prior=10, fidelity="seconds", trial_seconds=2.5)
        SPACE.check(propose(name, known))


@every_searcher
def test_requirements_that_half_of_the_trials_miss_are_accepted(name):
    # a trial with two reports has trained for two seconds
    for origin in ("random", name):
        known = busy_table(60, origin, require={"seconds": {"at_most": 1.5}})
        SPACE.check(propose(name, known))


@pytest.mark.parametrize(
    "name", [name for name, member in SEARCHERS.items() if member.several_objectives]
)
def test_several_objectives_are_accepted_where_it_says_so(name):
    for origin in ("random", name):
        known = busy_table(60, origin, prior=10, objectives=["error", "seconds"])
        assert not make(name).refuses(SPACE, known)
        SPACE.check(propose(name, known))


@every_searcher
def test_it_is_not_silent_while_nothing_runs(name):
    for origin in ("random", name):
        finished = table(
            *(
                trial(i, p, [1.0, 0.5], "finished", origin=origin)
                for i, p in enumerate(points(30), start=1)
            )
        )
        for known in (finished, table()):
            assert SPACE.contains(propose(name, known))


@every_searcher
def test_points_asked_for_at_once_are_not_all_the_same(name):
    for before in (0, 30):
        events = [
            trial(i, p, [error_of(p)], "finished", origin=name)
            for i, p in enumerate(points(before), start=1)
        ]
        for _ in range(8):
            point = propose(name, table(*events))
            events.append(trial(len(events) + 1, point, origin=name))
        asked = [event[0]["point"] for event in events[before:]]
        # a number that changes in its last digits only is no other point
        places = np.round([encode(SPACE, point) for point in asked], 6)
        assert len(np.unique(places, axis=0)) > 1


@every_searcher
def test_a_finite_space_ends_with_each_point_tried_once_unless_it_never_ends(name):
    searcher, events = SEARCHERS[name](), []
    assert not searcher.refuses(TINY, table())
    for number in range(1, 31):
        rng = np.random.default_rng([0, number])
        point = searcher.propose(TINY, table(*events), rng)
        if point is None:
            break
        TINY.check(point)
        error = 0.1 + point["n"] + (point["kind"] == "b")
        events.append(trial(number, point, [error], "finished", origin=name))
    tried = [json.dumps(event[0]["point"]) for event in events]
    ends = len(tried) == len(set(tried)) == TINY.size() == 4
    assert ends or (len(tried) == 30 and promises(name, "Never returns None"))


@every_searcher
def test_a_thousand_trials_are_accepted(name):
    for origin in ("random", name):
        known = table(
            *(
                trial(i, p, [1.0 / i], "finished", origin=origin)
                for i, p in enumerate(points(1000), start=1)
            )
        )
        SPACE.check(propose(name, known))
