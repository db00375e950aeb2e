"""`python -m benchmarks`: the short form of every benchmark, one after the other."""

from benchmarks import (
    balancers,
    burgers_uniform,
    dashboards,
    genz3,
    gpu,
    overhead,
    replicates,
    seeing,
    steps,
    wall_clock,
    wave1d,
)
from benchmarks.reproduce import __main__ as reproduce
from benchmarks.scale import __main__ as scale
from benchmarks.search import __main__ as search

SHORT = {
    replicates: replicates.main,
    steps: steps.quick,
    overhead: overhead.quick,
    wall_clock: wall_clock.quick,
    gpu: gpu.quick,
    scale: scale.quick,
    seeing: seeing.quick,
    dashboards: dashboards.quick,
    balancers: balancers.quick,
    genz3: genz3.quick,
    burgers_uniform: burgers_uniform.main,
    wave1d: wave1d.quick,
    search: search.quick,
    reproduce: reproduce.quick,
}

for benchmark, short in SHORT.items():
    print(f"\n{benchmark.__doc__.splitlines()[0]}\n")
    short()
