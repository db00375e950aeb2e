"""Measured claims. Each prints ours beside its peer, from the same run."""
