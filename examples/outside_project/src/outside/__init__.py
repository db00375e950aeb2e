"""A project of its own that borrows the balancers of multiloss-tuner."""
