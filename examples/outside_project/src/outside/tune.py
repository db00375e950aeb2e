"""Tune the spring here or on a cluster, take the best network and predict with it.

python -m outside.tune
python -m outside.tune --cluster      # the one of TUNER_ADDRESS and TUNER_TOKEN_FILE, or a profile
"""

import sys
from pathlib import Path

import torch

import trainables
import tuner
from outside.spring import Spring
from tuner.profiles import cluster

SWEEP = tuner.Sweep(
    name="spring",
    problem="outside.spring:Spring",
    space={
        "use": ["balancer"],
        "set": {
            "width": {"choice": [16, 32]},
            "depth": 2,
            "learning_rate": {"low": 2e-3, "high": 1e-2, "scale": "log"},
            "balancer": {"choice": ["uniform", "inverse_loss", "relobralo"]},
        },
    },
    budget={"trials": 4, "epochs": 9},
    replicates=2,
)


def tuned(on_cluster: bool) -> tuner.Result:
    """The sweep, run to its end."""
    if not on_cluster:
        return tuner.run(SWEEP)
    there = cluster()
    client = tuner.Client(there.address, there.token, certificates=there.certificates)
    handle = client.submit(SWEEP, code=["outside"])
    ended = handle.wait()
    print(ended.line())
    if ended.status != "finished":
        sys.exit("".join(handle.logs()))
    return handle.result()


def main() -> None:
    """Print the best point, and what its network says beside the exact solution."""
    best = tuned("--cluster" in sys.argv).best()
    print(f"error {best.error:.3g} with {dict(best.point)}")
    model = trainables.Model.load(best.export(Path("spring.pt")))
    times = torch.tensor([[0.0], [3.0], [6.0]])
    exact = Spring().solution(times)
    for time, found, truth in zip(times, model.predict(times), exact, strict=True):
        print(f"u({time.item():.1f}) = {found.item():.3f}, exactly {truth.item():.3f}")


if __name__ == "__main__":
    main()
