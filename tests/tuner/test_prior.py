"""What another sweep's trials are worth in a space that is a little different."""

import shutil
from dataclasses import fields

import numpy as np
import pytest

from search_spaces import build
from tests.tuner.tables import report, trial
from trainables.balancers import BALANCERS
from trainables.choices import choices
from trainables.problems import problem_class
from tuner import Sweep, SweepError
from tuner.driver import Driver
from tuner.journal import Journal, read
from tuner.ledger import replay
from tuner.prior import MOST, UNKNOWN, converted, implied, known_before
from tuner.searchers.searcher import Fate, observations
from tuner.table import Status, TrialTable

BURGERS = problem_class("burgers1d")
X = {"use": [], "set": {"learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"}}}


def sweep_of(tmp_path, name="s", **keys):
    defaults = {"space": X, "scheduler": "run_to_end", "searcher": "random"}
    defaults |= {"budget": {"trials": 40, "epochs": 9}, "problem": "burgers1d", "replicates": 1}
    return Sweep(name=name, storage=str(tmp_path), **{**defaults, **keys})


def write(sweep, *trials):
    """The journal of a sweep that had these trials."""
    opening = [
        {"event": "sweep", "specification": sweep.specification},
        {"event": "opened", "pid": 1, "host": "h", "trials": len(trials)},
    ]
    with Journal(sweep.folder / "journal.jsonl") as journal:
        journal.append([*opening, *(event for events in trials for event in events)])


def known(sweep):
    return known_before(sweep, build(sweep.space.model_dump(), BURGERS.residual_names), BURGERS)


def space(use=(), **parameters):
    return build({"use": list(use), "set": parameters}, BURGERS.residual_names)


# Points


def test_a_point_stays_what_it_is_where_the_spaces_are_the_same():
    here = space(width={"low": 8, "high": 64}, learning_rate={"low": 1e-4, "high": 0.1})
    point = {"width": 16, "learning_rate": 0.01}
    assert converted(point, here, BURGERS) == point
    assert converted({**point, "width": 128}, here, BURGERS) is None


def test_what_is_new_here_was_the_default_there():
    here = space(width={"low": 8, "high": 64}, depth={"low": 2, "high": 6})
    assert converted({"width": 16}, here, BURGERS) == {"width": 16, "depth": 4}
    narrow = space(width={"low": 8, "high": 64}, depth={"low": 2, "high": 3})
    assert converted({"width": 16}, narrow, BURGERS) is None


def test_what_is_not_here_any_more_must_have_been_the_default():
    here = space(width={"low": 8, "high": 64})
    assert converted({"width": 16, "depth": 4}, here, BURGERS) == {"width": 16}
    assert converted({"width": 16, "depth": 3}, here, BURGERS) is None
    same = {"width": 16, "problem.steps_per_epoch": 100}
    assert converted(same, here, BURGERS) == {"width": 16}
    assert converted({"width": 16, "problem.steps_per_epoch": 5}, here, BURGERS) is None


def test_the_settings_of_a_strategy_have_its_own_defaults():
    here = space(balancer={"choice": ["uniform", "relobralo"]})
    there = {"balancer": "relobralo"}
    found = converted(there, here, BURGERS)
    default = BURGERS.default_point
    assert found["balancer"] == "relobralo"
    rho = implied("balancer.relobralo.rho", there, BURGERS)
    assert converted({**there, "balancer.relobralo.rho": rho}, here, BURGERS) == found
    assert converted({**there, "balancer.relobralo.rho": rho / 2}, here, BURGERS) is None
    assert implied("balancer.relobralo.rho", default, BURGERS) is UNKNOWN  # it has another one
    assert implied("balancer.every", there, BURGERS) == 1
    assert implied("balancer.static.coefficients.pde", {"balancer": "static"}, BURGERS) == 1.0
    assert implied("width_3", {"width": 24}, BURGERS) == 24
    assert implied("nothing", there, BURGERS) is UNKNOWN


@pytest.mark.parametrize("name", BALANCERS)
def test_every_default_that_is_implied_is_the_one_that_training_takes(name):
    losses = BURGERS.residual_names
    there, here = {"balancer": name}, space(use=["balancer"], balancer={"choice": [name]})
    full = converted(there, here, BURGERS)
    built, meant = (choices(point, losses).balancing.balancer for point in (full, there))
    for field in fields(meant):
        ours, theirs = (getattr(balancer, field.name) for balancer in (built, meant))
        # one number for each loss, of which only the ratios matter: () stands for equal ones
        assert ours == theirs or (theirs == () and len(set(ours)) == 1)


# Trials


def test_trials_are_cut_at_the_present_budget_and_thinned(tmp_path):
    long = sweep_of(tmp_path, "long", budget={"trials": 3, "epochs": 200})
    good = trial(1, {"learning_rate": 0.1}, [1.0 / e for e in range(1, 201)], "finished")
    broke = trial(2, {"learning_rate": 0.5}, [0.5] * 60 + [None], "diverged")
    early = trial(3, {"learning_rate": 0.2}, [0.5, 0.4], "stopped")
    write(long, good, broke, early)
    sweep = sweep_of(tmp_path, continue_from=["long"], budget={"trials": 3, "epochs": 50})
    (event,) = known(sweep)
    one, two, three = event["trials"]
    assert [report["epoch"] for report in one["reports"]] == [1, 3, 9, 27, 50]
    assert [one["status"], two["status"], three["status"]] == ["finished", "finished", "stopped"]
    table = replay(
        [
            {"event": "sweep", "specification": sweep.specification},
            {"event": "prior", **event},
        ]
    )
    assert [t.number for t in table.prior] == [0, -1, -2]
    assert table.prior[0].error_at(27) == pytest.approx(1 / 27)
    assert table.prior[0].error_at(28) is None
    seen = observations(build(sweep.space.model_dump()), table)
    assert [o.fate for o in seen] == [Fate.COMPLETE, Fate.COMPLETE, Fate.PARTIAL]
    assert seen[0].values == (pytest.approx(1 / 50),)


def test_a_trial_of_a_shorter_budget_keeps_its_fidelity(tmp_path):
    write(
        sweep_of(tmp_path, "short", budget={"trials": 1, "epochs": 3}),
        trial(1, {"learning_rate": 0.1}, [0.3, 0.2, 0.1], "finished"),
        trial(2, {"learning_rate": 0.2}, [0.5, None], "diverged"),
        trial(3, {"learning_rate": 0.3}, [0.5, 0.4]),  # was running when its driver died
        trial(4, {"learning_rate": 0.4}),
    )
    sweep = sweep_of(tmp_path, continue_from=["short"])
    (event,) = known(sweep)
    assert [t["status"] for t in event["trials"]] == ["finished", "diverged", "stopped"]
    opening = {"event": "sweep", "specification": sweep.specification}
    seen = observations(
        build(sweep.space.model_dump()), replay([opening, {"event": "prior", **event}])
    )
    assert [o.fate for o in seen] == [Fate.PARTIAL, Fate.LOST, Fate.PARTIAL]
    assert [o.level for o in seen] == [3, 2, 2]


def test_no_trial_has_more_reports_than_are_kept(tmp_path):
    long = sweep_of(tmp_path, "long", budget={"trials": 1, "epochs": 10**6})
    reports = [
        {"event": "reported", "trial": 1, "segment": 1, "report": report(3**k, 0.5)}
        for k in range(16)
    ]
    write(long, [*trial(1, {"learning_rate": 0.1}), *reports])
    sweep = sweep_of(tmp_path, continue_from=["long"], budget={"trials": 1, "epochs": 10**9})
    (event,) = known(sweep)
    (one,) = event["trials"]
    assert len(one["reports"]) == MOST
    assert one["reports"][-1]["epoch"] == 3**15


def test_reports_carry_what_the_objectives_need_and_no_more(tmp_path):
    events = trial(1, {"learning_rate": 0.1}, [0.5], "finished")
    metrics = {"parameters": [99.0], "else": [1.0]}
    events[2]["report"] |= {"metrics": metrics, "losses": {"pde": [1.0]}}
    write(sweep_of(tmp_path, "other"), events)
    sweep = sweep_of(tmp_path, continue_from=["other"], objectives=["error", "parameters"])
    (event,) = known(sweep)
    assert event["trials"][0]["reports"] == [report(1, 0.5, metrics={"parameters": [99.0]})]


def test_trials_that_confirm_are_left_out_and_a_folder_will_do(tmp_path):
    other = sweep_of(tmp_path / "elsewhere", "other")
    again = trial(2, {"learning_rate": 0.1}, [0.4], "finished")
    again[0] |= {"origin": "confirm", "of": 1}
    write(other, trial(1, {"learning_rate": 0.1}, [0.5], "finished"), again)
    (event,) = known(sweep_of(tmp_path, continue_from=[str(other.folder)]))
    assert len(event["trials"]) == 1


@pytest.mark.parametrize(
    ("keys", "there", "words"),
    [
        ({"continue_from": ["nowhere"]}, {}, "continue_from.0: .*nowhere: no sweep lies there"),
        ({"problem": "wave1d"}, {}, "continue_from.0: other is a sweep of burgers1d, this one"),
        ({"objectives": ["error", "parameters"]}, {}, "do not report `parameters`, which this"),
        ({}, {"learning_rate": 5.0}, "other has 1 trial, and none lies in the present space"),
    ],
)
def test_what_cannot_be_continued_from_is_refused_with_the_way_out(tmp_path, keys, there, words):
    point = {"learning_rate": 0.1, **there}
    write(sweep_of(tmp_path, "other"), trial(1, point, [0.5], "finished"))
    sweep = sweep_of(tmp_path, **{"continue_from": ["other"], **keys})
    with pytest.raises(SweepError, match=words):
        known(sweep)


# In a sweep


def drive(sweep, prior, most=2):
    """Run trials of one epoch budget; the error is the distance to a rate of 0.01, in decades."""
    with Journal(sweep.folder / "journal.jsonl") as journal:
        here = build(sweep.space.model_dump(), BURGERS.residual_names)
        driver = Driver(sweep, here, BURGERS.default_point, journal)
        driver.open({}, prior)
        for _ in range(most):
            segment = driver.next_segment()
            error = abs(np.log10(segment.point["learning_rate"]) + 1) + 0.01
            for epoch in range(segment.epoch + 1, 10):
                driver.reported(segment.trial, segment.number, report(epoch, error))
        return TrialTable(dict(driver.table.trials), prior=driver.table.prior)


def source(tmp_path):
    """Thirty trials over the range of the rate; those about 0.1 are the best."""
    rates = np.geomspace(1e-4, 1.0, 30)
    write(
        sweep_of(tmp_path, "other"),
        *(
            trial(k, {"learning_rate": float(x)}, [abs(np.log10(x) + 1) + 0.01] * 9, "finished")
            for k, x in enumerate(rates, start=1)
        ),
    )


def test_the_first_proposal_of_a_model_is_good_after_a_prior(tmp_path):
    source(tmp_path)
    keys = {"searcher": {"name": "tpe", "startup": 10}}
    rates = []
    for seed in range(5):
        sweep = sweep_of(tmp_path, f"s{seed}", continue_from=["other"], seed=seed, **keys)
        table = drive(sweep, known(sweep))
        assert table.trials[2].origin == "tpe"
        rates.append(table.trials[2].point["learning_rate"])
    # drawn uniformly, one in four would lie within half a decade of the best; five of five then
    # once in a thousand
    assert all(10**-1.5 <= rate <= 10**-0.5 for rate in rates), rates


def test_the_journal_holds_it_all_so_that_the_other_sweep_may_go(tmp_path):
    source(tmp_path)
    sweep = sweep_of(tmp_path, continue_from=["other"], searcher="tpe")
    whole = drive(sweep, known(sweep), most=4)
    again = sweep_of(tmp_path / "again", continue_from=["other"], searcher="tpe")
    shutil.copytree(tmp_path / "other", tmp_path / "again" / "other")
    drive(again, known(again), most=2)
    shutil.rmtree(tmp_path / "again" / "other")
    continued = drive(again, (), most=2)
    assert [t.point for t in continued] == [t.point for t in whole]
    assert len(continued.prior) == len(whole.prior) == 30
    assert {t.status for t in whole.prior} == {Status.FINISHED}
    events = read(again.folder / "journal.jsonl")
    assert [e["event"] for e in events][:3] == ["sweep", "prior", "opened"]
    assert sum(e["event"] == "prior" for e in events) == 1


def test_a_driver_that_died_before_it_had_opened_tells_the_rest(tmp_path):
    source(tmp_path)
    sweep = sweep_of(tmp_path, continue_from=["other"])
    prior = known(sweep)
    drive(sweep, prior, most=1)
    path = sweep.folder / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    for kept in (1, 2):  # before the prior, and after it
        path.write_bytes(b"".join(lines[:kept]))
        drive(sweep, prior, most=1)
        assert [e["event"] for e in read(path)][:3] == ["sweep", "prior", "opened"]
