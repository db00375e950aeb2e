"""What the driver does when searchers raise and segments break. No Ray."""

from dataclasses import dataclass

from tests.tuner.tables import report
from tests.tuner.test_driver import driver_of, run_all, run_one, sweep_of
from tuner.driver import FALLBACKS
from tuner.journal import Journal, read
from tuner.ledger import replay
from tuner.searchers.searcher import Searcher
from tuner.table import Status


@dataclass(frozen=True)
class Moody(Searcher):
    """A searcher that raises while the table has a number of trials among the given ones."""

    at: tuple[int, ...] = ()

    def propose(self, space, table, rng):
        if len(table) in self.at:
            raise ValueError(f"singular matrix at 0x{id(self):x}")
        return space.sample(rng)


def test_a_searcher_that_raises_is_replaced_by_a_random_point_and_that_is_recorded(tmp_path):
    sweep = sweep_of(tmp_path)
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        driver.searcher = Moody(at=(2, 4))
        table = run_all(driver)
    assert table.status == "finished"
    assert [trial.origin for trial in table] == [
        "default", "tpe", "random", "tpe", "random", "tpe", "tpe", "tpe",
    ]  # fmt: skip
    assert table.trials[3].instead.startswith("tpe raised ValueError: singular matrix")
    assert table.trials[4].instead == ""
    known = replay(read(sweep.folder / "journal.jsonl"))
    assert [trial.instead for trial in known] == [trial.instead for trial in table]


def test_a_searcher_that_always_raises_stops_the_sweep_with_the_reason(tmp_path):
    sweep = sweep_of(tmp_path, budget={"trials": 40, "epochs": 1})
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        driver.searcher = Moody(at=tuple(range(100)))
        table = run_all(driver)
    assert len(table) == 1 + FALLBACKS
    assert table.status == "interrupted"
    assert "tpe raised ValueError: singular matrix" in table.reason
    assert f"{FALLBACKS + 1} times in a row" in table.reason


def test_faults_that_are_alike_stop_the_sweep_before_the_budget_is_burned(tmp_path):
    sweep = sweep_of(tmp_path, retries=1, give_up_after=5, budget={"trials": 100, "epochs": 9})
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        attempts = 0
        while segment := driver.next_segment():
            attempts += 1
            driver.faulted(
                segment.trial, segment.number, f"ImportError at 0x7f{attempts:04x}, pid {attempts}"
            )
        driver.close()
    assert attempts == 5
    assert driver.table.status == "interrupted"
    assert "5 segments in a row broke alike" in driver.table.reason
    assert "ImportError" in driver.table.reason


def test_faults_with_epochs_between_them_or_of_other_kinds_do_not_stop_it(tmp_path):
    sweep = sweep_of(tmp_path, retries=20, give_up_after=2, budget={"trials": 1, "epochs": 9})
    with Journal(sweep.folder / "journal.jsonl") as journal:
        driver = driver_of(sweep, journal)
        for epoch, reason in ((1, "memory"), (2, "memory"), (3, "disk"), (3, "memory")):
            segment = driver.next_segment()
            if segment.epoch < epoch:
                said = report(epoch, 0.5)
                assert driver.reported(segment.trial, segment.number, said, True)
            driver.faulted(segment.trial, segment.number, reason)
            assert not driver.stopping
        run_one(driver, driver.next_segment())
    assert driver.table.trials[1].status is Status.FINISHED


def test_after_giving_up_the_same_command_tries_again(tmp_path):
    sweep = sweep_of(tmp_path, retries=1, give_up_after=3, budget={"trials": 3, "epochs": 2},
                     scheduler="run_to_end")  # fmt: skip
    path = sweep.folder / "journal.jsonl"
    with Journal(path) as journal:
        driver = driver_of(sweep, journal)
        while segment := driver.next_segment():
            driver.faulted(segment.trial, segment.number, "no such module")
        driver.close()
    with Journal(path) as journal:
        table = run_all(driver_of(sweep, journal))
    assert table.status == "finished"
    assert [trial.status for trial in table] == [
        Status.FAILED, Status.FINISHED, Status.FINISHED,
    ]  # fmt: skip
