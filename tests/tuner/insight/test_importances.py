import pytest

from tests.tuner.planted import parameters
from tests.tuner.sweeps import ODD_TABLES, Sweep, constant
from tuner.insight.importances import LEAST_TRIALS, importances
from tuner.insight.study import common_level, study_of


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_parameter_comes_out_first_also_for_each_loss(seed):
    found = importances(parameters(seed=seed))
    assert next(iter(found.objective)) == "rate"
    assert next(iter(found.of["loss/pde"])) == "rate"
    assert next(iter(found.of["loss/boundary"])) == "width"
    assert found.of["loss/boundary"]["rate"] < 0.2
    for shares in found.of.values():
        assert sum(shares.values()) == pytest.approx(1.0)


def test_what_matters_for_nothing_is_idle():
    found = importances(parameters(trials=400))
    assert "idle" in found.idle
    assert not {"rate", "width"} & set(found.idle)


def test_a_conditional_parameter_stands_on_the_trials_in_which_it_counts():
    found = importances(parameters(trials=80))
    assert found.active["balancer.relobralo.alpha"] == 40
    assert found.active["rate"] == found.trials == 80


def test_few_trials_tell_nothing():
    found = importances(parameters(trials=LEAST_TRIALS - 1))
    assert (found.of, found.objective, found.idle) == ({}, {}, ())
    assert found.trials == LEAST_TRIALS - 1


def test_all_trials_are_taken_after_the_same_epochs_and_the_lost_are_the_worst():
    sweep = Sweep()
    for k in range(30):
        ended = "finished" if k % 3 == 0 else "stopped"
        errors = constant(0.5 + 0.01 * k, epochs=9 if ended == "finished" else 3)
        sweep.trial(errors, ended, width=k)
    sweep.trial([[None] * 4], "diverged", width=99).trial([], "failed", width=100)
    table = sweep.table()
    assert common_level(table) == 3  # only 10 have 9 epochs
    seen = study_of(table)
    assert len(seen.numbers) == 32
    values = [trial.value for trial in seen.study.get_trials(deepcopy=False)]
    assert values[-1] == values[-2] == max(values[:-2])
    assert study_of(table, level=9).numbers == (*range(1, 31, 3), 31, 32)


@pytest.mark.parametrize("name", ODD_TABLES)
def test_odd_tables_have_importances(name):
    assert importances(ODD_TABLES[name]).of == {}
