"""A simulated sweep is a sweep, and equal budgets are equal."""

from dataclasses import replace

import pytest

from benchmarks.search.engines import PAIRS, budgets, regrets
from benchmarks.search.fidelities import FIDELITIES
from benchmarks.search.fidelity import METHODS, WORKERS, incumbents
from benchmarks.search.functions import FUNCTIONS
from benchmarks.search.originals import ORIGINALS
from benchmarks.search.simulation import MemoryJournal, first_point, simulate, sweep_of
from tuner.driver import Driver
from tuner.journal import Journal

COUNTING = FIDELITIES["counting_ones"]


def run(journal, searcher="random", scheduler="asha", trials=12, **more):
    sweep = sweep_of(COUNTING, searcher, scheduler, trials, seed=1)
    space = COUNTING.space()
    driver = Driver(sweep, space, first_point(space, 1), journal)
    spent = simulate(driver, lambda point, epoch: COUNTING.error(point, epoch, 1), **more)
    return driver.table, spent


@pytest.mark.parametrize("searcher", ["random", "tpe"])
def test_a_journal_in_memory_gives_the_same_trials_as_one_on_disk(tmp_path, searcher):
    in_memory, spent = run(MemoryJournal(), searcher, workers=3)

    class SettableClock(Journal):
        clock = 0.0  # of the simulation in place of the one that runs

    with SettableClock(tmp_path / "journal.jsonl") as journal:
        on_disk, also = run(journal, searcher, workers=3)
    # how long the searcher thought is nobody's decision
    assert [replace(trial, proposing=0.0) for trial in in_memory] == [
        replace(trial, proposing=0.0) for trial in on_disk
    ]
    assert spent == also == sum(trial.epochs for trial in in_memory)
    assert (in_memory.status, len(in_memory)) == ("finished", 12)


def test_workers_share_the_clock():
    journal = MemoryJournal()
    _, spent = run(journal, scheduler="run_to_end", trials=4, workers=2)
    assert (spent, journal.clock) == (4 * 81, 2 * 81)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_spends_the_same_epochs(method):
    spent = []
    found, trials, busy = incumbents(COUNTING, method, seed=0, whole=2)
    assert len(found) == 2  # told after 81 and after 162 epochs, and not again
    assert 0 < busy <= 1
    assert 2 <= trials <= 2 * 81
    run(MemoryJournal(), *METHODS[method], trials=200, workers=WORKERS, epochs=100,
        watch=lambda so_far, table: spent.append(sum(t.epochs for t in table)))  # fmt: skip
    # a trial that takes another's state skips epochs, which nobody here does
    assert spent == list(range(1, 101))


@pytest.mark.parametrize("engine", [*ORIGINALS, "random", "tpe"])
@pytest.mark.parametrize("name", ["branin", "conditional"])
def test_every_engine_begins_at_the_same_point_and_makes_as_many_evaluations(name, engine):
    function, evaluations = FUNCTIONS[name], 8
    found = regrets(function, engine, evaluations, seed=5)
    assert found[0] == function.regret(first_point(function.space(), 5))
    assert len(found) == evaluations
    assert found == sorted(found, reverse=True)  # the least so far
    assert found == regrets(function, engine, evaluations, seed=5)


def test_the_two_of_a_pair_have_the_same_budget():
    for pair in PAIRS:
        for name in pair.functions:
            allowed = budgets(name)
            assert allowed[pair.ours] == allowed[pair.original] == pair.evaluations
