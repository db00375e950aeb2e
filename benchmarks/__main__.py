"""`python -m benchmarks`: the short form of every benchmark, one after the other."""

from benchmarks import burgers_uniform, replicates

for benchmark in (replicates, burgers_uniform):
    print(f"\n{benchmark.__doc__.splitlines()[0]}\n")
    benchmark.main()
