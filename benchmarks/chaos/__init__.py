"""A sweep under a random mix of faults, against the same sweep in peace."""

import tuner.ray_environment  # noqa: F401  before any file here imports ray
