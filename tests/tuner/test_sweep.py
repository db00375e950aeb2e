"""Bad input: each ends before anything starts, in one message that says what to write instead."""

import json
import subprocess
import sys

import pytest
import yaml

from tuner import Sweep, SweepError
from tuner.searchers import SEARCHERS

GOOD = """
name: first
problem: burgers1d
"""


def faults(text):
    with pytest.raises(SweepError) as caught:
        Sweep.from_yaml(text)
    return str(caught.value)


def change(**keys):
    return yaml.safe_dump({"name": "first", "problem": "burgers1d", **keys})


def space(**parameters):
    return change(space={"set": parameters})


def test_the_smallest_sweep_has_sensible_defaults():
    sweep = Sweep.from_yaml(GOOD)
    assert (sweep.searcher.name, sweep.scheduler.name) == ("tpe", "asha_promotion")
    assert sweep.space.use == ["network", "optimizer", "balancer"]


def test_a_sweep_goes_through_yaml_and_stays_equal():
    text = change(
        searcher={"name": "tpe", "startup": 5},
        scheduler="run_to_end",
        budget={"trials": 3, "epochs": 4, "seconds": 60},
        space={"use": ["balancer"], "set": {"width": {"choice": [8, 16]}}},
    )
    sweep = Sweep.from_yaml(text)
    assert Sweep.from_yaml(sweep.to_yaml()) == sweep
    assert Sweep.from_yaml(sweep.to_yaml()).digest == sweep.digest


def test_a_sweep_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Sweep.from_yaml(GOOD).seed = 3


def test_python_and_yaml_say_the_same():
    assert Sweep(name="first", problem="burgers1d", replicates=2) == Sweep.from_yaml(
        change(replicates=2)
    )


def test_the_specification_leaves_out_what_does_not_change_results():
    sweep = Sweep.from_yaml(GOOD)
    more = Sweep.from_yaml(
        change(budget={"trials": 99}, concurrency=1, storage="/x", resources={"cpu": 2})
    )
    assert sweep.digest == more.digest
    assert sweep.digest != Sweep.from_yaml(change(seed=1)).digest
    assert sweep.digest != Sweep.from_yaml(change(budget={"epochs": 9})).digest


def test_the_json_schema_knows_the_keys():
    schema = Sweep.model_json_schema()
    assert {"name", "problem", "trainable", "space", "budget"} <= schema["properties"].keys()
    assert schema["required"] == ["name"]
    assert schema["oneOf"] == [{"required": ["problem"]}, {"required": ["trainable"]}]
    json.dumps(schema)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (change(scheduller="asha"), "scheduller: unknown key. Did you mean `scheduler`?"),
        (change(budget={"trails": 3}), "budget.trails: unknown key. Did you mean `trials`?"),
        ("name: first", "problem: missing. Write `problem: ...`."),
        (change(searcher="tpee"), "searcher.name: no such searcher `tpee`. Did you mean `tpe`?"),
        (change(searcher="xyz"), f"Known: {', '.join(sorted(SEARCHERS))}"),
        (change(searcher="pbt"), "searcher.name: no such searcher `pbt`. It is a scheduler."),
        (change(scheduler="ahsa"), "no such scheduler `ahsa`. Did you mean `asha`?"),
        (
            change(scheduler={"name": "asha", "etta": 3}),
            "scheduler.etta: asha has no `etta`. Did you mean `eta`? It has eta, first_rung.",
        ),
        (change(scheduler={"name": "asha", "eta": 1}), "scheduler: asha: eta=1: expected"),
        (change(scheduler={"name": "asha", "eta": "3"}), "scheduler.eta: expected a whole number"),
        (change(budget={"trials": 0}), "budget.trials: expected at least 1, found 0."),
        (change(budget={"epochs": 0}), "budget.epochs: expected at least 1, found 0."),
        (change(budget={"seconds": 0}), "budget.seconds: expected more than 0, found 0."),
        (
            change(budget={"epochs": "81"}),
            "budget.epochs: expected a whole number, found text '81'. Remove the quotes.",
        ),
        (change(budget={"trials": 2.5}), "budget.trials: expected a whole number, found 2.5."),
        (change(budget={"seconds": "soon"}), "budget.seconds: expected a number"),
        (change(replicates=True), "replicates: expected a whole number, found True."),
        (change(replicates=5000), "replicates: expected at most 1024, found 5000."),
        (change(seed=-1), "seed: expected at least 0, found -1."),
        (change(precision="half"), "precision: expected 'float32' or 'float64'"),
        (change(resources={"cpu": 0}), "resources.cpu: expected more than 0, found 0."),
        (change(budget=3), "budget: expected keys with values, found 3."),
        (change(problem=None), "problem: missing. Write `problem: ...`."),
        (change(problem=3), "problem: expected text, found 3."),
    ],
)
def test_wrong_keys_and_values_are_refused_with_the_way_out(text, words):
    assert words in faults(text)


@pytest.mark.parametrize(
    "name",
    [
        "", "../x", "/abs", "a/b", "a\\b", ".hidden", "-x", "x-", "a..b", "UPPER", "sp ace",
        "ü", "🙂", "x" * 200, "a\tb", "con", "nul.txt", "a:b", "$(x)",
    ],
)  # fmt: skip
def test_a_name_that_is_no_slug_is_refused(name):
    message = faults(change(name=name))
    assert "cannot be the name of a folder" in message
    assert "such as burgers-balancing" in message
    assert len(message) < 300


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            space(balancer={"choice": ["uniform", "relobalo"]}),
            "space.set.balancer: no option relobalo. Did you mean `relobralo`? Write one of",
        ),
        (space(activation={"choice": ["tanhh"]}), "tanh, sin, swish, relu, gelu"),
        (space(width={"low": 64, "high": 8}), "space.set.width"),
        (space(learning_rate={"low": 0, "high": 1, "scale": "log"}), "learning_rate.low"),
        (
            space(**{"balancer.relobralo.decay": 0.9}),
            "space.set.balancer.relobralo.decay: relobralo has no `decay`.",
        ),
        (space(**{"balancer.relobralo.decay": 0.9}), "`decay` belongs to inverse_loss"),
        (space(a={"low": 1, "high": 2, "when": {"nothing": 1}}), "space.set.a.when"),
        (
            space(
                a={"low": 1, "high": 2, "when": {"b": 1}},
                b={"low": 1, "high": 2},
            ),
            "space.set.a.when.b",
        ),
        (
            space(
                a={"low": 1, "high": 2, "when": {"b": 1}},
                b={"low": 1, "high": 2, "when": {"a": 1}},
            ),
            "circ",
        ),
        (space(width={"low": 8, "hihg": 16}), "Did you mean `high`?"),
        (change(space={"use": ["netwrok"]}), "Did you mean `network`?"),
        (change(space={"uses": ["network"]}), "space.uses: unknown key. Did you mean `use`?"),
        (space(width={"choice": []}), "space.set.width"),
    ],
)
def test_impossible_spaces_are_refused_with_the_path_of_the_key(text, words):
    assert words in faults(text)


def first(*points, **keys):
    return change(points=list(points), **keys)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (first({"width": 1000}), "points.0.width: 1000 is outside"),
        (first({}, {"width": "wide"}), "points.1.width: 'wide' is outside"),
        (first({"widht": 32}), "points.0.widht: the space has no such parameter. Did you mean `w"),
        (
            first({"balancer": "uniform", "balancer.relobralo.rho": 0.9}),
            "points.0.balancer.relobralo.rho: given, but it counts only when balancer is relobralo.",
        ),
        (first(3), "points.0: expected keys with values, found 3."),
        (change(points={"width": 32}), "points: expected a list"),
        (
            first({}, {}, {}, budget={"trials": 3}),
            "points: the default point and these are 4 trials, but budget.trials is 3. Write",
        ),
    ],
)
def test_points_to_try_first_are_checked_against_the_space(text, words):
    assert words in faults(text)


def test_points_in_part_are_points_and_determine_the_results():
    sweep = Sweep.from_yaml(first({"width": 32}, {"balancer": "relobralo"}))
    assert Sweep.from_yaml(sweep.to_yaml()) == sweep
    assert sweep.specification["points"] == sweep.points
    assert Sweep.from_yaml(GOOD).specification["points"] == []


def test_what_the_problem_has_to_tell_about_points_is_checked_with_it():
    from tuner.execution import check

    name = "balancer.static.coefficients"
    check(Sweep.from_yaml(first({"balancer": "static", f"{name}.boundary": 3.0})))
    wrong = first({f"{name}.boundary": 3.0}, {"balancer": "static", f"{name}.boundry": 3.0})
    with pytest.raises(SweepError) as caught:
        check(Sweep.from_yaml(wrong))
    assert [fault.path for fault in caught.value.faults] == [
        f"points.0.{name}.boundary",  # the default balancer is another
        f"points.1.{name}.boundry",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: !!python/object/apply:os.system ['touch owned']", "tag"),
        ("name: a\nname: b\nproblem: c", "name"),
        ("a: &a [x, x]\nb: [*a, *a]", "a"),
        ("{unbalanced", "line"),
        ("- a\n- b", "expected keys such as `name:`"),
        ("", "found nothing"),
        ("just text", "found str"),
        (b"\xff\xfe\x00", "UTF-8"),
        ("a: " * 5000, "line"),
        ("[" * 100_000, ""),
    ],
)
def test_files_that_are_no_sweeps_are_refused_without_running_anything(text, words, tmp_path):
    assert words in faults(text)


def test_all_faults_are_shown_at_once():
    message = faults(
        change(
            name="Bad Name",
            budgit={},
            space={"set": {"width": {"low": 9, "high": 3}}},
            seed="x",
        )
    )
    paths = [line.partition(":")[0] for line in message.splitlines()]
    assert {"name", "budgit", "seed"} <= set(paths)
    assert any(path.startswith("space.set.width") for path in paths)


def test_the_command_line_prints_faults_without_a_traceback(tmp_path):
    file = tmp_path / "sweep.yaml"
    file.write_text(change(scheduller="asha"))
    run = subprocess.run(
        [sys.executable, "-m", "tuner", "run", str(file)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 2
    assert "scheduller: unknown key. Did you mean `scheduler`?" in run.stderr
    assert "Traceback" not in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.yaml"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (change(objectives=["error", "error"]), "objectives.1: `error` is there twice."),
        (change(objectives=[]), "objectives: expected at least 1, found none."),
        (change(require={"repairs": {}}), "require.repairs: no bound. Write `at_most: ...`"),
        (
            change(require={"repairs": {"at_most": 1, "at_least": 2}}),
            "require.repairs: nothing is at most 1 and at least 2.",
        ),
        (
            change(require={"repairs": {"at_mots": 1}}),
            "require.repairs.at_mots: unknown key. Did you mean `at_most`?",
        ),
        (change(require={"repairs": 3}), "require.repairs: expected keys with values, found 3."),
        (change(fidelity="seconds"), "budget.trial_seconds: missing. With `fidelity: seconds`"),
        (change(fidelity="steps"), "fidelity: expected 'epochs' or 'seconds'"),
        (change(continue_from=["first"]), "continue_from.0: a sweep goes on with its own"),
        (change(continue_from=["a", "b", "a"]), "continue_from.2: `a` is there twice."),
        (change(confirm=-1), "confirm: expected at least 0, found -1."),
    ],
)
def test_what_is_asked_for_is_refused_where_it_makes_no_sense(text, words):
    assert words in faults(text)


def test_seconds_as_fidelity_go_with_the_seconds_of_a_trial():
    sweep = Sweep.from_yaml(change(fidelity="seconds", budget={"trial_seconds": 60}))
    assert Sweep.from_yaml(sweep.to_yaml()) == sweep
    assert sweep.specification["trial_seconds"] == 60
