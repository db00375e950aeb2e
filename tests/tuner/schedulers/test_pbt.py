"""Population-based training: generations, who copies whom, and what is perturbed."""

import numpy as np
import pytest

from search_spaces import Space, build
from tests.tuner.races import race
from tests.tuner.tables import report, table, trial
from tuner.ledger import Ledger
from tuner.schedulers import SCHEDULERS, Verdict
from tuner.schedulers.pbt import PBT, SEARCHERS
from tuner.schedulers.perturbation import perturbable
from tuner.table import Status

RATE = {"low": 1e-4, "high": 1e-1, "scale": "log", "default": 1e-3}
SPACE = {"use": [], "set": {"learning_rate": RATE, "width": {"low": 4, "high": 64}}}


def opened(members, errors, level=3, space=SPACE, points=None, origin="random", **more):
    """Members that wait at a level with these errors, after the default point as trial 1."""
    events = [
        {"event": "sweep", "specification": {"space": space, "seed": 5, **more}},
        {"event": "opened", "trials": members + 1},
        *trial(1, {"learning_rate": 1e-3, "width": 32}, [9.0] * 9, "finished", origin="default"),
    ]
    for number, error in enumerate(errors, start=2):
        point = (points or {}).get(number, {"learning_rate": number * 1e-3, "width": 4 + number})
        events += waiting(number, point, error, level)
    ledger = Ledger(events)
    return ledger


def waiting(number, point, error, level=3):
    return [
        *trial(number, point, [error] * level),
        {"event": "paused", "trial": number, "reason": "waits"},
    ]


def resumed(ledger, scheduler):
    """Let everything go on that waits, as the driver does."""
    found = []
    while resumption := scheduler.resume(ledger.table):
        found.append(resumption)
        number = resumption.trial.number
        assert resumption.trial.status is Status.PAUSED
        if resumption.point is not None:
            epoch = resumption.trial.epochs
            event = {"event": "changed", "trial": number, "source": resumption.source}
            ledger.apply({**event, "point": resumption.point, "epoch": epoch})
        ledger.apply({"event": "started", "trial": number, "segment": 2, "epoch": 3})
    return found


def advanced(ledger, number, epoch, error):
    told = {"event": "reported", "trial": number, "report": report(epoch, error)}
    ledger.apply(told)


def test_members_wait_at_each_multiple_of_the_interval():
    scheduler = PBT(interval=3)
    for epochs in range(1, 10):
        known = table(trial(2, {}, [1.0] * epochs))
        verdict = scheduler.decide(known.trials[2], known).verdict
        assert verdict is (Verdict.PAUSE if epochs in (3, 6, 9) else Verdict.CONTINUE)
    assert scheduler.rungs(9) == (3, 6)
    assert scheduler.rungs(10) == (3, 6, 9)
    assert scheduler.rungs(3) == ()


def test_nothing_goes_on_before_all_members_have_come_and_arrived():
    scheduler = PBT()
    ledger = opened(4, [1.0, 2.0, 3.0])
    assert scheduler.resume(ledger.table) is None  # the fourth is still to be proposed
    for event in trial(5, {"learning_rate": 1e-2, "width": 8}, [4.0, 4.0]):
        ledger.apply(event)
    assert scheduler.resume(ledger.table) is None  # and still on its way
    advanced(ledger, 5, 3, 4.0)
    ledger.apply({"event": "paused", "trial": 5, "reason": ""})
    assert [r.trial.number for r in resumed(ledger, scheduler)] == [2, 3, 4, 5]


@pytest.mark.parametrize("fate", ["failed", "diverged", "stopped"])
def test_a_member_that_ended_is_not_waited_for(fate):
    ledger = opened(3, [1.0, 2.0])
    for event in trial(4, {"learning_rate": 1e-2, "width": 8}, [4.0], fate):
        ledger.apply(event)
    assert [r.trial.number for r in resumed(ledger, PBT())] == [2, 3]


def test_a_searcher_with_nothing_left_is_not_waited_for():
    ledger = opened(9, [1.0, 2.0])
    assert PBT().resume(ledger.table) is None
    ledger.apply({"event": "exhausted", "reason": ""})
    assert PBT().resume(ledger.table).trial.number == 2


def test_the_worst_quarter_copies_a_member_of_the_best_quarter_each():
    errors = [5.0, 1.0, 8.0, 4.0, 2.0, 3.0, 7.0, 6.0]  # of trials 2 to 9
    found = resumed(opened(8, errors), PBT())
    copies = {r.trial.number: r.source for r in found if r.source is not None}
    assert copies.keys() == {4, 8}
    assert set(copies.values()) <= {3, 6}
    for resumption in found:
        assert (resumption.point is None) == (resumption.source is None)
        if resumption.source:
            # the width is that of the copied member, since its tensors are
            assert resumption.point["width"] == 4 + resumption.source


def test_every_best_member_is_copied_by_some_and_not_the_same_in_every_generation():
    errors = list(range(1, 17))
    sources = [
        [r.source for r in resumed(opened(16, errors, level), PBT(interval=level)) if r.source]
        for level in (1, 3)
    ] + [
        [r.source for r in resumed(opened(16, errors, 3 * k), PBT()) if r.source]
        for k in range(2, 12)
    ]
    assert {source for row in sources for source in row} == {2, 3, 4, 5}
    assert len({tuple(row) for row in sources}) > 5


def test_equal_errors_are_no_reason_to_copy():
    assert [r.source for r in resumed(opened(4, [1.0] * 4), PBT())] == [None] * 4


def test_a_member_alone_goes_on():
    assert [r.source for r in resumed(opened(1, [1.0]), PBT())] == [None]


def test_two_members_are_a_population():
    (first, second) = resumed(opened(2, [2.0, 1.0]), PBT())
    assert (first.source, second.source) == (3, None)


def test_what_is_required_comes_before_the_objective():
    ledger = opened(2, [2.0, 1.0], require={"error": {"at_least": 1.5}})
    assert [r.source for r in resumed(ledger, PBT())] == [None, 2]


def test_a_member_that_ended_there_can_still_be_copied():
    ledger = opened(3, [3.0, 2.0])
    for event in trial(4, {"learning_rate": 1e-2, "width": 8}, [1.0] * 3, "stopped"):
        ledger.apply(event)
    assert [r.source for r in resumed(ledger, PBT())] == [4, None]


def test_members_of_an_earlier_stage_of_the_sweep_that_are_long_past_are_not_copied():
    ledger = opened(3, [3.0, 2.0])
    for event in trial(4, {"learning_rate": 1e-2, "width": 8}, [1.0] * 9, "finished"):
        ledger.apply(event)
    assert [r.source for r in resumed(ledger, PBT())] == [3, None]


def test_populations_of_a_size_are_made_by_number_and_do_not_wait_for_each_other():
    scheduler = PBT(population=2)
    ledger = opened(5, [4.0, 3.0, 2.0])
    assert [(r.trial.number, r.source) for r in resumed(ledger, scheduler)] == [(2, 3), (3, None)]
    for number, error in ((5, 1.0), (6, 9.0)):
        for event in waiting(number, {"learning_rate": 1e-2, "width": 8}, error):
            ledger.apply(event)
    found = [(r.trial.number, r.source) for r in resumed(ledger, scheduler)]
    assert found == [(4, 5), (5, None), (6, None)]  # the last is alone


def test_the_next_generation_goes_by_the_errors_there():
    ledger = opened(4, [1.0, 2.0, 3.0, 4.0])
    scheduler = PBT()
    assert [r.source for r in resumed(ledger, scheduler)] == [None, None, None, 2]
    for number, error in ((2, 4.0), (3, 3.0), (4, 2.0), (5, 1.0)):
        for epoch in (4, 5, 6):
            assert scheduler.resume(ledger.table) is None
            advanced(ledger, number, epoch, error)
        ledger.apply({"event": "paused", "trial": number, "reason": ""})
    assert [r.source for r in resumed(ledger, scheduler)] == [5, None, None, None]


def test_a_driver_that_died_between_change_and_start_changes_to_the_same_again():
    ledger, scheduler = opened(4, [1.0, 2.0, 3.0, 4.0]), PBT()
    for number in (2, 3, 4):
        ledger.apply({"event": "started", "trial": number, "segment": 2, "epoch": 3})
    first = scheduler.resume(ledger.table)
    event = {"event": "changed", "trial": 5, "point": first.point, "source": 2, "epoch": 3}
    ledger.apply(event)
    advanced(ledger, 2, 4, 0.5)  # the others are on their way already
    again = scheduler.resume(ledger.table)
    assert (again.point, again.source) == (first.point, first.source)


def test_the_same_table_gives_the_same_in_any_order_of_asking_and_another_seed_another():
    errors = [5.0, 1.0, 8.0, 4.0, 2.0, 3.0, 7.0, 6.0]
    first, second = (resumed(opened(8, errors), PBT()) for _ in range(2))
    assert [(r.trial.number, r.point, r.source) for r in first] == [
        (r.trial.number, r.point, r.source) for r in second
    ]
    other = resumed(opened(8, errors, seed=6), PBT())
    assert [r.point for r in other] != [r.point for r in first]


class Forgetful:
    """Begins anew each time that it is asked."""

    def __init__(self, **settings):
        self.settings = settings

    def __getattr__(self, name):
        return getattr(PBT(**self.settings), name)


@pytest.mark.parametrize("population", [0, 5])
def test_what_it_remembers_of_a_sweep_changes_no_decision(tmp_path, population):
    told = []
    for name, kind in (("one", PBT), ("other", Forgetful)):
        settings = {"population": population, "interval": 2}
        scheduler = {"name": "pbt", **settings}
        for trials in (17, 25):  # the second time the sweep gets more of them
            found = race(
                tmp_path / name, scheduler, trials=trials, epochs=7, faults=0.03,
                through=lambda driver, kind=kind, settings=settings: kind(**settings),
            )  # fmt: skip
        told.append([(e["event"], e.get("trial"), e.get("point")) for e in found.events])
    assert told[0] == told[1]
    assert sum(event == "changed" for event, *_ in told[0]) >= 5


def perturbed(space, point, losses=(), number=3, **settings):
    """What a member becomes that copies one with this point."""
    ledger = opened(2, [], space=space)
    rows = {name: [1.0] for name in losses}
    for n, error, its in ((2, 1.0, point), (number, 2.0, {})):
        for event in trial(n, its):
            ledger.apply(event)
        for epoch in (1, 2, 3):
            told = report(epoch, error, losses=rows)
            ledger.apply({"event": "reported", "trial": n, "report": told})
        ledger.apply({"event": "paused", "trial": n, "reason": ""})
    (found,) = [r for r in resumed(ledger, PBT(**settings)) if r.source is not None]
    return found.point


@pytest.mark.parametrize(
    ("name", "domain", "value", "down", "up"),
    [
        ("learning_rate", RATE, 1e-2, 1e-2 / 1.25, 1e-2 * 1.25),
        ("learning_rate", RATE, 1e-1, 1e-1 / 1.25, 1e-1),  # cut at the end
        ("dropout", {"low": 0.0, "high": 0.2}, 0.1, 0.1 / 1.25, 0.125),
        ("dropout", {"low": 0.0, "high": 0.2}, 0.0, 0.0, 0.0),
        # odds of 9 become 7.2 and 11.25
        ("optimizer.adam.beta1", {"low": 0.5, "high": 0.99, "scale": "logit"}, 0.9,
         7.2 / 8.2, 11.25 / 12.25),
        ("balancer.every", {"low": 1, "high": 100, "scale": "log"}, 10, 8, 13),
        ("balancer.every", {"low": 1, "high": 100, "scale": "log"}, 2, 1, 3),
        ("balancer.every", {"low": 1, "high": 100, "scale": "log"}, 1, 1, 2),
    ],
)  # fmt: skip
def test_a_number_goes_a_factor_up_or_down_on_its_scale(name, domain, value, down, up):
    space = {"use": [], "set": {name: domain}}
    found = {
        perturbed(space, {name: value}, number=number, resample=0.0, factor=1.25)[name]
        for number in range(3, 23)
    }
    assert sorted(found) == pytest.approx(sorted({down, up}), rel=1e-9)
    assert all(build(space).contains({name: value}) for value in found)


def test_a_number_that_is_drawn_anew_comes_from_anywhere_in_its_domain():
    found = [
        perturbed(SPACE, {"learning_rate": 1e-2, "width": 8}, number=number, resample=1.0)
        for number in range(3, 43)
    ]
    # of 40 independent draws on a log scale of three decades 20 are below the middle, give or take
    assert 8 < sum(point["learning_rate"] < 10**-2.5 for point in found) < 32
    assert {point["width"] for point in found} == {8}


def test_a_choice_is_drawn_anew_as_often_as_asked_and_brings_what_belongs_to_it():
    space = {"use": ["balancer"], "set": {"balancer": {"choice": ["uniform", "static", "ntk"]}}}
    losses = ("pde", "initial", "boundary")
    point = {"balancer": "ntk", "balancer.ntk.momentum": 0.5, "balancer.ntk.probes": 4}
    known = build(space, losses)
    assert known.contains(point)
    found = [perturbed(space, point, losses, number, resample=0.5) for number in range(3, 43)]
    for other in found:
        known.check(other)
        if other["balancer"] == "static":
            assert other["balancer.static.coefficients.pde"] == 1.0  # the first of the problem
    # a third of what is drawn anew is what it was; 40 draws of 1/3, give or take
    assert 5 < sum(other["balancer"] != "ntk" for other in found) < 25
    kept = [perturbed(space, point, losses, number, resample=0.0) for number in range(3, 23)]
    assert {(other["balancer"], other["balancer.ntk.probes"]) for other in kept} == {("ntk", 4)}


def test_what_shapes_the_tensors_or_the_problem_stays_and_the_rest_may_move():
    space = {
        "use": ["network", "optimizer", "balancer", "loss", "regularization"],
        "set": {
            "width_2": {"low": 8, "high": 64},
            "problem.form": {"choice": ["levels", "relative"]},
            "layers": {"low": 1, "high": 9},
            "balancer.every": {"low": 1, "high": 9},
        },
    }
    known = build(space, ("a", "b"))
    rng = np.random.default_rng(0)
    moved = set()
    for number in range(3, 43):
        point = known.sample(rng)
        other = perturbed(space, point, ("a", "b"), number, resample=0.5)
        known.check(other)
        moved |= {name for name in point if other.get(name) != point[name]}
    heads = {name.partition(".")[0] for name in moved}
    fixed = {"width", "depth", "activation", "initializer", "width_2", "problem", "layers"}
    assert heads == {name.partition(".")[0] for name in known.names} - fixed
    assert heads == perturbable()


def test_model_based_searchers_are_refused_by_name_and_those_without_errors_are_named():
    def refusal(**specification):
        return PBT().refuses(Space(()), table(**{"budget": {}, **specification}))

    assert "so tpe could not tell" in refusal(searcher={"name": "tpe"})
    assert "take the searcher random, sobol or grid" in refusal(searcher={"name": "tpe"})
    assert "seconds" in refusal(fidelity="seconds")
    assert "`first_replicates`" in refusal(first_replicates=2)
    for name in SEARCHERS:
        assert refusal(searcher={"name": name}) == ""


@pytest.mark.parametrize(
    "settings",
    [
        {"population": 1},
        {"population": -2},
        {"interval": 0},
        {"quantile": 0.0},
        {"quantile": 0.6},
        {"resample": 1.5},
        {"factor": 1.0},
        {"factor": float("nan")},
    ],
)
def test_settings_outside_their_range_are_refused(settings):
    (name,) = settings
    with pytest.raises(ValueError, match=f"{name}=.*expected"):
        PBT(**settings)


def test_it_is_in_the_registry():
    assert SCHEDULERS["pbt"] is PBT
