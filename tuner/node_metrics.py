"""What the nodes of a sweep are doing: processors, memory, disks, network and GPUs, for MLflow's charts.

On request (`tracking: {system_metrics: true}`), at the sweep's run, under the names that MLflow's own
monitors use and its pages put beside each other: `system/node_0/cpu_utilization_percentage`. They are
telemetry: not in the journal, and what cannot be read or sent is left out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tuner.translation import Metric

SECONDS = 10.0
"""Between two looks at the nodes, as with MLflow's own."""
ANSWER_SECONDS = 5.0
"""For which a node is waited for."""


class Gauge:
    """Reads the numbers of the node that it is on, with MLflow's monitors."""

    def __init__(self) -> None:
        from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
        from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
        from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
        from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

        kinds: list[Any] = [CPUMonitor, DiskMonitor, NetworkMonitor, GPUMonitor]
        self._monitors: list[Any] = []
        for kind in kinds:
            with suppress(ImportError, RuntimeError):  # no nvidia-ml-py, or no GPU
                self._monitors.append(kind())

    def read(self) -> dict[str, float]:
        """Name -> number, now."""
        found: dict[str, float] = {}
        for monitor in self._monitors:
            monitor.collect_metrics()
            found |= monitor.aggregate_metrics()
            monitor.clear_metrics()
        return found


class Nodes:
    """A gauge on each node that is there, numbered in the order in which they were first seen."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._gauges: dict[str, Any] = {}

    def read(self) -> Mapping[int, Mapping[str, float]]:
        """The number of a node -> its numbers, of those that answer."""
        there = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
        for gone in self._gauges.keys() - there:
            del self._gauges[gone]
        for node in sorted(there):
            self._numbers.setdefault(node, len(self._numbers))
            if node not in self._gauges:
                self._gauges[node] = _gauge_on(node)
        asked = {gauge.read.remote(): node for node, gauge in self._gauges.items()}
        done, _ = ray.wait(list(asked), num_returns=len(asked), timeout=ANSWER_SECONDS)
        found = {}
        for answer in done:
            with suppress(ray.exceptions.RayError):  # it went while it was asked
                found[self._numbers[asked[answer]]] = ray.get(answer)
        return found


@contextmanager
def measuring(send: Callable[[list[Metric]], None], seconds: float = SECONDS) -> Iterator[None]:
    """Look at the nodes every so many seconds, in a thread, and hand on what is seen."""
    ending = threading.Event()
    thread = threading.Thread(
        target=_measure, args=(send, seconds, ending), name="nodes", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(ANSWER_SECONDS)


def _measure(
    send: Callable[[list[Metric]], None], seconds: float, ending: threading.Event
) -> None:
    nodes = Nodes()
    while not ending.wait(seconds):
        now = time.time()
        try:
            read = nodes.read()
        # Broad: whatever Ray is in the midst of. It may not reach the sweep.
        except Exception as fault:  # noqa: BLE001
            logging.getLogger(__name__).warning("nodes are not measured: %s", fault)
            continue
        send(
            [
                # in whole seconds, which go on counting when another driver takes over
                Metric(f"system/node_{node}/{name}", float(value), int(now * 1000), int(now))
                for node, numbers in read.items()
                for name, value in numbers.items()
            ]
        )


def _gauge_on(node: str) -> Any:
    here = NodeAffinitySchedulingStrategy(node, soft=False)
    return ray.remote(Gauge).options(num_cpus=0, scheduling_strategy=here).remote()
