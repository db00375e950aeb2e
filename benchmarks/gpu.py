"""Training steps on a GPU beside the CPU, for up to 1,024 replicates, with and without a CUDA graph.

    python -m benchmarks.gpu [--quick] [--sizes 1,4,16,64,256,1024] [--only burgers1d] [--device cpu]

Replicate-steps a second. It needs torch, numpy and scipy beside a checkout, nothing else, so it runs
on a bare GPU machine; without a GPU it says so and is done, and `--device cpu` shows what the
processor does alone, with all its cores.

- `trained`: the step of `trainables.Training`, as every sweep takes it.
- `bare`: points drawn, residuals, equal weights, backward, fused Adam: nothing that waits for the GPU.
- `graph`: the same, where the way from the residuals to the new parameters is one CUDA graph, captured
  after some steps, and fresh points are copied into its inputs before each replay.
- `at hand`: replays of the graph on points that lie on the GPU already; of `bare`, without a GPU.

Random numbers come from the CPU, a stream for each replicate, so that a seed means the same on every
device: `drawing` is how many milliseconds of a step that takes, with the way to the device.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks import measured
from trainables import PROBLEMS, Training
from trainables.network import Network
from trainables.problem import Batch, Problem
from trainables.randomness import Generators

NAMES = ("burgers1d", "helmholtz2d", "brock_mirman_labor")
SIZES = (1, 4, 16, 64, 256, 1024)
SECONDS, QUICK_SECONDS = 1.0, 0.1
"""Of steps, for each number of the table."""
WARM = 11
"""Steps before a graph is captured: what is cached, allocated or chosen is so by then."""
COLUMNS = ("trained", "bare", "graph", "at hand")


def loss(problem: Problem, network: Network, batch: Batch) -> Tensor:
    """(): the mean squares of all residuals, summed over losses and replicates."""
    residuals = problem.residuals(network, batch).values()
    return torch.stack([residual.square().mean(-1) for residual in residuals]).sum()


class Bare:
    """Training without choices: equal weights, Adam, a constant rate."""

    def __init__(self, problem: Problem, replicates: int, device: torch.device) -> None:
        self.problem, self.device = problem, device
        point = problem.default_point
        self.points = Generators.from_seed(0, replicates, 1, device=device)
        initial = Generators.from_seed(0, replicates, 0, device=device)
        self.network = problem.build(point, initial).to(device)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(),
            lr=point["learning_rate"],
            fused=True,
            capturable=device.type == "cuda",
        )
        self.carried = problem.start(self.points)

    def draw(self) -> Batch:
        batch, self.carried = self.problem.draw(self.network, self.carried, self.points)
        return batch

    def descend(self, batch: Batch) -> None:
        self.optimizer.zero_grad()
        loss(self.problem, self.network, batch).backward()
        self.optimizer.step()

    def step(self) -> None:
        self.descend(self.draw())


class Graphed:
    """A bare training whose way down is captured once and then replayed. CUDA alone has that.

    Source: the PyTorch notes on CUDA semantics, "Whole-network capture".
    """

    def __init__(self, bare: Bare) -> None:
        self.bare = bare
        self.inputs = {name: points.clone() for name, points in bare.draw().items()}
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM):
                bare.descend(self.inputs)
        torch.cuda.current_stream().wait_stream(aside)
        self.graph = torch.cuda.CUDAGraph()
        bare.optimizer.zero_grad()  # so that the gradients are made in the graph's own memory
        with torch.cuda.graph(self.graph):
            bare.descend(self.inputs)

    def replay(self) -> None:
        self.graph.replay()

    def step(self) -> None:
        for name, points in self.bare.draw().items():
            self.inputs[name].copy_(points)
        self.graph.replay()


def rate(run: Callable[[], object], seconds: float, device: torch.device) -> float:
    """Calls a second: bursts that double until one takes that long, of which the last counts."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    run()
    calls = 1
    while True:
        wait()
        start = time.perf_counter()
        for _ in range(calls):
            run()
        wait()
        took = time.perf_counter() - start
        if took >= seconds / 2:
            return calls / took
        calls *= 2


def row(name: str, replicates: int, device: torch.device, seconds: float) -> dict[str, Any]:
    """Replicate-steps a second of each column, `drawing` in ms; `refused`: why there is no graph."""
    problem = PROBLEMS[name]()
    training = Training(problem, problem.default_point, replicates=replicates, device=device)
    bare = Bare(problem, replicates, device)
    batch = bare.draw()
    runs: dict[str, Callable[[], object]] = {"trained": training._step, "bare": bare.step}
    found: dict[str, Any] = {"problem": name, "device": device.type, "replicates": replicates}
    if device.type == "cuda":
        try:
            graphed = Graphed(Bare(problem, replicates, device))
            runs |= {"graph": graphed.step, "at hand": graphed.replay}
        except RuntimeError as fault:  # an operation that waits for the GPU cannot be captured
            found["refused"] = str(fault).splitlines()[0]
    else:
        runs["at hand"] = lambda: bare.descend(batch)
    for column, run in runs.items():
        found[column] = replicates * rate(run, seconds, device)
    found["drawing"] = 1e3 / rate(bare.draw, seconds / 2, device)
    return found


def line(found: Mapping[str, Any]) -> str:
    cells = "".join(
        f"{found[column]:12,.0f}" if column in found else f"{'':12}" for column in COLUMNS
    )
    what = f"{found['problem']:20}{found['device']:6}{found['replicates']:6}"
    refused = f"   no graph: {found['refused']}" if "refused" in found else ""
    return f"{what}{cells}{found['drawing']:12.3f}{refused}"


def main(
    names: Sequence[str] = NAMES,
    sizes: Sequence[int] = SIZES,
    devices: Sequence[str] = ("cuda", "cpu"),
    seconds: float = SECONDS,
    kept: bool = False,
) -> None:
    if "cuda" in devices and not torch.cuda.is_available():
        print("No GPU here that torch can use: nothing measured. `--device cpu` measures the CPU.")
        return
    card = torch.cuda.get_device_name() if "cuda" in devices else "no GPU"
    print(f"{card}; {torch.get_num_threads()} threads of the CPU; replicate-steps a second")
    head = "".join(f"{column:>12}" for column in (*COLUMNS, "drawing, ms"))
    print(f"{'problem':20}{'':6}{'r':>6}{head}")
    rows = []
    for name in names:
        for replicates in sizes:
            for device in devices:
                rows.append(row(name, replicates, torch.device(device), seconds))
                print(line(rows[-1]), flush=True)
    if kept:
        threads = torch.get_num_threads()
        measured.keep("gpu", {"card": card, "threads": threads, "rows": rows}, "benchmarks.gpu")


def quick() -> None:
    main(sizes=(1, 16), seconds=QUICK_SECONDS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the time")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="replicates, by comma")
    parser.add_argument("--only", default=",".join(NAMES), help="problems, by comma")
    parser.add_argument("--device", choices=("both", "cpu", "cuda"), default="both")
    given = parser.parse_args()
    numbers = tuple(int(size) for size in given.sizes.split(","))
    chosen = tuple(given.only.split(","))
    main(
        chosen,
        numbers,
        ("cuda", "cpu") if given.device == "both" else (given.device,),
        QUICK_SECONDS if given.quick else SECONDS,
        kept=not given.quick and (chosen, numbers, given.device) == (NAMES, SIZES, "both"),
    )
