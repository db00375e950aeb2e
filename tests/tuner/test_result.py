"""A sweep's folder as objects: the winner, the Pareto set, the table, and the command line on it."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from tests.tuner.sweeps import Sweep, constant, two_objectives_sweep
from tuner import Result, TunerError
from tuner.cli import main
from tuner.journal import Journal


def result(folder, sweep):
    """The result of a sweep written trial by trial."""
    with Journal(folder / "sweeps" / "s" / "journal.jsonl") as journal:
        journal.append([*sweep.events, {"event": "closed", "status": "finished", "reason": ""}])
    return Result(folder / "sweeps" / "s")


def written(folder):
    """Error and seconds; trial 2 is the best of the search, trial 3 with fresh seeds."""
    sweep = Sweep(objectives=["error", "seconds"])
    sweep.trial(constant(0.5, r=6), origin="default", seconds=1.0, width=8)
    sweep.trial(constant(0.1, r=6), seconds=9.0, width=16)
    sweep.trial(constant(0.2, r=6), seconds=4.0, width=32)
    sweep.trial(constant(0.6, r=6), seconds=4.0, width=64)
    sweep.trial(constant(0.3, r=6), seconds=9.0, of=2, width=16)
    sweep.trial(constant(0.25, r=6), seconds=4.0, of=3, width=32)
    sweep.trial(constant(0.55, r=6), seconds=1.0, of=1, width=8)
    return result(folder, sweep)


def test_the_winner_is_the_original_trial_with_its_fresh_errors(tmp_path):
    best = written(tmp_path).best()
    assert (best.trial.number, best.told.number) == (3, 6)
    assert best.error == pytest.approx(0.25)
    assert best.trial.error == pytest.approx(0.2)
    assert best.interval == pytest.approx((0.225, 0.275))  # 6 replicates: all of them
    assert best.compare(2).verdict == "better"
    assert best.compare(4) is None


def test_at_a_prompt_all_of_it_is_shown_in_a_line(tmp_path):
    found = written(tmp_path)
    best = found.best()
    assert repr(found) == f"Result('{tmp_path}/sweeps/s')"
    assert repr(found.trials) == "<TrialTable: finished, 7 trials>"
    assert repr(best) == "<Trained trial 3 of s: error 0.25 after 3 epochs, point {'width': 32}>"
    assert repr(best.trial) == (
        "<Trial 3: finished, error 0.2 after 3 epochs, point {'width': 32}>"
    )


def test_the_pareto_set_comes_by_the_first_objective(tmp_path):
    found = written(tmp_path)
    assert [trained.trial.number for trained in found.pareto()] == [2, 3, 1]
    assert [trained.point["width"] for trained in found.pareto()] == [16, 32, 8]


def test_the_table_has_objectives_feasibility_and_what_repeats_what(tmp_path):
    table = result(tmp_path, two_objectives_sweep()).table
    assert list(table["of"].dropna().items()) == [(7, 3), (8, 2), (9, 1)]
    assert list(table["repairs"])[:6] == [0.0, 0.0, 0.0, 0.0, 0.5, 0.0]
    assert list(table["feasible"])[:6] == [True, True, True, True, False, True]
    assert list(table["seconds"])[:3] == [3.0, 12.0, 27.0]
    assert "parameters" not in table
    plain = result(tmp_path / "b", Sweep().trial(constant(0.5)).trial([], "failed")).table
    assert "feasible" not in plain
    assert plain["of"].isna().all()


def test_a_trial_without_a_report_is_not_feasible(tmp_path):
    sweep = Sweep(require={"repairs": {"at_most": 1.0}}).trial([], "failed")
    assert list(result(tmp_path, sweep).table["feasible"]) == [False]


def test_when_nothing_is_feasible_there_is_no_best_and_it_says_what_comes_nearest(tmp_path):
    sweep = Sweep(require={"repairs": {"at_most": 0.01}})
    found = result(tmp_path, sweep.trial(constant(0.5), metrics={"repairs": 0.3}))
    with pytest.raises(TunerError, match=r"No trial meets what is required .* Trial 1 misses it"):
        found.best()
    assert found.pareto() == []


def command(folder, *options):
    return CliRunner().invoke(main, ["best", "s", "--storage", str(folder / "sweeps"), *options])


def test_the_command_line_shows_what_fresh_seeds_say_and_the_pareto_set(tmp_path):
    written(tmp_path)
    lines = command(tmp_path).output.splitlines()
    assert lines[0].startswith("trial 3: error 0.200 ")
    assert lines[0].endswith("seconds 12, in the search")
    assert lines[1].startswith("with fresh seeds, as trial 6: error 0.250 ")
    assert lines[2].startswith("Against the runner-up, trial 2, with 0.300 ")
    assert lines[3].startswith("Against the default point, trial 1, with 0.550 ")
    assert lines[4] == "  width: 32"
    assert lines[5:] == [
        "Pareto set, 3 of 4 trials:",
        "  trial 2: error 0.100, seconds 27; width=16",
        "  trial 3: error 0.200, seconds 12; width=32",
        "  trial 1: error 0.500, seconds 3; width=8",
    ]


def test_json_has_the_same_for_programs(tmp_path):
    written(tmp_path)
    found = json.loads(command(tmp_path, "--json").output)
    assert (found["trial"], found["point"]) == (3, {"width": 32})
    assert found["error"] == pytest.approx(0.25)
    assert found["objectives"] == {"error": pytest.approx(0.2), "seconds": 12.0}
    fresh = found["confirmed"]
    assert (fresh["trial"], len(fresh["report"]["error"])) == (6, 6)
    assert fresh["interval"] == pytest.approx([0.225, 0.275])
    assert [(one["trial"], one["verdict"]) for one in fresh["against"]] == [
        (2, "better"),
        (1, "better"),
    ]
    assert fresh["against"][0]["p"] == 2 / 2**6
    assert [member["trial"] for member in found["pareto"]] == [2, 3, 1]


def test_json_of_a_plain_sweep_has_neither(tmp_path):
    result(tmp_path, Sweep().trial(constant(0.5), width=8))
    found = json.loads(command(tmp_path, "--json").output)
    assert found.keys() == {
        *("trial", "status", "reason", "history", "error", "objectives", "point", "report")
    }
    assert command(tmp_path).output.splitlines() == [
        "trial 1: error 0.500 (0.460 to 0.540 over 4 replicates) after 3 epochs",
        "  width: 8",
    ]


def test_the_table_is_written_as_csv_and_as_parquet_and_reads_back(tmp_path):
    sweep = Sweep().trial(constant(0.5), width=8, form="a").trial(constant(0.4), width=16, form=2)
    found = result(tmp_path, sweep)
    csv, parquet = (
        found.write_table(tmp_path / "out" / f"t.{kind}") for kind in ("csv", "parquet")
    )
    for again in (pd.read_csv(csv, index_col="trial"), pd.read_parquet(parquet)):
        assert list(again["error"]) == pytest.approx([0.5, 0.4])
        assert list(again["width"]) == [8, 16]
        assert list(again["form"]) == ["a", "2"]  # one type in a column
    with pytest.raises(TunerError, match=r"ends in .csv or .parquet"):
        found.write_table(tmp_path / "t.xlsx")


def test_the_figures_of_a_result_are_those_of_the_report(tmp_path):
    found = written(tmp_path).figures
    assert found.losses().layout.title.text == "Trial 6: losses"  # whose seeds are fresh
    assert found.losses(2).layout.title.text == "Trial 2: losses"
    assert set(found.all()) >= {"best_so_far", "slices", "losses", "weights", "error", "pareto"}
    with pytest.raises(TunerError, match="left no checkpoint"):
        found.solution()


def test_the_command_line_writes_pictures_and_tables_in_place_of_the_report(tmp_path):
    written(tmp_path)
    options = ["--storage", str(tmp_path / "sweeps"), "--json"]
    out = {"--png": "png", "--csv": "t.csv", "--parquet": "t.parquet"}
    given = [part for name, path in out.items() for part in (name, str(tmp_path / path))]
    said = CliRunner().invoke(main, ["report", "s", *options, *given])
    files = json.loads(said.output)
    assert set(files) == {"csv", "parquet", "png"}
    assert {path.rpartition("/")[2] for path in files["png"]} >= {"losses.png", "pareto.png"}
    assert not (tmp_path / "sweeps" / "s" / "report.html").exists()
    wrong = CliRunner().invoke(main, ["report", "s", *options, "--csv", "t.txt"])
    assert wrong.exit_code == 2
    assert "--csv t.txt: expected a file that ends in .csv." in wrong.output
