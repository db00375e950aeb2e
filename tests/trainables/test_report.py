import json
import math

import pytest

from trainables.report import Report, quantile


def test_a_report_goes_through_json_with_its_lost_replicates():
    report = Report(
        epoch=3,
        steps=30,
        seconds=1.5,
        error=(0.1, math.inf),
        losses={"pde": (1.0, math.nan)},
        weights={"pde": (1.0, 1.0)},
        metrics={"max": (2.0, 3.0)},
        diverged="why",
    )
    text = json.dumps(report.to_json(), allow_nan=False)
    found = Report.from_json(json.loads(text))
    assert found.error == (0.1, math.inf)
    assert math.isnan(found.losses["pde"][1])
    assert found.metrics == report.metrics
    assert found.diverged == "why"


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [
        ((3.0, 1.0, 2.0), 0.5, 2.0),
        ((1.0, 2.0, 3.0, 4.0), 0.5, 2.5),
        ((1.0, 2.0, 3.0, math.inf), 0.5, 2.5),
        ((1.0, 2.0, math.inf, math.nan), 0.5, math.inf),
        ((1.0, math.inf), 0.0, 1.0),
        ((1.0, 2.0, 3.0), 0.25, 1.5),
        ((5.0,), 0.9, 5.0),
    ],
)
def test_quantiles_count_lost_replicates_as_worst(values, q, expected):
    assert quantile(values, q) == expected
