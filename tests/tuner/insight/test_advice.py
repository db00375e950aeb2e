import pytest

from tests.tuner.planted import parameters, strategies
from tests.tuner.sweeps import ODD_TABLES, Sweep, eight_trials
from tuner.insight.advice import advice
from tuner.insight.importances import importances
from tuner.insight.rungs import rungs
from tuner.insight.strategies import contest
from tuner.insight.study import space_in
from tuner.insight.time_spent import TimeSpent, time_spent


def advised(table, time=None):
    return advice(
        table,
        space_in(table),
        matters=importances(table),
        stops=rungs(table),
        strategies=contest(table),
        time=time or time_spent(table),
    )


def keys(table):
    return [piece.keys for piece in advised(table)]


def in_range(best_at, **domain):
    """Thirty trials over a range, the better the nearer they are to a place of it."""
    sweep = Sweep(space={"use": [], "set": {"x": domain}})
    low, high = domain["low"], domain["high"]
    log = domain.get("scale") == "log"
    for k in range(30):
        unit = k / 29
        x = low * (high / low) ** unit if log else low + (high - low) * unit
        sweep.trial([[1.0 + abs(unit - best_at)] * 2], x=x)
    return sweep.table()


@pytest.mark.parametrize(
    ("best_at", "domain", "wider"),
    [
        (1.0, {"low": 1e-4, "high": 1e-2, "scale": "log"}, "{low: 0.0001, high: 0.1, scale: log}"),
        (0.0, {"low": 1e-4, "high": 1e-2, "scale": "log"}, "{low: 1e-05, high: 0.01, scale: log}"),
        (1.0, {"low": 2.0, "high": 4.0}, "{low: 2, high: 5}"),
    ],
)
def test_a_range_at_whose_end_the_best_lie_is_to_be_widened(best_at, domain, wider):
    assert keys(in_range(best_at, **domain))[0] == f"space: {{set: {{x: {wider}}}}}"


@pytest.mark.parametrize(
    ("best_at", "domain"),
    [
        (0.5, {"low": 2.0, "high": 4.0}),
        (0.0, {"low": 0.0, "high": 0.5}),
        (1.0, {"low": 0.2, "high": 1.0}),
    ],
)
def test_a_range_in_whose_middle_they_lie_or_that_ends_by_nature_is_not(best_at, domain):
    assert not any("set: {x" in key for key in keys(in_range(best_at, **domain)))


def test_what_matters_for_nothing_is_to_be_fixed_where_the_winner_has_it():
    table = parameters(trials=400)
    (piece,) = (piece for piece in advised(table) if piece.do.startswith("Fix"))
    assert "idle" in piece.do
    assert f"idle: {table.best().point['idle']:.4g}" in piece.keys


def test_strategies_that_cannot_be_told_apart_ask_for_replicates():
    table = strategies({"a": 1.0, "b": 1.0}, r=4)
    (piece,) = (piece for piece in advised(table) if piece.keys.startswith("replicates"))
    assert piece.keys == "replicates: 8"
    planted = strategies({"a": 1.0, "b": 0.2})
    assert not any("replicates" in key for key in keys(planted))


def test_an_error_that_still_falls_asks_for_epochs():
    falling = Sweep().trial([[1.0 / epoch] * 2 for epoch in range(1, 11)]).table()
    assert "budget: {epochs: 20}" in keys(falling)
    settled = Sweep().trial([[0.5] * 2] * 10).table()
    assert not any("epochs" in key for key in keys(settled))


def test_rungs_that_do_not_predict_are_to_be_later():
    sweep = Sweep(epochs=9)
    for k in range(6):
        ends = [[2.0 - 0.1 * k] * 2] * 8  # the worst at the rung end as the best
        sweep.trial([[1.0 + 0.1 * k] * 2, *ends])
    sweep.trial([[3.0] * 2], "stopped")
    assert "scheduler: {first_rung: 3}" in keys(sweep.table())


def test_slots_that_wait_for_the_searcher_ask_for_another():
    time = TimeSpent(2, 100.0, training=100.0, starting=0.0, saving=0.0, proposing=50.0)
    assert "searcher: random" in [piece.keys for piece in advised(eight_trials(), time)]


@pytest.mark.parametrize("name", ODD_TABLES)
def test_odd_tables_have_advice_that_says_why(name):
    assert all(piece.do and piece.why for piece in advised(ODD_TABLES[name]))
