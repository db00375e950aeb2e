"""Studies of published results: what a claim is, what a table says, how runs are joined."""

import json
import math

import pytest
import torch

from benchmarks.reproduce import (
    brock_mirman_search,
    genz_search,
    regression10d,
    sweeping,
    tables,
)
from benchmarks.reproduce.__main__ import BEGIN, END, arguments, jobs, main
from benchmarks.reproduce.records import command, joined, measured, read, record, write
from benchmarks.reproduce.studies import STUDIES
from benchmarks.reproduce.study import Claim, Row, Study, by_seed, ratios
from trainables.training import Training
from tuner.sweep import Sweep

every_study = pytest.mark.parametrize("name", STUDIES)


def invented(values=(1.0, 2.0, 3.0), high=2.5, apart=True):
    """A study of numbers that need no training: seed s has the number values[s]."""
    return Study(
        "invented",
        "An invention",
        "nobody, 1 step",
        lambda quick: f"{1 if quick else 10} steps.",
        lambda seeds, quick: {"number": [values[seed] for seed in seeds]},
        lambda found: [
            Row("number", "2.4", found["number"], Claim(high=high), "it is only invented"),
            Row("beside it", "", found["number"]),
        ],
        apart,
    )


@pytest.mark.parametrize(
    ("claim", "values", "holds"),
    [
        (Claim(high=2.0), [1.0, 2.0, 9.0], True),  # the median is 2, the mean 4
        (Claim(high=2.0), [1.0, 2.1, 2.2], False),
        (Claim(3.0), [1.0, 3.0, 3.0], True),
        (Claim(3.0), [2.0, 3.0], False),  # the median of two is between them
        (Claim(504, 504), [504.0, 504.0], True),
        (Claim(504, 504), [504.0, 503.0], False),
        (Claim(3.0), [math.inf, math.inf, 4.0], False),  # infinitely good is no measurement
    ],
)
def test_a_claim_is_of_the_median(claim, values, holds):
    assert claim.holds(values) is holds


def test_a_claim_says_what_it_claims():
    assert [str(Claim(high=0.03)), str(Claim(8.0)), str(Claim(0.78, 0.98)), str(Claim(504, 504))] == [
        "at most 0.03", "at least 8", "0.78 to 0.98", "504",
    ]  # fmt: skip


def test_a_reason_is_given_for_what_falls_short_and_never_for_what_holds():
    assert Row("a", "1", [3.0], Claim(high=2.0), "luck").shortfall == "luck"
    assert Row("a", "1", [1.0], Claim(high=2.0), "luck").shortfall == ""
    assert Row("a", "1", [3.0], None, "luck").shortfall == ""


def test_ratios_to_what_was_lost_or_zero_are_infinite():
    assert ratios([4.0, 4.0, 4.0], [2.0, math.inf, 0.0]) == [2.0, math.inf, math.inf]


def test_a_table_has_the_published_number_ours_the_verdict_and_the_reason():
    study = invented(high=1.5)
    text = tables.section(study, {**record(study, [0, 1, 2], False), "command": "do it"})
    assert "| number | 2.4 | 2 (1 to 3) | at most 1.5 | **fail** |" in text
    assert "- number: it is only invented." in text
    assert "nobody, 1 step" in text
    assert "10 steps. Seeds 0, 1, 2" in text
    assert "`do it`" in text
    good = invented(high=2.5)
    text = tables.section(good, record(good, [0, 1, 2], False))
    assert "| at most 2.5 | pass |" in text
    assert "only invented" not in text


def test_a_short_run_does_not_fail():
    study = invented(high=1.5)
    text = tables.written([record(study, [0, 1, 2], True)], {"invented": study})
    assert "not yet" in text
    assert "fail" not in text
    assert "only invented" not in text


def test_the_summary_counts_the_claims_that_hold():
    study = invented(high=1.5)
    text = tables.written([record(study, [0, 1], False)], {"invented": study})
    assert "| invented | 1 of 1 | 2 |" in text
    text = tables.written([record(study, [0, 1, 2], False)], {"invented": study})
    assert "| invented | **0 of 1** | 3 |" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(504.0, "504"), (math.inf, "lost"), (3.2e-6, "3.20e-06"), (0.0467, "0.0467"), (8.6, "8.6")],
)
def test_numbers_have_three_digits(value, text):
    assert tables.number(value) == text


def test_lost_seeds_survive_being_written(tmp_path):
    study = invented([1.0, math.inf, 3.0])
    write([record(study, [0, 1, 2], False)], tmp_path / "deep" / "run.json")
    (found,) = read([tmp_path / "deep" / "run.json"])
    assert measured(found) == {"number": [1.0, math.inf, 3.0]}
    assert "Infinity" not in (tmp_path / "deep" / "run.json").read_text()


def test_runs_of_other_seeds_are_joined_and_those_of_other_studies_stand_beside():
    study = invented()
    parts = [record(study, [0], False), record(study, [1, 2], False)]
    parts[0] |= {"seconds": 1.5, "command": "a"}
    parts[1] |= {"seconds": 2.0, "command": "b"}
    other = {**parts[0], "study": "another"}
    whole, beside = joined([parts[0], other, parts[1]])
    assert beside == other
    assert whole == {**record(study, [0, 1, 2], False), "seconds": 3.5, "command": "a; b"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "seed 1 is there twice"),
        ({"seeds": [2], "quick": True}, "different budgets"),
        ({"seeds": [2], "measured": {"other": [1.0]}}, "measured different things"),
    ],
)
def test_what_does_not_belong_together_is_not_joined(change, message):
    run = record(invented(), [1], False)
    with pytest.raises(ValueError, match=f"invented: .*{message}"):
        joined([run, {**run, **change}])


def test_a_study_has_a_number_for_each_seed():
    study = Study("short", "", "", lambda quick: "", lambda seeds, quick: {"a": [1.0]}, list)
    with pytest.raises(
        ValueError, match="short: `a` has 1 numbers; expected one for each of the 2"
    ):
        record(study, [0, 1], False)


def test_numbers_of_runs_of_their_own_are_put_together():
    assert by_seed(lambda s: {"a": s, "b": -s}, [2, 3]) == {"a": [2, 3], "b": [-2, -3]}


def test_seeds_are_spread_where_they_are_runs_of_their_own(monkeypatch):
    monkeypatch.setitem(STUDIES, "invented", invented())
    assert jobs(["invented"], range(2)) == [("invented", [0]), ("invented", [1])]
    monkeypatch.setitem(STUDIES, "invented", invented(apart=False))
    assert jobs(["invented"], range(2)) == [("invented", range(2))]


def test_the_command_gives_the_same_run():
    text = command(["labor_table"], range(2, 7), True, processes=2)
    assert text.startswith("python -m benchmarks.reproduce ")
    given = arguments(text.split()[3:])
    assert (given.only, given.quick, given.processes) == (["labor_table"], True, 2)
    assert (given.seeds, given.first) == (5, 2)


def test_an_unknown_study_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit):
        arguments(["--only", "labour"])
    assert "no such study 'labour'. Known: genz_search" in capsys.readouterr().err


def test_kept_numbers_give_the_table_of_the_run_and_go_into_the_page(
    monkeypatch, tmp_path, capsys
):
    monkeypatch.setitem(STUDIES, "invented", invented())
    page, first, second = tmp_path / "page.md", tmp_path / "1.json", tmp_path / "2.json"
    page.write_text(f"before\n{BEGIN}\nwhat an earlier run wrote\n{END}\nafter\n")
    main(["invented"], range(2), target=first)
    main(["invented"], range(2, 3), target=second)
    main(["invented"], range(3))
    whole = capsys.readouterr().out.split("## An invention")[-1].replace("--seeds 3", "")
    main(["invented"], known=[first, second], page=page)
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n\n| study |")
    assert text.endswith(f"{END}\nafter\n")
    assert "earlier" not in text
    table = whole[whole.index("| |") :].strip()
    assert table in text
    assert [found["seeds"] for found in json.loads(first.read_text())] == [[0, 1]]


@every_study
def test_every_study_says_what_was_published_and_what_is_run(name):
    study = STUDIES[name]
    assert study.name == name
    assert study.source.endswith(".")
    assert study.budget(False) != study.budget(True)
    assert study.budget(False).endswith(".")


def test_a_paused_trial_of_a_sweep_goes_on_where_it_stopped():
    sweep = Sweep(
        name="tiny",
        problem="genz2d",
        space={"use": [], "set": {"width": {"low": 4, "high": 8}, "depth": 1}},
        searcher="random",
        scheduler={"name": "successive_halving", "eta": 2, "trials": 4},
        budget={"trials": 5, "epochs": 4},
        replicates=1,
    )
    trials = sweeping.searched(sweeping.run(sweep))
    # 4 at epoch 1, the best 2 at epoch 2, the best one to the end: 4 + 2 + 2 epochs by hand
    assert sorted(trial.epochs for trial in trials) == [1, 1, 2, 4]
    (winner,) = (trial for trial in trials if trial.epochs == 4)
    assert winner.segments > 1
    through = Training(genz_search.Genz2D(), winner.point, epochs=4).advance(4)
    assert winner.error == through.median


def test_early_stopping_keeps_the_least_error_before_ten_epochs_without_a_better_one():
    errors = [5.0, 3.0, *[4.0] * 9, 2.0, *[9.0] * 10, 1.0]
    # the 3 lasts nine epochs, the 2 of epoch 12 ten, so training ends after epoch 22
    assert genz_search.stopped(errors) == (2.0, 22)
    assert genz_search.stopped(errors[:12]) == (2.0, 12)


def test_a_study_is_really_run(monkeypatch):
    tiny = genz_search.Size(random=(2, 2), halving=(3, 1, 3), baseline=2)
    monkeypatch.setattr(genz_search, "QUICK", tiny)
    study = STUDIES["genz_search"]
    found = record(study, [0], True)
    # halving of 3 from 1 epoch to 3: three epochs, and two more of the best
    assert (
        found["measured"]["latest, halving, epochs"],
        found["measured"]["latest, random, epochs"],
    ) == (
        [5],
        [4],
    )
    again = record(study, [0], True)["measured"]
    assert again == found["measured"]
    assert (
        "| latest edition: epochs of halving, counted | 504 | 5 | 504 | not yet |"
        in tables.section(study, found)
    )


class Optimal(torch.nn.Module):
    """The optimal policy in the place of a network, in double precision."""

    def __init__(self):
        super().__init__()
        self.theta = torch.nn.Parameter(torch.zeros(1, 1, dtype=torch.float64))

    def forward(self, states):
        return brock_mirman_search.Lecture().solution(states)


def test_the_score_of_the_lecture_is_next_to_nothing_for_the_optimal_policy():
    problem, network = brock_mirman_search.Lecture(), Optimal()
    # the reference has residuals below 1e-9 with many nodes; 5 nodes in place of them cost 1e-6
    assert problem.error(network).item() < 1e-5
    assert problem.metrics(network)["policy"].item() == 0


def test_the_exact_function_leaves_the_noise_of_the_regression():
    problem = regression10d.Regression10D()
    # the standard deviation of y: from the solution's unit, sin(x_1) + ... at two points
    points = torch.zeros(2, 10, dtype=torch.float64)
    points[1, 9] = 1.0  # where the function is larger by 0.1
    shift = problem.solution(points).diff(dim=0).item()
    share = regression10d.NOISE**2 * (shift / 0.1) ** 2
    # the mean square of 1,000 normal numbers is off by 4.5 %, thrice which is allowed
    assert regression10d.noise_floor() == pytest.approx(share, rel=0.135)
