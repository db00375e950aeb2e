import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import yaml

from tests.tuner.planted import parameters, strategies
from tests.tuner.sweeps import ODD_TABLES, Sweep, constant, eight_trials, two_objectives
from tuner import curves, report


@pytest.fixture
def table():
    return eight_trials()


# The headline


def test_the_headline_names_the_winner_and_the_factor(table):
    text = report.headline(table)
    assert text.startswith(
        "Trial 3 (balancer relobralo) won: error 0.200 (0.184 to 0.216 over 4 replicates) "
        "after 3 epochs."
    )
    assert "the default point, trial 1, with 0.800" in text
    assert "better by a factor of 4.00" in text
    assert "do not overlap" in text
    assert "not finished" not in text


def test_overlapping_replicates_are_said():
    sweep = Sweep().trial(constant(0.21), origin="default").trial(constant(0.2))
    text = report.headline(sweep.table())
    assert "factor of 1.05" in text
    assert "(q10 to q90) overlap" in text


def test_one_replicate_may_be_luck():
    sweep = Sweep().trial(constant(0.8, r=1), origin="default").trial(constant(0.2, r=1))
    assert "luck" in report.headline(sweep.table())


def test_a_stopped_default_is_compared_at_its_own_epoch():
    sweep = Sweep().trial([[1.0] * 3], "stopped", origin="default")
    text = report.headline(sweep.trial([[2.0] * 3, [0.1] * 3]).table())
    assert text.startswith("Trial 2 won")
    assert "After 1 epoch, as far as the default point, trial 1, got" in text
    assert "it had 2.00" in text
    assert "worse by a factor of 2.00" in text


def test_with_seconds_as_fidelity_finished_trials_are_compared_as_they_ended():
    sweep = Sweep(fidelity="seconds", trial_seconds=6.0)
    sweep.trial([[0.9] * 4, [0.8] * 4, [0.8] * 4], origin="default", seconds=2.0)
    text = report.headline(sweep.trial([[0.6] * 4, [0.2] * 4], seconds=3.0).table())
    assert text.startswith("Trial 2 won: error 0.200")
    assert "with 0.800 (0.800 to 0.800 over 4 replicates): better by a factor of 4.00" in text


def test_an_unfinished_sweep_is_said():
    sweep = Sweep().trial(constant(0.2)).trial(constant(0.1, epochs=1), "running")
    text = report.headline(sweep.table(closed="interrupted"))
    assert text.startswith("Trial 1 leads so far")
    assert text.endswith(
        "not finished (interrupted: SIGTERM); it has 2 trials, 1 of them not ended."
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", "No trial has been proposed yet."),
        ("nothing finite", "No trial has a finite error: 1 diverged."),
        ("default alone", "Trial 1 won: error 0.500 (0.460 to 0.540 over 4 replicates)"),
        ("one replicate", "error 0.500 (1 replicate)"),
        ("lost replicates", "error 0.250 (0.130 to inf over 4 replicates)"),
        ("not started", "No trial has a finite error: 1 running. The sweep is not finished"),
    ],
)
def test_odd_tables_have_a_headline(name, words):
    assert words in report.headline(ODD_TABLES[name])


def test_a_default_that_diverged_or_is_the_best_is_said():
    sweep = Sweep().trial([[None] * 2], "diverged", origin="default").trial(constant(0.5))
    assert "The default point, trial 1, diverged." in report.headline(sweep.table())
    sweep = Sweep().trial(constant(0.1), origin="default").trial(constant(0.5))
    assert "no other trial has beaten it" in report.headline(sweep.table())


def test_a_confirmed_winner_is_said_with_its_fresh_errors_an_interval_and_two_comparisons():
    # the errors of 8 replicates of constant(e) lie evenly from 0.9 e to 1.1 e; the 95 % interval
    # of the median of 8 is from the least to the largest, since 2 (1 + 8) / 256 > 0.05
    text = report.headline(two_objectives())
    assert text.startswith(
        "Trial 2 (balancer uniform) won: error 0.260 (0.239 to 0.281 over 8 replicates) after 3 "
        "epochs, seconds 12, trained anew with fresh seeds as trial 8; median within 0.234 and "
        "0.286 (95 % interval). Against the runner-up, trial 3, with 0.300 "
    )
    assert "better; smaller in 8 of 8 replicates, median ratio 0.867, p = 0.0078" in text
    assert "Against the default point, trial 1, with 0.820" in text
    assert text.endswith("error decides; trials 3, 2, 6, 1 are not dominated by any other.")


def test_with_few_fresh_replicates_it_cannot_tell():
    sweep = Sweep().trial(constant(0.5), origin="default").trial(constant(0.2))
    table = sweep.trial(constant(0.3), of=2).trial(constant(0.5), of=1).table()
    text = report.headline(table)
    assert "4 replicates are too few for a 95 % interval of the median, which needs 6" in text
    assert "Against the runner-up, which is the default point, trial 1, with 0.500" in text
    assert "cannot tell; smaller in 4 of 4 replicates, median ratio 0.600, p = 0.12" in text


def test_when_nothing_meets_what_is_required_it_says_by_how_much_the_nearest_misses():
    text = report.headline(ODD_TABLES["nothing feasible"])
    assert text == (
        "No trial meets what is required (repairs at most 0.01), so none has won. Trial 1 misses "
        "it by the least: repairs 0.300, error 0.500."
    )


def test_when_nothing_holds_up_with_fresh_seeds_nothing_is_confirmed():
    text = report.headline(ODD_TABLES["lost when repeated"])
    assert text.startswith("1 trial trained anew with fresh seeds, but none finished")


# The page


class Tags(HTMLParser):
    """The start tags with attributes, and the text outside scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words, self._inside = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside not in ("script", "style"):
            self.words.append(data)


def written(table, path, **more):
    options = {"title": "burgers", "problem": "burgers1d"} | more
    return report.write(table, path / "report.html", **options).read_text(encoding="utf-8")


def test_the_page_holds_what_it_promises(table, tmp_path):
    page = written(table, tmp_path, sweep_yaml="name: burgers", how_to=["tuner best burgers"])
    text = " ".join(Tags(page).words)
    assert report.headline(table) in text
    for words in ("burgers1d", "tuner best burgers", "name: burgers", "width: 32"):
        assert words in text
    assert "1 × epoch 2: loss `pde` is not finite in 4 of 4 replicates (trial 5)" in text
    assert "1 × out of memory (trial 6)" in text
    assert list(drawn(page)) == [
        "best-so-far",
        "best-over-cost",
        "strategies",
        "importance",
        "slices",
        "parallel",
        "rungs",
        "losses",
        "weights",
        "error",
        "error-seconds",
    ]
    ids = [attributes["id"] for tag, attributes in Tags(page).tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {*drawn(page)} < {*ids}
    assert len(page.encode()) < 2_200_000


def drawn(page):
    """The figures of a page."""
    found = json.loads(
        packed(page, "figures"), parse_constant=pytest.fail
    )  # neither NaN nor Infinity
    assert all(figure["data"] or figure["layout"]["annotations"] for figure in found.values())
    return found


def packed(page, name):
    (text,) = re.findall(f'<script type="application/gzip" id="{name}">([^<]*)</script>', page)
    return report.unpack(text)


def test_the_best_trials_are_sorted_by_epochs_before_error(table, tmp_path):
    page = written(table, tmp_path)
    rows = re.findall(r"<tr( class=faint)?><td>(\d+)</td><td>(?:tpe|default)", page)
    assert rows == [("", "3"), ("", "2"), ("", "1"), (" class=faint", "8"), (" class=faint", "7")]


def test_nothing_is_loaded_from_elsewhere(table, tmp_path):
    tags = Tags(written(table, tmp_path)).tags
    assert {tag for tag, _ in tags} >= {"script", "style", "table", "div"}
    for tag, attributes in tags:
        assert tag not in ("link", "img", "iframe", "base")
        assert not {"src", "action", "data"} & set(attributes)
        assert attributes.get("href", "#").startswith("#")


def test_values_cannot_become_markup(tmp_path):
    evil = "</script><script>alert(1)</script>"
    sweep = Sweep().trial(constant(0.5), origin=evil, balancer=evil, **{evil: evil})
    sweep.trial([], "failed", reason=evil, balancer=evil)
    harmless = Tags(written(Sweep().trial(constant(0.5), balancer="a").table(), tmp_path)).tags
    options = {"title": evil, "problem": evil, "sweep_yaml": evil, "how_to": [evil]}
    page = written(sweep.table(), tmp_path, **options)
    scripts = [tag for tag, _ in Tags(page).tags if tag == "script"]
    assert scripts == [tag for tag, _ in harmless if tag == "script"]
    assert "<script>alert" not in page


def test_equal_tables_give_equal_bytes(table, tmp_path):
    first = written(table, tmp_path)
    assert written(table, tmp_path) == first
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("name", ODD_TABLES)
def test_odd_tables_have_a_page(name, tmp_path):
    odd = ODD_TABLES[name]
    page = written(odd, tmp_path / "new folder")
    assert report.headline(odd) in " ".join(Tags(page).words)
    drawn(page)
    json.loads(packed(page, "curves"), parse_constant=pytest.fail)


def test_the_best_point_is_yaml_that_reads_back(tmp_path):
    point = {
        "balancer": "relobralo",
        "balancer.relobralo.temperature": 1e-05,
        "width": 32,
        "flag": True,
        "word": "no",
        "odd: key": "a: 'b' <c> \u00e9",
        "layers": [1, 2],
        "nothing": None,
        "large": 1.5e22,
    }
    tags = Tags(written(Sweep().trial([[0.5]], **point).table(), tmp_path))
    shown = next(text for text in tags.words if text.startswith("balancer: relobralo"))
    assert yaml.safe_load(shown) == point


def test_a_page_of_a_confirmed_sweep_of_two_objectives_has_their_tables(tmp_path):
    page = written(two_objectives(), tmp_path)
    text = " ".join(Tags(page).words)
    for title in (
        "Confirmed with fresh seeds",
        "Pareto set",
        "trained anew with fresh seeds as trial",
    ):
        assert title in text
    confirmed = page[page.index("<h3>Confirmed") :]
    rows = re.findall(r"<tr><td>(\d+)</td><td>([\d.]+)</td><td>(\d+)</td>", confirmed)
    assert rows == [("2", "0.250", "8"), ("3", "0.200", "7"), ("1", "0.800", "9")]
    front = page[page.index("<h3>Pareto") : page.index('id="pareto"')]
    assert re.findall(r"<tr><td>(\d+)</td>", front) == ["3", "2", "6", "1"]
    assert "<td>3</td><td>finished, repeating another with fresh seeds</td>" in page
    assert re.findall(r"<td>(met|missed)</td>", page) == ["met"] * 5  # trial 5 is the sixth


def test_a_section_is_a_question_and_is_left_out_where_nothing_can_be_said(table, tmp_path):
    heads = re.findall(r"<h2 id=to-(\w+)>", written(table, tmp_path))
    sections = "winner search strategies parameters rungs trials next tables"
    assert heads == sections.split()
    links = re.findall(r'href="#to-(\w+)"', written(table, tmp_path))
    assert links == heads
    assert re.findall(r"<h2 id=to-(\w+)>", written(ODD_TABLES["empty"], tmp_path)) == ["search"]


def test_the_planted_winner_is_named_with_its_interval_and_equals_are_not(tmp_path):
    words = written(strategies({"uniform": 1.0, "relobralo": 0.4}), tmp_path)
    title = drawn(words)["strategies"]["layout"]["title"]["text"].replace("<br>", " ")
    assert title.startswith("relobralo wins, against the other balancer: the error of uniform, ")
    assert re.search(r"is 2\.\d+ times as large \(\d\.\d+ to \d\.\d+, 95 % interval\)", title)
    page = written(strategies({"uniform": 1.0, "relobralo": 1.0}), tmp_path)
    title = drawn(page)["strategies"]["layout"]["title"]["text"].replace("<br>", " ")
    assert title.startswith("No difference shown between")
    assert "wins" not in title


def test_the_planted_parameter_is_first_in_the_picture(tmp_path):
    figure = drawn(written(parameters(), tmp_path))["importance"]
    assert figure["layout"]["yaxis"]["ticktext"][0] == "rate"
    assert figure["layout"]["title"]["text"].startswith("rate (")


def test_every_trial_can_be_chosen_and_its_curves_are_those_of_its_reports(table, tmp_path):
    page = written(table, tmp_path)
    found = json.loads(packed(page, "curves"))
    assert (found["losses"], found["weights"], found["every"]) == (
        ["pde", "boundary"],
        ["pde", "boundary"],
        1,
    )
    assert sorted(t["n"] for t in found["trials"]) == [1, 2, 3, 4, 5, 7, 8]
    assert re.findall(r"<option value=(\d+)>", page) == ["3", "2", "1", "8", "7", "5", "4"]
    third = next(t for t in found["trials"] if t["n"] == 3)
    middle, below, _ = third["losses"][1]  # twice the error, 0.2, and q10 8 % below
    assert np.cumsum(third["epochs"]).tolist() == [1, 2, 3]
    assert 10 ** (middle[0] / 500) == pytest.approx(0.4, rel=0.005)
    assert 10 ** (-below[0] / 100) == pytest.approx(0.92, rel=0.02)
    assert middle[1:] == below[1:] == [0, 0]


def test_lost_replicates_and_weights_of_zero_have_curves(tmp_path):
    sweep = Sweep().trial([[0.5, 0.6], [None, None]], "diverged")
    for event in sweep.events:
        if event["event"] == "reported":
            event["report"]["weights"] = {"pde": [0.0, 0.0], "boundary": [2.0, 1.0]}
    (trial,) = json.loads(packed(written(sweep.table(), tmp_path), "curves"))["trials"]
    assert trial["error"][0][1] is None
    middle, _, _, size = trial["weights"][0]
    assert (middle, size) == ([0, 0], 1.0)
    assert len(trial["weights"][1]) == 3


def test_of_many_epochs_some_are_left_out_of_the_curves_and_the_last_never():
    sweep = Sweep()
    rng = np.random.default_rng(0)
    for _ in range(60):
        sweep.trial(rng.lognormal(0, 1, (40, 4)).tolist())
    found = curves.packed(sweep.table(), most_bytes=5_000)
    assert found["every"] > 1
    assert {int(np.sum(trial["epochs"])) for trial in found["trials"]} == {40}
    assert len(json.dumps(found)) < len(json.dumps(curves.packed(sweep.table())))
