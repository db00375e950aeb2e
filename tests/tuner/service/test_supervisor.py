"""What looks after a sweep on the head, without a head: drivers that die, in processes of their own."""

import sys

import pytest

from tuner import Sweep, SweepExists, SweepMissing, TunerError
from tuner.journal import Journal
from tuner.on_head import answers, places
from tuner.on_head.queue import Queue, Ticket
from tuner.on_head.supervisor import RESTARTS, Stop, Watched, check, drive, supervise
from tuner.shipping import Received, packed

SWEEP = Sweep(name="a", problem="burgers1d", budget={"trials": 3, "epochs": 2})


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The storage of a head."""
    monkeypatch.setenv("TUNER_STORAGE", str(tmp_path / "sweeps"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def driven(here, script):
    """The status that a driver's program leads to, and how often it ran."""
    sweep = SWEEP.stored_in(str(here / "sweeps"))
    with Journal(sweep.folder / "journal.jsonl"):
        pass
    ran = here / "ran"
    lines = f"import os, sys\nopen({str(ran)!r}, 'a').write('x')\n{script}"
    words = [sys.executable, "-c", lines, "run", str(here / "sweep.yaml"), "--address", "auto"]
    with Queue(here / "queue").place(Ticket("a")) as place:
        status = drive(words, None, Watched(sweep), place, Stop())
        ticket = place.ticket
    return status, len(ran.read_text()), ticket


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    for name in ("LOOK", "BACKOFF"):
        monkeypatch.setattr(f"tuner.on_head.supervisor.{name}", 0.01)


def test_a_driver_that_dies_again_and_again_is_given_up_after_the_limit(here, capfd):
    status, runs, ticket = driven(here, "os.kill(os.getpid(), 9)")
    assert (status, runs) == (1, RESTARTS + 1)
    said = capfd.readouterr().out
    assert said.count("started again") == RESTARTS
    assert "killed by SIGKILL" in ticket.reason
    assert "`tuner resume a` tries again" in said


def test_a_sweep_whose_driver_dies_again_and_again_after_it_was_finished_is_finished(here, capfd):
    script = (
        "from pathlib import Path\n"
        "from tuner.journal import Journal\n"
        "with Journal(Path(sys.argv[2]).parent / 'sweeps/a/journal.jsonl') as journal:\n"
        "    journal.append([{'event': 'closed', 'status': 'finished', 'reason': ''}])\n"
        "os.kill(os.getpid(), 9)"
    )
    status, runs, _ = driven(here, script)
    assert (status, runs) == (0, RESTARTS + 1)
    assert "the sweep itself is finished" in capfd.readouterr().out


@pytest.mark.parametrize("status", [0, 2, 130])
def test_what_a_driver_says_itself_is_final(here, status):
    assert driven(here, f"sys.exit({status})")[:2] == (status, 1)


def test_a_driver_that_gets_further_each_time_is_not_given_up(here):
    # each writes a report before it dies; the last one finishes
    script = (
        "from pathlib import Path\n"
        "from tuner.journal import Journal\n"
        f"n = len(open({str(here / 'ran')!r}).read())\n"
        f"with Journal(Path({str(here / 'sweeps' / 'a' / 'journal.jsonl')!r})) as journal:\n"
        "    journal.append([{'event': 'reported'}])\n"
        f"os.kill(os.getpid(), 9) if n < {RESTARTS + 3} else sys.exit(0)"
    )
    assert driven(here, script)[:2] == (0, RESTARTS + 3)


def test_a_submission_of_another_version_is_refused(tmp_path):
    with pytest.raises(TunerError, match=r"was submitted by 0\.0\.9. Install the same"):
        check(Received({"tuner": "0.0.9"}, "", None))


def test_another_sweep_or_other_code_under_a_name_is_refused_on_the_head_as_well(here):
    places.keep("a", packed(SWEEP).content)
    changed = packed(SWEEP.model_copy(update={"seed": 7})).content
    with pytest.raises(SweepExists, match="with --replace"):
        supervise(changed, False, Stop())
    assert supervise(changed, True, Stop(asked=True)) == 130  # it is to end before it begins
    assert places.kept("a") == changed
    assert places.kept_names() == ["a"]
    with pytest.raises(SweepMissing, match="was never submitted"):
        places.kept_or_refuse("b")


def test_code_that_somebody_put_into_the_storage_is_not_run(here, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "the-token-of-the-cluster")
    places.keep("a", packed(SWEEP).content)
    path = here / "sweeps" / ".submitted" / "a.zip"
    (path.parent / "b.zip").write_bytes(path.read_bytes())  # under another name
    with pytest.raises(TunerError, match=r"b\.zip was not signed"):
        places.kept("b")
    other = packed(SWEEP.model_copy(update={"seed": 7})).content
    path.write_bytes(path.read_bytes().partition(b"\n")[0] + b"\n" + other)
    with pytest.raises(TunerError, match=r"a\.zip was not signed"):
        places.kept_or_refuse("a")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    places.keep("a", packed(SWEEP).content)
    assert places.kept("a") == packed(SWEEP).content


def test_what_was_stopped_is_known_as_such_until_it_goes_on(here):
    content = packed(SWEEP).content
    places.keep("a", content)
    assert not answers.sweeps(["a"])["a"]["stopped"]
    answers.stopped("a")
    assert answers.sweeps(None)["a"] == {
        "journal": None, "ticket": None, "submitted": True, "stopped": True
    }  # fmt: skip
    places.keep("a", content)
    assert not answers.sweeps(["a"])["a"]["stopped"]


@pytest.mark.parametrize(
    ("named", "asked", "found"),
    [
        ("sweeps", None, "{here}/sweeps"),
        ("some/folder", None, "{here}/sweeps"),
        ("/shared", None, "/shared"),
        ("s3://bucket/x", None, "s3://bucket/x"),
        ("/shared", "/other", "/other"),
    ],
)
def test_a_sweep_lies_where_it_says_if_that_means_something_on_a_cluster(
    here, named, asked, found
):
    sweep = SWEEP.model_copy(update={"storage": named})
    expected = found.format(here=here)
    assert places.placed(sweep, asked).storage == expected
    places.keep("a", packed(sweep, storage=asked).content)
    assert places.home_of("a") == expected


def test_a_sweep_without_mlflow_gets_that_of_the_cluster(here, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert places.placed(SWEEP, None).tracking.uri == "http://mlflow:5000"
    own = Sweep(name="a", problem="burgers1d", tracking={"uri": "http://own:5000"})
    assert places.placed(own, None).tracking.uri == "http://own:5000"
