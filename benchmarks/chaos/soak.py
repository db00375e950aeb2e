"""The sweep in peace, then under faults until the time is over, then to its end."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chaos.checks import Check, checks_of, processes_gone
from benchmarks.chaos.world import World, wait_for_server

PEACE, CHAOS = "peace", "chaos"
KINDS = {"trial": 5, "driver": 2, "node": 2, "mlflow": 2}
"""What is killed, and how often in comparison."""
PAUSE = 0.25
"""Seconds of an epoch under faults, so that they come in its midst."""
TRIALS_A_MINUTE = 24
"""About what two slots get done under faults."""
BETWEEN = (1.0, 5.0)
OUTAGE = (4.0, 15.0)
"""Seconds between two faults, and until a node or MLflow is started again."""
LONGEST = 900.0
"""Seconds after which a driver that is left in peace counts as hung."""


Say = Callable[[str], None]
Return = tuple[float, Callable[[], None]]
"""When in seconds what is to be started again."""


@dataclass(frozen=True)
class Fault:
    """What is killed, which of them (in [0, 1)), for how many seconds, and the time after it."""

    kind: str
    which: float
    outage: float
    rest: float


@dataclass
class Outcome:
    """What was injected, when in seconds, and what the checks found."""

    trials: int
    seconds: float = 0.0
    injected: list[tuple[float, str]] = field(default_factory=list)
    unasked: int = 0  # drivers that ended though nobody had killed them
    checks: list[Check] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """How often each kind of fault was injected."""
        return Counter(kind for _, kind in self.injected)

    @property
    def sound(self) -> bool:
        """Every check holds."""
        return all(check.holds for check in self.checks)


def soak(minutes: float, seed: int, folder: Path, say: Say) -> Outcome:
    """Run both and compare them."""
    outcome = Outcome(trials=max(12, round(TRIALS_A_MINUTE * minutes)))
    with World(folder, outcome.trials) as world:
        set_pause(world, 0.0)
        say(f"{outcome.trials} trials in peace")
        world.start_driver(PEACE)
        to_the_end(world, PEACE, outcome, say)
        wait_for_server(world.uri)
        set_pause(world, PAUSE)
        say(f"the same under faults, for {60 * minutes:g} s")
        world.start_driver(CHAOS)
        kept = disturb(world, 60 * minutes, plan(random.Random(seed)), outcome, say)
        say("to the end, without faults")
        set_pause(world, 0.0)
        to_the_end(world, CHAOS, outcome, say)
        synchronise(world)
        outcome.checks = checks_of(world, PEACE, CHAOS, kept, outcome.unasked)
    outcome.checks.append(processes_gone(world))
    return outcome


def plan(rng: random.Random) -> Iterator[Fault]:
    """The faults, one after the other: each kind once at first, however short the time is."""
    first = rng.sample(list(KINDS), len(KINDS))
    while True:
        kind = first.pop() if first else rng.choices(list(KINDS), list(KINDS.values()))[0]
        yield Fault(kind, rng.random(), rng.uniform(*OUTAGE), rng.uniform(*BETWEEN))


def disturb(
    world: World, seconds: float, faults: Iterator[Fault], outcome: Outcome, say: Say
) -> list[bytes]:
    """Inject faults until the time or the sweep is over. Returns the journal as it was at each."""
    kept, back = list[bytes](), list[Return]()
    while world.reports(CHAOS) == 0 and world.going_on:
        time.sleep(0.1)  # the first driver is at work
    begun, fault = time.monotonic(), next(faults)
    while (now := time.monotonic() - begun) < seconds and not world.finished:
        for due in [pair for pair in back if pair[0] <= now]:
            back.remove(due)
            due[1]()
        revive(world, CHAOS, outcome, say)
        if not inject(world, fault, now, back):
            time.sleep(0.1)
            continue
        kept.append(whole_lines(world.journal(CHAOS)))
        outcome.injected.append((now, fault.kind))
        say(f"{now:6.1f} s: killed {fault.kind}; {world.reports(CHAOS)} reports so far")
        time.sleep(fault.rest)
        fault = next(faults)
    for _, start in back:
        start()
    outcome.seconds = time.monotonic() - begun
    return kept


def inject(world: World, fault: Fault, now: float, back: list[Return]) -> bool:
    """One fault; what has to be started again goes to `back`. Returns whether it was possible now."""
    if fault.kind == "trial":
        return world.kill_trial(fault.which)
    if fault.kind == "driver":
        world.kill_driver()
        world.start_driver(CHAOS)
        return True
    kill, start = {
        "node": (world.kill_node, world.add_node),
        "mlflow": (world.kill_server, world.start_server),
    }[fault.kind]
    killed = kill(fault.which)
    if killed:
        back.append((now + fault.outage, start))
    return killed


def revive(world: World, storage: str, outcome: Outcome, say: Say) -> None:
    """Start a driver that ended before the sweep did; that is not to happen."""
    if not (world.going_on or world.finished):
        assert world.driver is not None
        outcome.unasked += 1
        say(f"the driver ended by itself with status {world.driver.returncode}")
        world.start_driver(storage)


def to_the_end(world: World, storage: str, outcome: Outcome, say: Say) -> None:
    """Let the driver finish the sweep. Raises TimeoutError."""
    until, told = time.monotonic() + LONGEST, time.monotonic()
    while not world.finished:
        revive(world, storage, outcome, say)
        if time.monotonic() > until or outcome.unasked > 20:
            raise TimeoutError(f"the sweep does not end; see {world.folder / storage}.txt")
        if time.monotonic() - told > 10:
            told = time.monotonic()
            say(f"  {world.reports(storage)} reports")
        time.sleep(0.1)


def synchronise(world: World) -> None:
    """Have MLflow get what an outage kept from it, as the driver says at its end."""
    wait_for_server(world.uri)
    command = [sys.executable, "-m", "tuner", "sync", "chaos", "--storage"]
    subprocess.run([*command, str(world.folder / CHAOS)], check=True, stdout=subprocess.DEVNULL)


def set_pause(world: World, seconds: float) -> None:
    """How long an epoch takes from now on."""
    (world.folder / "pause.tmp").write_text(str(seconds))
    (world.folder / "pause.tmp").replace(world.folder / "pause")


def whole_lines(journal: Path) -> bytes:
    """What the journal has acknowledged so far; the driver may be in the midst of a line."""
    content = journal.read_bytes() if journal.exists() else b""
    return content[: content.rfind(b"\n") + 1]
