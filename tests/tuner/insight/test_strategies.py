import pytest

from tests.tuner.planted import strategies
from tests.tuner.sweeps import ODD_TABLES, Sweep, constant, two_objectives
from tuner.insight.strategies import contest


def test_a_planted_winner_is_named_with_its_interval():
    found = contest(strategies({"uniform": 1.0, "relobralo": 0.4, "gradnorm": 0.9}))
    assert found.leader.name == "relobralo"
    assert found.won
    nearest = found.rivals[0]
    low, high = nearest.interval
    assert 1 < low < nearest.comparison.ratio < high
    assert found.verdict.startswith("relobralo wins, against every other balancer: the error of")
    assert "95 % interval" in found.verdict


def test_with_no_true_difference_none_is_claimed():
    equal = {"uniform": 1.0, "relobralo": 1.0, "gradnorm": 1.0}
    claimed = [contest(strategies(equal, seed=seed)).won for seed in range(40)]
    assert sum(claimed) == 0
    # of two, each of which may win by chance at 5 %, 40 times 5 % is 2; more than 6 has odds of 1 %
    pairs = [contest(strategies({"a": 1.0, "b": 1.0}, seed=seed)).won for seed in range(40)]
    assert sum(pairs) <= 6
    assert contest(strategies(equal)).verdict.startswith("No difference shown between ")


def test_more_trials_are_no_advantage():
    # of many lucky trials the luckiest has a low error, but not in a replicate that did not choose it
    ratios = []
    for seed in range(20):
        many = strategies({"many": 1.0}, trials=60, noise=0.5, seed=seed)
        few = strategies({"few": 1.0}, trials=2, noise=0.5, seed=100 + seed)
        medians = [contest(table).strategies[0].median for table in (many, few)]
        flattered = min(trial.error for trial in many) / min(trial.error for trial in few)
        ratios.append((medians[0] / medians[1], flattered))
    judged, flattered = (sorted(column)[10] for column in zip(*ratios, strict=True))
    assert flattered < judged


def test_few_replicates_say_how_many_are_needed():
    found = contest(strategies({"uniform": 1.0, "relobralo": 0.2}, r=4))
    assert not found.won
    assert found.rivals[0].interval is None
    assert "4 replicates cannot show one at 95 %, 6 could. relobralo leads" in found.verdict


def test_one_that_is_shown_to_be_worse_is_told_from_one_that_is_not():
    found = contest(strategies({"a": 1.0, "b": 1.0, "far": 20.0}))
    verdicts = {rival.strategy.name: rival.verdict for rival in found.rivals}
    assert verdicts["far"] == "worse"
    assert "no difference shown" in verdicts.values()
    assert "far" not in found.verdict


def test_a_strategy_without_a_finished_trial_is_last_and_compared_only_if_just_one_has_any():
    sweep = Sweep().trial(constant(0.5), balancer="uniform")
    sweep.trial(constant(0.1, epochs=1), "stopped", balancer="gradnorm")
    found = contest(sweep.table())
    assert found.leader.name == "gradnorm"  # after an epoch, which both have
    assert found.level == 1
    assert found.verdict.endswith(
        "is 5.00 times its after 1 epoch, where only one had trials that ended in full."
    )
    sweep.trial(constant(0.4), balancer="relobralo")
    found = contest(sweep.table())
    assert [one.name for one in found.strategies] == ["relobralo", "uniform", "gradnorm"]
    assert [rival.strategy.name for rival in found.rivals] == ["uniform"]


def test_the_cost_of_a_step_is_the_median_over_the_trials():
    sweep = (
        Sweep().trial([[0.5]], seconds=2.0, balancer="a").trial([[0.5]], seconds=4.0, balancer="a")
    )
    assert contest(sweep.table()).strategies[0].step_seconds == pytest.approx(0.3)


def test_fresh_seeds_judge_where_every_strategy_has_them():
    table = two_objectives()
    found = contest(table)
    assert [one.fresh for one in found.strategies] == [False, False, False]  # gradnorm has none
    sweep = Sweep().trial(constant(0.5, r=8), balancer="a").trial(constant(0.4, r=8), balancer="b")
    sweep.trial(constant(0.3, r=8), of=1, balancer="a").trial(
        constant(0.9, r=8), of=2, balancer="b"
    )
    found = contest(sweep.table())
    assert (found.leader.name, found.leader.fresh, found.won) == ("a", True, True)
    assert found.leader.median == pytest.approx(0.3)


@pytest.mark.parametrize("name", ODD_TABLES)
def test_odd_tables_have_a_verdict(name):
    assert contest(ODD_TABLES[name]).verdict.endswith(".")
