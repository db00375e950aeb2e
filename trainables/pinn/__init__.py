"""Differential equations solved by physics-informed networks: one residual per condition."""
