"""What has to hold after a sweep under faults."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import ray

from benchmarks.chaos.workload import EPOCHS
from benchmarks.chaos.world import World, name_of
from tuner import Result
from tuner.journal import read
from tuner.ledger import replay
from tuner.table import Event, TrialTable

PATIENCE = 30.0
"""Seconds that a process which is told to end may take."""


@dataclass(frozen=True)
class Check:
    """What has to hold, whether it does, and the numbers."""

    what: str
    holds: bool
    found: str


def checks_of(
    world: World, peace: str, chaos: str, kept: list[bytes], unasked: int
) -> list[Check]:
    """Everything that can be looked at while the cluster and MLflow are there."""
    return [
        same_results(world, peace, chaos),
        *journal(world, chaos, kept),
        mlflow(world, chaos),
        Check("no driver ended but by a kill", unasked == 0, f"{unasked} did"),
        *leftovers(world),
    ]


def results(table: TrialTable) -> set[tuple[int, str, float, str]]:
    """What came of each trial."""
    return {
        (trial.number, json.dumps(dict(trial.point)), trial.error, str(trial.status))
        for trial in table
    }


def same_results(world: World, peace: str, chaos: str) -> Check:
    """The set of (trial, point, final error) equals the undisturbed sweep's."""
    tables = [replay(read(world.journal(storage))) for storage in (peace, chaos)]
    calm, wild = map(results, tables)
    finished = all(table.status == "finished" for table in tables)
    return Check(
        "trials, points and final errors equal the undisturbed sweep's",
        finished and calm == wild,
        f"{len(calm & wild)} of {len(calm)} equal, the sweeps {tables[0].status} and {tables[1].status}",
    )


def journal(world: World, chaos: str, kept: list[bytes]) -> Iterator[Check]:
    """It verifies, nothing in it was lost, and it tells everything once."""
    path = world.journal(chaos)
    events, content = read(path), path.read_bytes()  # reading checks every line and its number
    yield Check("the journal verifies", True, f"{len(events)} events")
    lost = sum(not content.startswith(before) for before in kept)
    yield Check("nothing recorded before a fault was lost", lost == 0, f"{lost} of {len(kept)}")
    told = [(e["trial"], e["report"]["epoch"]) for e in events if e["event"] == "reported"]
    trials = {trial for trial, _ in told}
    wanted = [(trial, epoch) for trial in sorted(trials) for epoch in range(1, EPOCHS + 1)]
    yield Check("every epoch is reported once", sorted(told) == wanted, f"{len(told)} reports")
    again = run_again(events)
    yield Check("no finished trial was run again", not again, f"{len(again)} were")


def run_again(events: list[Event]) -> list[int]:
    """Trials with a segment that was started after their end."""
    ended: set[int] = set()
    again = []
    for event in events:
        if event["event"] == "ended":
            ended.add(event["trial"])
        elif event["event"] == "started" and event["trial"] in ended:
            again.append(event["trial"])
    return again


def mlflow(world: World, chaos: str) -> Check:
    """Every point of the errors' charts exactly once, and a run for each trial."""
    from mlflow import MlflowClient

    events = read(world.journal(chaos))
    client = MlflowClient(world.uri)
    experiment = client.get_experiment_by_name(events[0]["problem"])
    assert experiment is not None
    runs = client.search_runs(
        [experiment.experiment_id],
        f"tags.`tuner.sweep_id` = '{events[0]['id']}'",
        max_results=50_000,
    )
    children = [run for run in runs if "tuner.trial" in run.data.tags]
    points = sorted(
        (int(run.data.tags["tuner.trial"]), point.step)
        for run in children
        for point in client.get_metric_history(run.info.run_id, "error")
    )
    told = sorted((e["trial"], e["report"]["epoch"]) for e in events if e["event"] == "reported")
    trials = len(Result(world.journal(chaos).parent).trials)
    return Check(
        "MLflow has every point exactly once",
        points == told and len(children) == trials == len(runs) - 1,
        f"{len(points)} points of {len(told)}, {len(children)} runs of {trials} trials",
    )


def leftovers(world: World) -> Iterator[Check]:
    """No actor and no placement group is left in the cluster."""
    ray.init(address=world.cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        until = time.monotonic() + PATIENCE
        while (actors := alive()) and time.monotonic() < until:
            time.sleep(0.2)
        yield Check("no actor is left", not actors, f"{len(actors)} are")
        table = ray.util.placement_group_table().values()
        groups = [group for group in table if group["state"] != "REMOVED"]
        yield Check("no placement group is left", not groups, f"{len(groups)} are")
    finally:
        ray.shutdown()


def alive() -> list[str]:
    """The actors that have not ended."""
    found = ray._private.state.actors()
    return [actor["ActorID"] for actor in found.values() if actor["State"] != "DEAD"]


def processes_gone(world: World) -> Check:
    """No process is left of all that was started, once the cluster and MLflow were ended."""
    until = time.monotonic() + PATIENCE
    while (left := [name_of(process) for process in world.processes()]) and (
        time.monotonic() < until
    ):
        time.sleep(0.2)
    found = f"{len(left)} are" + "".join(f"; {name[:60]}" for name in left[:3])
    return Check("no process is left", not left, found)
