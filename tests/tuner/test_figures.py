import re

import numpy as np
import pytest
from PIL import Image

from tests.tuner.planted import parameters, strategies
from tests.tuner.sweeps import ODD_TABLES, Sweep, constant, eight_trials, two_objectives
from tuner import Result, figures
from tuner.figures import importance, paper, stops, time
from tuner.figures import parameters as of_parameters
from tuner.figures.fates import MISSED, PARTIAL
from tuner.figures.over_epochs import MOST_EPOCHS_DRAWN
from tuner.insight.importances import importances
from tuner.journal import Journal
from tuner.ledger import replay
from tuner.solution import Solution


@pytest.fixture
def table():
    return eight_trials()


def trace(figure, name):
    found = [one for one in figure.data if one.name == name]
    assert len(found) == 1, [one.name for one in figure.data]
    return found[0]


def test_the_best_line_falls_only_with_trials_at_the_full_number_of_epochs(table):
    figure = figures.best_so_far(table)
    line = trace(figure, "best so far")
    assert line.x == (1, 2, 3, 8)
    assert line.y == pytest.approx((0.8, 0.4, 0.2, 0.2))
    assert line.line.shape == "hv"
    assert figure.layout.yaxis.type == "log"


def test_markers_tell_full_from_partial_from_lost(table):
    figure = figures.best_so_far(table)
    full, partial = trace(figure, "after 3 epochs"), trace(figure, PARTIAL)
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
    assert trace(figure, PARTIAL).x == pytest.approx((0.3, 0.5, 0.1))
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
    assert len(line.x) <= MOST_EPOCHS_DRAWN + 1
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


@pytest.mark.parametrize("name", ODD_TABLES)
def test_odd_tables_have_figures(name):
    table = ODD_TABLES[name]
    overview = [figures.best_so_far(table), figures.errors_by_balancer(table)]
    overview += [figures.errors_by(table, "width"), figures.pareto(table)]
    details = (figures.losses_over_epochs, figures.weights_over_epochs)
    details += (figures.error_over_epochs, figures.error_over_seconds)
    for figure in [*overview, *(draw(trial) for trial in table for draw in details)]:
        assert figure.data or len(figure.layout.annotations) == 1  # drawn, or said why not


def test_trials_that_confirm_others_are_in_no_picture_of_the_search():
    table = two_objectives()
    best, rows = figures.best_so_far(table), figures.errors_by_balancer(table)
    assert trace(best, "after 3 epochs").x == (1, 2, 3, 4, 6)
    assert max(trace(best, "best so far").x) == 6
    assert {text.split("<br>")[1] for text in rows.layout.yaxis.ticktext} == {
        "2 trials, 2 in full",
        "2 trials, 1 in full",
    }
    assert len(trace(rows, "one replicate").x) == 5 * 8


def test_what_misses_a_requirement_is_marked_and_is_never_the_best():
    table = two_objectives()
    figure = figures.best_so_far(table)
    missed = trace(figure, MISSED)
    assert (missed.x, missed.marker.symbol) == ((5,), "square-open")
    assert min(trace(figure, "best so far").y) == pytest.approx(0.2)
    assert trace(figures.errors_by_balancer(table), MISSED).x == pytest.approx((0.1,))


def test_the_pareto_set_is_a_staircase_over_the_second_objective():
    figure = figures.pareto(two_objectives())
    front = trace(figure, "Pareto set")
    assert front.x == (3.0, 6.0, 12.0, 27.0)  # seconds of trials 1, 6, 2 and 3
    assert front.y == pytest.approx((0.8, 0.5, 0.25, 0.2))
    assert (front.mode, front.line.shape) == ("lines+markers", "hv")
    assert trace(figure, "dominated").x == (18.0,)
    assert trace(figure, MISSED).x == (6.0,)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("seconds", "error")
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"


def test_three_objectives_are_two_panels_without_a_staircase():
    figure = figures.pareto(ODD_TABLES["three objectives"])
    assert [one.mode for one in figure.data] == ["markers", "markers"]
    assert (figure.layout.xaxis.title.text, figure.layout.xaxis2.title.text) == (
        "error",
        "seconds",
    )
    assert figure.layout.yaxis2.title.text == "mass"
    assert figure.layout.yaxis2.type == "linear"  # it is 0 for a trial


def test_the_error_over_seconds_has_the_errors_of_the_epochs():
    trial = Sweep().trial([[0.5, 0.6], [0.3, 0.4]], seconds=2.5).table().trials[1]
    epochs, seconds = figures.error_over_epochs(trial), figures.error_over_seconds(trial)
    by_epoch, by_second = (figure.data[-1] for figure in (epochs, seconds))
    assert (by_epoch.x, by_second.x) == ((1, 2), (2.5, 5.0))
    assert by_epoch.y == by_second.y == pytest.approx((0.55, 0.35))
    assert seconds.layout.xaxis.title.text == "seconds of training"


def title(figure):
    return figure.layout.title.text.replace("<br>", " ")


def test_strategies_lie_side_by_side_with_interval_and_cost():
    figure = figures.strategies(strategies({"uniform": 1.0, "relobralo": 0.4, "gradnorm": 0.9}))
    labels = [text.split("<br>")[0] for text in figure.layout.yaxis.ticktext]
    assert labels[0] == "relobralo"
    worse = trace(figure, "shown to be worse")
    assert len(worse.x) == 2
    assert min(x - below for x, below in zip(worse.x, worse.error_x.arrayminus, strict=True)) > 1
    assert len(trace(figure, "seconds for 1,000 steps").x) == 3
    assert title(figure).startswith("relobralo wins")


def test_equal_strategies_are_hollow():
    figure = figures.strategies(strategies({"uniform": 1.0, "relobralo": 1.0}))
    assert trace(figure, "no difference shown").marker.symbol == "circle-open"
    assert title(figure).startswith("No difference shown")


def test_the_best_falls_over_the_epochs_and_the_seconds_that_were_spent():
    events = Sweep().trial([[0.5]] * 3).trial([[0.7]]).trial([[0.2]] * 3).events
    clocks = iter(range(1, 100))
    timed = [{**event, "clock": float(next(clocks))} for event in events]
    sweep = Sweep()
    sweep.events = timed
    epochs, seconds = figures.best_over_cost(sweep.table(closed=None)).data
    assert (epochs.x, epochs.y) == ((3, 7, 7), (0.5, 0.2, 0.2))
    ends = [event["clock"] for event in timed if event["event"] == "ended"]
    assert seconds.x == (ends[0], ends[2], ends[2])


def test_importances_are_bars_and_a_map_over_the_losses():
    figure = importance.drawn(importances(parameters()))
    bars, cells, _ = figure.data
    assert figure.layout.yaxis.ticktext[0] == "rate"
    assert figure.layout.yaxis.ticktext[-1]
    assert "balancer.relobralo.alpha *" in figure.layout.yaxis.ticktext  # in some trials only
    assert np.shape(cells.z) == (len(bars.x), 2)
    assert figure.layout.xaxis2.ticktext == ("pde", "boundary")
    assert re.match(
        r"rate \(\d+\s%\) matters most for error; width \(\d+\s%\) for the loss bound",
        title(figure),
    )


def test_slices_show_a_conditional_parameter_only_where_it_counts():
    figure = of_parameters.slices(parameters(trials=40))
    names = {axis.title.text or "": name for name, axis in axes(figure)}
    panel = next(name for text, name in names.items() if "alpha" in text)
    assert "(20 trials)" in next(text for text in names if "alpha" in text)
    counted = next(one for one in figure.data if one.xaxis == panel.replace("axis", ""))
    assert len(counted.x) == 20
    rate = next(one for one in figure.data if one.xaxis in (None, "x"))
    assert len(rate.x) == 40


def axes(figure):
    layout = figure.layout
    return [(name, layout[name]) for name in layout if re.fullmatch(r"xaxis\d*", name)]


def test_parallel_coordinates_have_a_line_for_each_trial_and_none_where_a_parameter_is_not():
    figure = of_parameters.parallel(parameters(trials=30))
    assert len(figure.data) == 30
    assert {note.text for note in figure.layout.annotations} >= {"None", "uniform", "relobralo"}
    assert figure.layout.xaxis.ticktext[0] == "error"


def test_of_many_trials_the_best_and_some_others_are_drawn():
    figure = of_parameters.parallel(parameters(trials=400))
    assert len(figure.data) == of_parameters.MOST_LINES
    best = min(parameters(trials=400), key=lambda trial: trial.error)
    assert f"error: {best.error:.3g}"[:10] in {one.text[0][:10] for one in figure.data}


def test_rungs_show_who_stopped_and_who_went_on(table):
    figure = stops.rungs(table)
    assert len(trace(figure, "stopped here").x) == 2  # trials 4 and 7
    assert {text.split("<br>")[0] for text in figure.layout.xaxis.ticktext} == {"1", "2", "3"}


def test_times_add_up_to_the_whole_and_segments_lie_in_their_slots():
    events = [{"event": "opened", "clock": 0.0}]
    for number, (since, until) in enumerate([(0.0, 4.0), (1.0, 8.0), (4.0, 8.0)], start=1):
        told = {"trial": number, "point": {}, "origin": "tpe", "seconds": 0.0}
        events += [
            {"event": "proposed", "clock": since, **told},
            {"event": "started", "clock": since, "trial": number, "segment": 1},
            {
                "event": "ended",
                "clock": until,
                "trial": number,
                "status": "finished",
                "reason": "",
            },
        ]
    figure = time.time(replay(sorted(events, key=lambda event: event["clock"])))
    shares = [one.x[0] for one in figure.data if one.type == "bar"]
    assert sum(shares) == pytest.approx(100)
    segments = trace(figure, "finished")
    assert segments.y == (1, 1, None, 2, 2, None, 1, 1, None)


def test_a_solution_is_drawn_as_map_curves_or_points():
    x, y = np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 2, 5))
    grid = np.stack([y.ravel(), x.ravel()], axis=1)
    exact = grid[:, :1] * 2
    shown = figures.solution(
        Solution("map", 3, grid, exact + 0.04, exact, (5, 5), ("x", "t"), ("u",))
    )
    assert [one.type for one in shown.data] == ["heatmap"] * 3
    assert np.allclose(shown.data[2].z, 0.04)
    assert (
        title(shown) == "Trial 3 is nowhere further from the truth than 1.00\u00a0% of its range"
    )
    curves = figures.solution(
        Solution("curves", 3, grid, exact, None, (5, 5), ("x", "t"), ("u",), across=1)
    )
    assert len(curves.data) == 5
    assert "not known" in title(curves)
    dots = figures.solution(Solution("points", 3, grid, exact, exact, (25,), ("x", "t"), ("u",)))
    assert [one.mode for one in dots.data] == ["lines", "lines", "markers", "markers"]


def test_figures_become_png_for_papers(table, tmp_path):
    drawn = {
        "best_so_far": figures.best_so_far(table),
        "strategies": figures.strategies(table),
        "importance": importance.drawn(importances(parameters())),
        "slices": of_parameters.slices(parameters()),
        "rungs": stops.rungs(table),
        "losses": figures.losses_over_epochs(table.trials[3]),
    }
    files = paper.save(drawn, tmp_path / "png")
    assert [path.name for path in files] == [f"{name}.png" for name in drawn]
    for path in files:
        picture = Image.open(path)
        assert min(picture.size) > 100
        assert len(picture.convert("RGB").getcolors(10**6)) > 10  # something is drawn
    again = paper.save({"rungs": stops.rungs(table)}, tmp_path / "again")[0]
    assert again.read_bytes() == (tmp_path / "png" / "rungs.png").read_bytes()


ODD_SWEEPS = {
    "one epoch of one replicate": Sweep().trial([[0.4]], losses={}, origin="default", x=1.5),
    "two of one epoch": Sweep().trial([[0.4]], losses={}, x=1.5).trial([[0.5]], losses={}, x=1.2),
    "nothing finite": Sweep().trial([[None] * 3], "diverged", balancer="uniform"),
    "lost replicates": Sweep().trial([[0.1, 0.2, 0.3, None]], balancer="uniform"),
}


@pytest.mark.parametrize("name", ODD_SWEEPS)
def test_every_figure_of_an_odd_sweep_becomes_png_too(name, tmp_path):
    # the end of a run draws them all, and is not to fail on the last thing that it does
    closed = {"event": "closed", "status": "finished", "reason": ""}
    with Journal(tmp_path / "s" / "journal.jsonl") as journal:
        journal.append([*ODD_SWEEPS[name].events, closed])
    (tmp_path / "s" / "sweep.yaml").write_text("name: s\nproblem: burgers1d\n")
    for file in Result(tmp_path / "s").figures.save(tmp_path / "png"):
        assert min(Image.open(file).size) > 100
