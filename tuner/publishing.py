"""What MLflow gets of a sweep beside its numbers, when it has ended: the report, its figures, the
digest of the journal, and the best network as a registered model.

Files are overwritten by what they are made of anew, and a model that is registered already is not
registered again, so all of it can be done twice.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import warnings
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.errors import TunerError
from tuner.journal import Follower, locked
from tuner.tracked import record
from tuner.tracking_client import Refused, Unavailable, ask
from tuner.tracking_server import Server
from tuner.translation import SWEEP

if TYPE_CHECKING:
    from tuner.result import Result
    from tuner.trained import Trained

PIECE = 2**20


def publish(result: Result, report: Path) -> str:
    """Put them beside the numbers that MLflow has. Returns the address of the model, if there is one.

    report: the file. The server is that which has the numbers.
    Raises TunerError if MLflow has no run of the sweep, is not there, or takes them not.
    """
    folder = result.folder
    uri = record(folder).get("uri")
    first = Follower(folder / "journal.jsonl")(1)
    if not uri or not first:
        raise TunerError(f"MLflow has nothing of {folder.name} yet")
    with locked(folder / "tracking.lock"):
        try:
            server = Server(uri, folder.parent / "mlartifacts", first[0])
            run = server.runs.get(SWEEP)
            if run is None:
                raise TunerError(f"MLflow has no run of {folder.name}")
            _files(server, run, result, report)
            return _model(server, run, result)
        except (Unavailable, Refused) as fault:
            raise TunerError(f"MLflow: {fault}") from fault


def digest(path: Path) -> str:
    """SHA-256 of a file, as `sha256sum` prints it."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while content := file.read(PIECE):
            found.update(content)
    return found.hexdigest()


def _files(server: Server, run: str, result: Result, report: Path) -> None:
    journal = result.folder / "journal.jsonl"
    told = digest(journal)
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "journal.sha256").write_text(f"{told}  {journal.name}\n")
        result.figures.save(Path(scratch) / "figures")
        ask(partial(server.client.log_artifacts, run, scratch))
    ask(partial(server.client.log_artifact, run, str(report)))
    ask(partial(server.client.set_tag, run, "tuner.journal_sha256", told))


def _model(server: Server, run: str, result: Result) -> str:
    """Registers the winner's network under the name of the sweep, once; its address."""
    table = result.trials
    if table.status != "finished" or result.sweep.problem is None or table.best() is None:
        return ""
    best = result.best()
    name, tags = result.folder.name, _tags(server, best)
    if version := _registered(server, name, tags):
        return f"models:/{name}/{version}"
    try:
        model = best.model()
    except TunerError as fault:  # it left no checkpoint, or its problem cannot be imported here
        logging.getLogger(__name__).warning("no model is in MLflow: %s", fault)
        return ""
    from mlflow.entities import LoggedModelOutput

    from tuner.mlflow_model import save_model

    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it would like an example of an input
        saved = save_model(model, Path(scratch) / "model")
        logged = ask(
            partial(server.client.create_logged_model, server.experiment, name, run, tags)
        )
        ask(partial(server.client.log_model_artifacts, logged.model_id, str(saved)))
    ask(partial(server.client.finalize_logged_model, logged.model_id, "READY"))
    ask(partial(server.client.log_outputs, run, [LoggedModelOutput(logged.model_id, step=0)]))
    with suppress(Refused):  # it is there already
        ask(partial(server.client.create_registered_model, name))
    # where it lies rather than `models:/ID`, which a database looks up in MLflow's global settings
    source = logged.artifact_location
    version = ask(
        partial(
            server.client.create_model_version,
            name,
            source,
            run,
            tags,
            model_id=logged.model_id,
        )
    ).version
    return f"models:/{name}/{version}"


def _tags(server: Server, best: Trained) -> dict[str, str]:
    """Which network it is: equal tags, equal weights."""
    return {
        "tuner.sweep_id": server.sweep["id"],
        "tuner.trial": str(best.told.number),
        "tuner.epochs": str(best.told.epochs),
        "tuner.error": repr(best.error),
    }


def _registered(server: Server, name: str, tags: dict[str, str]) -> str:
    """The version of a model with these tags; empty if there is none."""
    try:
        found = ask(partial(server.client.search_model_versions, f"name='{name}'"))
    except Refused:
        return ""
    return next((str(v.version) for v in found if tags.items() <= v.tags.items()), "")
