"""Figures and the report, from tables made by hand through the ledger's events."""

import json
import re
from html.parser import HTMLParser

import pytest
import yaml

from tuner import figures, report
from tuner.table import Ledger


class Sweep:
    """The events of a sweep, written trial by trial."""

    def __init__(self):
        self.events = [{"event": "sweep", "specification": {}}, {"event": "opened"}]
        self.number = 0

    def trial(self, errors, status="finished", *, origin="tpe", reason="", losses=None, **point):
        """A trial with a row of replicate errors for each epoch."""
        self.number += 1
        self._event("proposed", point=point, origin=origin)
        self._event("started", segment=1, epoch=0)
        for epoch, row in enumerate(errors, start=1):
            parts = (
                {"pde": row, "boundary": [e and 2 * e for e in row]} if losses is None else losses
            )
            said = {"epoch": epoch, "steps": 10 * epoch, "seconds": 1.0 * epoch, "error": row}
            said |= {"losses": parts, "weights": {name: [0.5] * len(row) for name in parts}}
            self._event("reported", segment=1, report=said)
        if status == "paused":
            self._event("paused", reason=reason)
        elif status != "running":
            self._event("ended", status=status, reason=reason)
        return self

    def _event(self, event, **fields):
        self.events.append({"event": event, "trial": self.number, **fields})

    def table(self, closed="finished"):
        end = [{"event": "closed", "status": closed, "reason": "SIGTERM"}] if closed else []
        return Ledger([*self.events, *end]).table


def constant(error, epochs=3, r=4):
    """Replicates evenly from 10 % below to 10 % above the error, the same in all epochs."""
    row = [error * (0.9 + 0.2 * i / (r - 1)) for i in range(r)] if r > 1 else [error]
    return [row] * epochs


@pytest.fixture
def table():
    """Trial 3 is the best; trial 4 was stopped with a lower error, after one epoch."""
    sweep = Sweep()
    sweep.trial(constant(0.8), origin="default", balancer="uniform", width=16)
    sweep.trial(constant(0.4), balancer="uniform", width=32)
    sweep.trial(constant(0.2), balancer="relobralo", width=32)
    sweep.trial(constant(0.1, epochs=1), "stopped", balancer="relobralo", width=64)
    bad = "epoch 2: loss `pde` is not finite in 4 of 4 replicates"
    sweep.trial([[1.0] * 4, [None] * 4], "diverged", reason=bad, balancer="gradnorm", width=16)
    sweep.trial([], "failed", reason="out of memory", balancer="gradnorm", width=64)
    sweep.trial(constant(0.5, epochs=2), "paused", balancer="relobralo", width=16)
    sweep.trial(constant(0.3, epochs=2), "running", balancer="relobralo", width=16)
    return sweep.table()


def trace(figure, name):
    found = [one for one in figure.data if one.name == name]
    assert len(found) == 1, [one.name for one in figure.data]
    return found[0]


ODD_TABLES = {
    "empty": Sweep().table(closed=None),
    "default alone": Sweep().trial(constant(0.5), origin="default", width=3).table(),
    "not started": Sweep().trial([], "running", balancer="uniform").table(closed=None),
    "nothing finite": Sweep().trial([[None] * 3], "diverged", balancer="uniform").table(),
    "no balancer": Sweep().trial(constant(0.5), width=3).trial(constant(0.6), width=4).table(),
    "one replicate": Sweep().trial(constant(0.5, r=1), balancer="uniform").table(),
    "lost replicates": Sweep().trial([[0.1, 0.2, 0.3, None]], balancer="uniform").table(),
    "no losses": Sweep().trial([[0.5]], losses={}).table(),
    "error 0": Sweep().trial([[1.0]], origin="default").trial([[0.0]]).table(),
}


# Numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123, "0.0123"),
        (0.01, "0.0100"),
        (1.0, "1.00"),
        (123.4, "123"),
        (12345.0, "1.23e+04"),
        (0.00012345, "1.23e-04"),
        (0.0, "0.00"),
        (float("inf"), "inf"),
    ],
)
def test_errors_have_three_digits(value, text):
    assert figures.number(value) == text


# Figures


def test_the_best_line_falls_only_with_trials_at_the_full_number_of_epochs(table):
    figure = figures.best_so_far(table)
    line = trace(figure, "best so far")
    assert line.x == (1, 2, 3, 8)
    assert line.y == pytest.approx((0.8, 0.4, 0.2, 0.2))
    assert line.line.shape == "hv"
    assert figure.layout.yaxis.type == "log"


def test_markers_tell_full_from_partial_from_lost(table):
    figure = figures.best_so_far(table)
    full, partial = trace(figure, "after 3 epochs"), trace(figure, figures.PARTIAL)
    assert (full.x, full.marker.symbol) == ((1, 2, 3), None)
    assert (partial.x, partial.marker.symbol) == ((4, 7, 8), "circle-open")
    assert partial.y == pytest.approx((0.1, 0.5, 0.3))
    assert trace(figure, "diverged or failed").x == (5, 6)
    assert "after 1 epoch<br>" in partial.hovertext[0]
    assert "0.200 (0.184 to 0.216 over 4 replicates) after 3 epochs" in full.hovertext[2]
    assert "balancer = relobralo" in full.hovertext[2]


def test_bars_reach_from_q10_to_q90(table):
    bars = trace(figures.best_so_far(table), "after 3 epochs").error_y
    # 0.72, 0.7733, 0.8267, 0.88: q10 is 0.736, the median 0.8, q90 0.864
    assert bars.array[0] == pytest.approx(0.064)
    assert bars.arrayminus[0] == pytest.approx(0.064)


def test_the_default_point_is_a_labelled_line(table):
    line = trace(figures.best_so_far(table), "default point")
    assert line.y == pytest.approx((0.8, 0.8))
    assert line.line.dash == "dash"
    assert line.text[-1] == "default point,<br>trial 1"


def test_a_default_point_that_was_stopped_says_after_how_many_epochs():
    sweep = Sweep().trial(constant(0.1, epochs=1), "stopped", origin="default")
    line = trace(figures.best_so_far(sweep.trial(constant(0.5)).table()), "default point")
    assert line.line.dash == "dot"
    assert "after only 1 epoch" in line.text[-1]


def test_balancers_are_rows_sorted_by_their_best(table):
    figure = figures.errors_by_balancer(table)
    assert figure.layout.yaxis.ticktext == (
        "relobralo<br>4 trials, 1 in full",
        "uniform<br>2 trials, 2 in full",
        "gradnorm<br>2 trials, 0 in full",
    )
    best = trace(figure, "best trial, with q10 to q90")
    assert best.x == pytest.approx((0.2, 0.4))
    bar = trace(figure, "q10 to q90")
    assert bar.x[:2] == pytest.approx((0.184, 0.216))
    assert bar.x[2] is None
    assert bar.y[0] == best.y[0]


def test_every_replicate_of_full_trials_is_a_point(table):
    figure = figures.errors_by_balancer(table)
    points = trace(figure, "one replicate")
    assert len(points.x) == 3 * 4
    assert points.x[:4] == pytest.approx(constant(0.2)[0], rel=1e-5)  # six digits are kept
    assert trace(figure, "median of a trial").x == pytest.approx((0.2, 0.4, 0.8))
    assert trace(figure, figures.PARTIAL).x == pytest.approx((0.3, 0.5, 0.1))
    assert all(abs(y - round(y)) < 0.5 for one in figure.data for y in one.y)


def test_rows_work_with_any_parameter(table):
    figure = figures.errors_by(table, parameter="width")
    assert [text.split("<br>")[0] for text in figure.layout.yaxis.ticktext] == ["32", "16", "64"]


def test_trials_without_the_parameter_have_a_row(table):
    (label,) = figures.errors_by(table, parameter="depth").layout.yaxis.ticktext
    assert label == "(none)<br>8 trials, 3 in full"


def test_over_epochs_shows_median_and_band_in_one_colour_for_each_loss(table):
    trial = table.trials[3]
    losses, weights = figures.losses_over_epochs(trial), figures.weights_over_epochs(trial)
    lines = [one for one in losses.data if one.mode == "lines"]
    assert [one.name for one in lines] == ["pde", "boundary"]
    assert lines[1].x == (1, 2, 3)
    assert lines[1].y == pytest.approx((0.4, 0.4, 0.4))
    assert [one.line.color for one in weights.data if one.mode == "lines"] == [
        one.line.color for one in lines
    ]
    band = next(one for one in losses.data if one.fill == "toself")
    assert band.y == pytest.approx((0.216,) * 3 + (0.184,) * 3 + (None,), nan_ok=True)
    error = trace_of_lines(figures.error_over_epochs(trial))
    assert error.y == pytest.approx((0.2,) * 3)


def trace_of_lines(figure):
    (line,) = (one for one in figure.data if one.mode == "lines")
    return line


def test_a_lost_replicate_leaves_a_gap_in_the_band():
    rows = [[0.1, 0.2, 0.3], [0.1, 0.2, None], [0.1, 0.2, 0.3]]
    figure = figures.error_over_epochs(Sweep().trial(rows).table().trials[1])
    band = next(one for one in figure.data if one.fill)
    assert band.x == (1, 1, None, 3, 3, None)
    assert trace_of_lines(figure).y == pytest.approx((0.2,) * 3)


def test_long_runs_are_thinned_and_keep_both_ends():
    trial = Sweep().trial([[0.5]] * 5001).table().trials[1]
    line = trace_of_lines(figures.error_over_epochs(trial))
    assert len(line.x) <= figures.MOST_EPOCHS_DRAWN + 1
    assert (line.x[0], line.x[-1]) == (1, 5001)


def test_weights_of_zero_get_a_linear_axis():
    sweep = Sweep().trial([[0.5]])
    sweep.events[-2]["report"]["weights"] = {"pde": [0.0], "boundary": [1.0]}
    trial = sweep.table().trials[1]
    assert figures.weights_over_epochs(trial).layout.yaxis.type == "linear"
    assert figures.losses_over_epochs(trial).layout.yaxis.type == "log"


def test_names_are_text_in_a_picture():
    table = Sweep().trial(constant(0.5), balancer="<b>&").table()
    assert figures.errors_by_balancer(table).layout.yaxis.ticktext[0].startswith("&lt;b&gt;&amp;")
    hover = trace(figures.best_so_far(table), "after 3 epochs").hovertext[0]
    assert "balancer = &lt;b&gt;&amp;" in hover


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
    ids = [attributes["id"] for tag, attributes in Tags(page).tags if "id" in attributes]
    assert ids == ["best-so-far", "by-balancer", "losses", "weights", "error"]
    assert len(page.encode()) < 5_500_000


def test_the_best_trials_are_sorted_by_epochs_before_error(table, tmp_path):
    page = written(table, tmp_path)
    rows = re.findall(r"<tr( class=faint)?><td>(\d+)</td><td>(?:tpe|default)", page)
    assert rows == [("", "3"), ("", "2"), ("", "1"), (" class=faint", "8"), (" class=faint", "7")]


def test_nothing_is_loaded_from_elsewhere(table, tmp_path):
    tags = Tags(written(table, tmp_path)).tags
    assert {tag for tag, _ in tags} >= {"script", "style", "table", "div"}
    for tag, attributes in tags:
        assert tag not in ("link", "img", "iframe", "base")
        assert not {"src", "href", "action", "data"} & set(attributes)


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
    for data in re.findall(r'<script>draw\("[a-z-]+", ([^<]*)\)</script>', page):
        json.loads(data, parse_constant=pytest.fail)  # neither NaN nor Infinity


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
