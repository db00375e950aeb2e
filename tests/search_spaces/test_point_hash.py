"""Hashes of points: stable for ever, since journals hold them."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from search_spaces import Float, Parameter, Space, point_hash

POINT = {"width": 32, "balancer": "relobralo", "balancer.relobralo.temperature": 0.1}
HASH = "bd141bc401e16fbf"


def test_the_hash_never_changes():
    assert point_hash(POINT) == HASH


def test_the_hash_is_the_same_in_another_process():
    script = f"from search_spaces import point_hash; print(point_hash({POINT!r}))"
    for seed in ("0", "1", "4242"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == HASH


def test_the_hash_does_not_depend_on_the_order_or_on_numpy():
    shuffled = dict(reversed(POINT.items())) | {"width": np.int64(32)}
    assert point_hash(shuffled) == HASH


def test_canonical_points_that_are_equal_have_equal_hashes():
    space = Space((Parameter("x", Float(-1, 9)),))
    for one, other in [(1, 1.0), (0.0, -0.0), (0.3, 0.1 + 0.2), (np.float32(0.5), 0.5)]:
        hashes = {point_hash(space.canonical({"x": x})) for x in (one, other)}
        assert len(hashes) == 1


@pytest.mark.parametrize(
    "other", [{**POINT, "width": 33}, {**POINT, "width": "32"}, {"width": 32}, {}]
)
def test_other_points_have_other_hashes(other):
    assert point_hash(other) != HASH


def test_a_number_that_json_lacks_has_no_hash():
    with pytest.raises(ValueError, match="JSON"):
        point_hash({"x": float("nan")})
