"""The report as it is seen: in Chromium, without a network."""

import math

import numpy as np
import pytest
from PIL import Image

from tests.tuner.sweeps import Sweep
from tuner import report
from tuner.solution import Solution

CHARTS = (
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
    "solution",
    "time",
)
LIGHT, DARK = (255, 255, 255), (13, 17, 23)


def sweep():
    """Thirty trials of two balancers with times; two thirds are stopped after three epochs of nine."""
    rng = np.random.default_rng(0)
    made = Sweep(epochs=9, replicates=8)
    clock = 0.0
    for k in range(30):
        rate, width = 10 ** rng.uniform(-4, -1), int(rng.choice([16, 32, 64]))
        factor = (1.0, 0.4)[k % 2]
        start = factor * math.exp(abs(math.log10(rate) + 2.5))
        epochs = 9 if k % 3 == 0 else 3
        rows = [(start / e**0.8 * rng.lognormal(0, 0.1, 8)).tolist() for e in range(1, epochs + 1)]
        made.trial(
            rows,
            "finished" if epochs == 9 else "stopped",
            origin="tpe" if k else "default",
            balancer=("uniform", "relobralo")[k % 2],
            learning_rate=rate,
            width=width,
        )
        for event in made.events:
            if event.get("trial") == k + 1:
                clock += 1.0 if event["event"] == "reported" else 0.1
                event["clock"] = clock
    made.events.append({"event": "closed", "status": "finished", "reason": "", "clock": clock + 1})
    return made


@pytest.fixture(scope="module")
def table():
    return sweep().table(closed=None)


@pytest.fixture(scope="module")
def page(table, tmp_path_factory):
    x, y = np.meshgrid(np.linspace(0, 1, 21), np.linspace(0, 2, 21))
    points = np.stack([y.ravel(), x.ravel()], axis=1)
    exact = np.sin(3 * points[:, :1]) * points[:, 1:]
    learned = exact + 0.01 * np.cos(5 * points[:, 1:])
    solution = Solution("map", 1, points, learned, exact, (21, 21), ("x", "t"), ("u",))
    path = tmp_path_factory.mktemp("report") / "report.html"
    return report.write(
        table,
        path,
        title="In a browser",
        problem="burgers1d",
        how_to=["tuner best NAME"],
        usage="import tuner",
        solution=solution,
    )


def opened(browser, page, **options):
    browser.open(page, offline=True, **options)
    browser.wait("document.body.dataset.drawn === 'all'", 60)
    return browser


def test_it_opens_without_a_network_and_without_a_complaint(browser, page):
    opened(browser, page)
    assert browser.complaints() == []
    first, *others = browser.requests()
    assert first == page.as_uri()
    assert {url.partition(":")[0] for url in others} <= {"data", "blob"}  # the heat maps' pictures
    browser.screenshot("report-light")


def test_each_chart_has_its_data(browser, page, table):
    opened(browser, page)
    drawn = browser.run(
        "return Object.fromEntries(Object.keys(figures).map(id => [id,"
        " document.querySelectorAll(`#${id} .trace, #${id} .heatmaplayer image,"
        " #${id} .bars .point`).length]))"
    )
    assert set(drawn) == set(CHARTS)
    assert all(drawn.values()), drawn
    dots = browser.run(
        "return [...document.querySelectorAll('#best-so-far .scatterlayer .trace')]"
        ".map(trace => trace.querySelectorAll('.point').length)"
    )
    assert sum(dots) == len(table)
    assert browser.run("return document.querySelectorAll('#solution .hm image').length") == 3


def test_choosing_a_trial_changes_its_curves(browser, page, table):
    opened(browser, page)
    curves = "return document.getElementById(arguments[0]).data.map(trace => trace.y)"
    before = {name: browser.run(curves, name) for name in ("losses", "weights", "error")}
    browser.run(
        "const select = document.getElementById('trial'); select.value = '2';"
        "select.dispatchEvent(new Event('change'))"
    )
    browser.wait("document.querySelector('#losses .gtitle').textContent.includes('Trial 2')")
    after = {name: browser.run(curves, name) for name in ("losses", "weights", "error")}
    assert all(after[name] != before[name] for name in ("losses", "error"))
    reports = table.trials[2].reports
    assert after["losses"][1] == pytest.approx(
        [np.quantile(report.losses["pde"], 0.5) for report in reports], rel=0.004
    )
    assert after["error"][1] == pytest.approx([report.median for report in reports], rel=0.004)
    band = after["error"][0]
    high = [np.quantile(report.error, 0.9) for report in reports]
    assert band[: len(reports)] == pytest.approx(high, rel=0.02)
    seconds = browser.run("return document.getElementById('error-seconds').data[1].x")
    assert seconds == pytest.approx([report.seconds for report in reports], abs=0.05)
    assert browser.complaints() == []
    browser.screenshot("report-other-trial", of="#losses")


def test_the_curves_of_the_winner_are_the_same_before_and_after_it_is_chosen_again(browser, page):
    opened(browser, page)
    state = (
        "return ['losses', 'error'].map(id => document.getElementById(id).data.map(trace =>"
        " [trace.name, trace.x, trace.line && trace.line.color, trace.line && trace.line.dash]))"
    )
    heights = "return document.getElementById('losses').data.map(trace => trace.y)"
    before, y = browser.run(state), browser.run(heights)
    browser.run("choose(Number(document.getElementById('trial').value))")
    after = browser.run(state)
    assert [[t for t in part if t[3]] for part in after] == [
        [t for t in part if t[3]] for part in before
    ]
    for ours, theirs in zip(browser.run(heights), y, strict=True):
        assert [v for v in ours if v] == pytest.approx([v for v in theirs if v], rel=0.02)


def test_at_night_the_page_is_dark_and_its_words_are_light(browser, page):
    opened(browser, page, dark=True)
    shot = Image.open(browser.screenshot("report-dark")).convert("RGB")
    assert shot.getpixel((5, 5)) == DARK
    inks = browser.run(
        "return [...document.querySelectorAll('.plot .gtitle')]"
        ".map(title => getComputedStyle(title).fill)"
    )
    assert set(inks) == {"rgb(201, 209, 217)"}
    browser.show_as(dark=False)
    browser.wait("getComputedStyle(document.querySelector('.gtitle')).fill === 'rgb(59, 67, 75)'")
    assert browser.complaints() == []


def test_on_paper_it_is_light_and_nothing_leaves_the_page(browser, page):
    opened(browser, page, dark=True, width=720)
    browser.show_as(dark=True, media="print")
    browser.run("dispatchEvent(new Event('beforeprint'))")
    browser.wait("document.getElementById('strategies').layout.width === PAPER")
    shot = Image.open(browser.screenshot("report-print")).convert("RGB")
    assert shot.getpixel((2, 2)) == LIGHT
    assert browser.run("return getComputedStyle(document.querySelector('nav')).display") == "none"
    wide = browser.run(
        "return [...document.querySelectorAll('.gtitle, .gtitle-subtitle')]"
        ".filter(title => title.getBoundingClientRect().right > 720).map(t => t.textContent)"
    )
    assert wide == []
    assert browser.paper("report").stat().st_size > 50_000


def test_no_title_lies_on_another_and_none_is_cut_off(browser, page):
    opened(browser, page)
    cut = browser.run(
        "return [...document.querySelectorAll('.plot')].flatMap(plot => {"
        "  const all = plot.getBoundingClientRect();"
        "  return [...plot.querySelectorAll('.gtitle, .gtitle-subtitle, .xtitle, .ytitle')]"
        "    .filter(text => { const box = text.getBoundingClientRect();"
        "      return box.left < all.left - 1 || box.right > all.right + 1 || box.top < all.top - 1"
        "        || box.bottom > all.bottom + 1 })"
        "    .map(text => plot.id + ': ' + text.textContent) })"
    )
    assert cut == []


def test_a_browser_that_cannot_unpack_says_so(browser, page):
    browser.open("about:blank")
    script = "delete window.DecompressionStream"
    added = browser.cdp("Page.addScriptToEvaluateOnNewDocument", source=script)
    try:
        browser.open(page, offline=True)
        browser.wait("document.querySelector('.trouble')")
        said = browser.run("return document.querySelector('.trouble').textContent")
        assert "cannot be drawn" in said
        assert "browser of 2023 or later" in said
    finally:
        browser.cdp("Page.removeScriptToEvaluateOnNewDocument", **added)
