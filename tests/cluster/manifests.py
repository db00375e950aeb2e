"""The files that say where the service runs, read as what reads them would."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "cluster" / "kubernetes"

COMPOSE = {
    "as it is": ("docker-compose.yml",),
    "with GPUs": ("docker-compose.yml", "cluster/compose.gpu.yml"),
    "with S3": ("docker-compose.yml", "cluster/compose.s3.yml"),
    "with both": ("docker-compose.yml", "cluster/compose.s3.yml", "cluster/compose.gpu.yml"),
}
"""The sets of compose files that belong together, each relative to the repository's root."""

REPLACED = {"command", "entrypoint", "test"}
"""Lists that a later compose file replaces; it appends to all others."""


def interpolated(value: Any, environment: dict[str, str]) -> Any:
    """The value with `${NAME:-default}` filled in, the one form that our compose files use."""
    if isinstance(value, dict):
        return {key: interpolated(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item, environment) for item in value]
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda m: environment.get(m[1], "") or m[2], value)
    return value


def merged(base: Any, over: Any, key: str = "") -> Any:
    """Two compose files as one, by the rules of the compose specification that ours need."""
    if isinstance(base, dict) and isinstance(over, dict):
        both = {name: merged(base[name], over[name], name) for name in base.keys() & over.keys()}
        return base | over | both
    if isinstance(base, list) and isinstance(over, list) and key not in REPLACED:
        return base + over
    return over


def compose(*files: str, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """The compose files as one, as they are with these variables."""
    whole: dict[str, Any] = {}
    for name in files:
        whole = merged(whole, yaml.safe_load((ROOT / name).read_text()))
    filled = interpolated(whole, environment or {})
    assert "${" not in str(filled), "interpolated() knows ${NAME:-default} alone"
    return filled


def kubernetes() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the Kubernetes files, with the name of its file."""
    for path in sorted(KUBERNETES.glob("*.yaml")):
        for thing in yaml.safe_load_all(path.read_text()):
            yield path.name, thing


def pods(thing: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The pod templates in an object, each with where it is."""
    spec = thing.get("spec", {})
    if thing["kind"] in {"Deployment", "StatefulSet"}:
        yield thing["kind"], spec["template"]
    if thing["kind"] == "RayJob":
        yield "submitter", spec["submitterPodTemplate"]
        spec = spec["rayClusterSpec"]
    if thing["kind"] in {"RayCluster", "RayJob"}:
        yield "head", spec["headGroupSpec"]["template"]
        for group in spec["workerGroupSpecs"]:
            yield group["groupName"], group["template"]
