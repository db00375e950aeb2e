"""How costs grow with a sweep: trials, slots, and what reads a sweep of 10,000 trials."""
