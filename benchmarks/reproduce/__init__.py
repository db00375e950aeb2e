"""Published results, run again: what was printed, what comes out here, and whether a claim holds.

A study is a file here and a line in `studies.py`. The file has

- `measure(seeds, quick)`, which trains and returns numbers by name, one for each seed;
- `rows(measured)`, a pure function from those numbers to the lines of the table: what was
  published, which of the numbers stands beside it, what is claimed of its median, and, where that
  turns out not to hold, the likely reason;
- `STUDY`, which puts the two together with the source and the budgets.

Numbers are kept and verdicts are not: `--from` makes the table anew from stored numbers, and joins
runs of other studies and of other seeds.

    def measure(seeds: Sequence[int], quick: bool) -> Measured:
        report = train(Burgers1D(), POINT, seeds, steps=500 if quick else 20_000)
        return {"error": report.error}

    def rows(measured: Measured) -> list[Row]:
        return [
            Row("relative L2 error", "0.0145", measured["error"], Claim(high=0.0145),
                reason="the budget is a tenth of the published one")
        ]

    STUDY = Study("burgers1d", "Burgers' equation", "PINNacle, 20,000 steps", budget, measure, rows)
"""

import os

# before numpy is loaded: two processes share the machine, each with one thread
os.environ.setdefault("OMP_NUM_THREADS", "1")
