"""What is said of regrets, on examples worked out by hand, and how it is written down."""

import json

import pytest

from benchmarks.search.__main__ import BEGIN, END, main
from benchmarks.search.statistics import Comparison, compare, corrected, holm, spread
from benchmarks.search.tables import compared


def test_six_pairs_that_all_differ_the_same_way_have_p_of_one_in_32():
    ours, others = [1, 2, 3, 4, 5, 6], [2, 4, 6, 8, 10, 12]
    found = compare(ours, others)
    # 2 of the 2^6 signs are as extreme; the signed ranks are 1 to 6, all negative
    assert (found.p, found.lead) == (pytest.approx(2 / 64), -21)
    assert found.ratio == pytest.approx(3.5 / 7)
    assert compare(others, ours).lead == 21


def test_ranks_count_and_not_the_medians():
    # differences -1, 2, 3, -4: ranks 1 to 4 with their signs, -1 + 2 + 3 - 4 = 0
    assert compare([0, 2, 3, 0], [1, 0, 0, 4]).lead == 0


def test_equal_regrets_are_even():
    found = compare([1.0, 2.0, 0.0], [1.0, 2.0, 0.0])
    assert (found.p, found.ratio, found.verdict) == (1.0, 1.0, "even")


def test_holm_multiplies_the_smallest_by_all_and_never_decreases():
    # 3 * 0.01, then 2 * 0.03 = 0.06, then 1 * 0.04, which is below 0.06
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_verdicts_say_whether_correction_leaves_them():
    found = corrected(
        [
            Comparison(0.5, 0.001, -10, 20),
            Comparison(2.0, 0.04, 10, 20),
            Comparison(2.0, 0.03, 9, 20),
        ]
    )
    assert [c.verdict for c in found] == ["better", "worse?", "worse?"]
    assert corrected([Comparison(0.9, 0.06, -5, 20)])[0].verdict == "even"


def test_a_claim_is_missed_where_one_comparison_says_so_and_not_made_of_too_few_seeds():
    worse, even = Comparison(3.0, 0.001, 200, 20), Comparison(0.9, 0.5, -3, 20)
    few = Comparison(3.0, 0.125, 10, 4)

    def claimed(*found):
        rows = [(str(k), comparison) for k, comparison in enumerate(found)]
        return compared("pair", rows, "all is well", lambda c: c.verdict == "worse")

    assert claimed(worse, even).endswith("Claim: all is well: missed in 1 of 2.")
    assert claimed(even, even).endswith("Claim: all is well: holds.")
    assert "Claim" not in claimed(few)


def test_a_spread_has_the_quartiles():
    assert spread([1, 2, 3, 4, 5]) == "3 (2 to 4)"


def test_a_run_writes_its_records_and_puts_the_tables_into_a_page(tmp_path, capsys):
    page, records = tmp_path / "page.md", tmp_path / "results" / "search.jsonl"
    page.write_text(f"before\n{BEGIN}\nwhat an earlier run wrote\n{END}\nafter\n")
    main(("engines",), ("branin", "sobol"), seeds=2, target=records, page=page)
    told = [json.loads(line) for line in records.read_text().splitlines()]
    assert [(r["engine"], r["seed"]) for r in told] == [
        ("random", 0), ("sobol", 0), ("random", 1), ("sobol", 1),
    ]  # fmt: skip
    tables = page.read_text()
    assert tables.startswith(f"before\n{BEGIN}\n")
    assert tables.endswith(f"{END}\nafter\n")
    assert "earlier" not in tables
    assert "| sobol | branin | 200 |" in tables
    assert "seed 2 of 2" in capsys.readouterr().out
