"""The benchmark of GPUs says when there is none, and needs nothing but torch."""

import subprocess
import sys

import pytest
import torch

from benchmarks import gpu
from trainables.randomness import Generators

CPU_ALONE = """
import runpy, sys
sys.argv = ["gpu", "--device", "cpu", "--sizes", "1,2", "--quick", "--only", "burgers1d"]
runpy.run_module("benchmarks.gpu", run_name="__main__")
print({"ray", "mlflow", "optuna", "tuner", "pandas"} & set(sys.modules))
"""


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_in_a_line_and_is_done(capsys):
    gpu.main()
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("No GPU here")


def test_the_processor_alone_gets_a_table_with_torch_and_trainables_alone():
    run = subprocess.run(
        [sys.executable, "-c", CPU_ALONE], capture_output=True, text=True, check=True
    )
    _, head, *rows, loaded = run.stdout.splitlines()
    assert head.split()[:3] == ["problem", "r", "trained"]
    assert [row.split()[:3] for row in rows] == [["burgers1d", "cpu", r] for r in ("1", "2")]
    assert all(float(cell.replace(",", "")) > 0 for row in rows for cell in row.split()[3:])
    assert loaded == "set()"


def test_the_bare_step_is_the_step_of_a_training_with_equal_weights():
    problem = gpu.PROBLEMS["burgers1d"](interior_points=16)
    training = gpu.Training(problem, problem.default_point, replicates=2)
    bare = gpu.Bare(problem, 2, torch.device("cpu"))
    for _ in range(3):
        training._step()
        bare.step()
    for ours, theirs in zip(training.parameters, bare.network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", gpu.NAMES)
def test_what_a_graph_captures_reads_no_number(name):
    nowhere = torch.device("meta")  # which has shapes and devices, and no numbers to be read
    problem = gpu.PROBLEMS[name]()
    initial, points = (Generators.from_seed(0, 2, k, device=nowhere) for k in (0, 1))
    network = problem.build(problem.default_point, initial).to(nowhere)
    batch, _ = problem.draw(network, problem.start(points), points)
    gpu.loss(problem, network, batch).backward()
    assert all(p.grad.shape == p.shape for p in network.parameters())
