"""Economic equilibria solved by deep equilibrium nets: one residual per equilibrium condition."""
