"""Supervised problems whose parts differ in scale."""
