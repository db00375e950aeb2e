import pytest

from tests.tuner.test_driver import driver_of, run_all, sweep_of
from tuner.errors import JournalDamaged, SweepBusy, SweepMissing, TunerError
from tuner.journal import Journal, read
from tuner.ledger import replay
from tuner.repair import repair
from tuner.table import Status


@pytest.fixture
def sweep(tmp_path):
    sweep = sweep_of(tmp_path, budget={"trials": 4, "epochs": 3}, scheduler="run_to_end")
    with Journal(sweep.folder / "journal.jsonl") as journal:
        run_all(driver_of(sweep, journal))
    return sweep


def damage(sweep, chosen):
    """Flip a byte in the lines of the chosen events; returns their numbers."""
    path = sweep.folder / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    numbers = [event["n"] for event in read(path) if chosen(event)]
    for number in numbers:
        line = bytearray(lines[number - 1])
        line[len(line) // 2] ^= 1
        lines[number - 1] = bytes(line)
    path.write_bytes(b"".join(lines))
    return tuple(numbers)


def is_event(kind, trial):
    return lambda event: event["event"] == kind and event.get("trial") == trial


def continued(sweep):
    with Journal(sweep.folder / "journal.jsonl") as journal:
        return run_all(driver_of(sweep, journal))


def test_a_damaged_line_is_refused_with_its_number_and_with_what_to_do(sweep):
    (line,) = damage(sweep, lambda event: event["n"] == 7)
    with pytest.raises(JournalDamaged, match=rf"line {line} of \d+ is damaged.*tuner repair s "):
        Journal(sweep.folder / "journal.jsonl")


def test_a_lost_report_is_a_gap_and_everything_else_is_as_it_was(sweep):
    before, content = (
        replay(read(sweep.folder / "journal.jsonl")),
        (sweep.folder / "journal.jsonl").read_bytes(),
    )
    lines = damage(
        sweep, lambda event: is_event("reported", 2)(event) and event["report"]["epoch"] == 2
    )
    damaged = (sweep.folder / "journal.jsonl").read_bytes()
    done = repair(sweep.folder)
    assert (done.damaged, done.lost) == (lines, ())
    assert done.copy.read_bytes() == damaged != content
    after = replay(read(sweep.folder / "journal.jsonl"))
    assert [report.epoch for report in after.trials[2].reports] == [1, 3]
    assert [t.error for t in after] == [t.error for t in before]
    assert [t.status for t in after] == [t.status for t in before]


def test_a_lost_end_is_found_again_from_the_last_report(sweep):
    before = replay(read(sweep.folder / "journal.jsonl"))
    damage(sweep, is_event("ended", 3))
    repair(sweep.folder)
    assert [t.status for t in continued(sweep)] == [t.status for t in before]


def test_a_trial_whose_point_is_lost_stands_as_failed_and_the_others_keep_their_numbers(sweep):
    before = replay(read(sweep.folder / "journal.jsonl"))
    damage(sweep, is_event("proposed", 3))
    done = repair(sweep.folder)
    assert done.lost == (3,)
    after = continued(sweep)
    assert after.trials[3].status is Status.FAILED
    assert "its point is lost" in after.trials[3].reason
    for number in (1, 2, 4):
        assert after.trials[number].point == before.trials[number].point
        assert after.trials[number].error == before.trials[number].error


def test_the_last_trial_can_be_lost_too(sweep):
    damage(sweep, is_event("proposed", 4))
    assert repair(sweep.folder).lost == (4,)
    assert len(continued(sweep)) == 4


def test_mlflow_is_told_everything_again(sweep):
    (sweep.folder / "tracking.json").write_text("{}")
    damage(sweep, is_event("started", 2))
    repair(sweep.folder)
    assert not (sweep.folder / "tracking.json").exists()


def test_a_sound_journal_is_left_alone(sweep):
    before = (sweep.folder / "journal.jsonl").read_bytes()
    assert repair(sweep.folder).copy is None
    assert (sweep.folder / "journal.jsonl").read_bytes() == before
    assert [path.name for path in sweep.folder.iterdir()] == ["journal.jsonl"]


def test_copies_are_never_written_over(sweep):
    damage(sweep, is_event("started", 1))
    first = repair(sweep.folder).copy
    damage(sweep, is_event("started", 2))
    second = repair(sweep.folder).copy
    assert first != second
    assert first.exists()


def test_without_its_first_line_a_journal_cannot_be_mended_and_is_left_alone(sweep):
    damage(sweep, lambda event: event["n"] == 1)
    before = (sweep.folder / "journal.jsonl").read_bytes()
    with pytest.raises(TunerError, match="first line of the journal, which has the request"):
        repair(sweep.folder)
    assert (sweep.folder / "journal.jsonl").read_bytes() == before


def test_a_sweep_at_work_or_missing_is_not_mended(sweep, tmp_path):
    with (
        Journal(sweep.folder / "journal.jsonl"),
        pytest.raises(SweepBusy, match="another process is at work"),
    ):
        repair(sweep.folder)
    with pytest.raises(SweepMissing, match="no sweep lies there"):
        repair(tmp_path / "nowhere")
