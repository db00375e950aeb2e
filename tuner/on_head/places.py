"""Where sweeps lie on a cluster, and what was submitted, kept there so that it can go on.

`TUNER_STORAGE` is the cluster's own storage; a sweep that names a folder by its whole path, or a
bucket, has its own. What a sweep says of a folder on the submitting machine means nothing here.
Submissions are kept in the cluster's own storage, wherever their sweeps lie.
"""

from __future__ import annotations

import hmac
import io
import os
import zipfile
from pathlib import Path

from trainables.bucket import Bucket, in_bucket, joined
from tuner.errors import SweepMissing, TunerError
from tuner.profiles import token_here
from tuner.reading import content_of
from tuner.shipping import described
from tuner.sweep import Sweep

SUBMITTED = ".submitted"
STOPPED = ".stopped"
"""Ends the name of a file beside a submission: somebody stopped the sweep."""


def own_storage() -> str:
    """Of the cluster, as its head was told."""
    return os.environ.get("TUNER_STORAGE") or str(Path.home() / "sweeps")


def storage_for(sweep: Sweep, asked: str | None) -> str:
    """Where a sweep goes: where it is asked for, or where it says, or to the cluster's own place."""
    if asked:
        return asked
    named = sweep.storage
    return named if in_bucket(named) or Path(named).is_absolute() else own_storage()


def placed(sweep: Sweep, asked: str | None) -> Sweep:
    """The sweep as it runs here: with its storage, and the cluster's MLflow unless it names one."""
    here = sweep.stored_in(storage_for(sweep, asked))
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if here.tracking.uri is None and uri:
        return here.model_copy(update={"tracking": here.tracking.model_copy(update={"uri": uri})})
    return here


def home_of(name: str) -> str:
    """The storage that a sweep lies in: the one it was submitted for, or the cluster's own."""
    if (content := kept(name)) is None:
        return own_storage()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sweep = Sweep.from_yaml(archive.read("sweep.yaml"))
    return storage_for(sweep, described(content)["storage"])


def keep(name: str, content: bytes) -> None:
    """Keep a submission, in the place of an earlier one, signed with the cluster's token.

    It is at work from now on, and no longer stopped.
    """
    _write(f"{name}.zip", _signature(name, content) + b"\n" + content)
    if in_bucket(own_storage()):
        _bucket().remove(name + STOPPED)
    else:
        (_folder() / (name + STOPPED)).unlink(missing_ok=True)


def keep_stopped(name: str) -> None:
    """Note that somebody stopped a sweep, so that it does not go on by itself."""
    _write(name + STOPPED, b"")


def kept(name: str) -> bytes | None:
    """A submission that was kept; None if there is none.

    Raises TunerError for one that was not kept by this cluster: who may write into its storage may
    not yet run code on it.
    """
    if (signed := _found(name)) is None:
        return None
    signature, _, content = signed.partition(b"\n")
    if not hmac.compare_digest(signature, _signature(name, content)):
        raise TunerError(
            f"what lies in {own_storage()}/{SUBMITTED}/{name}.zip was not signed with this cluster's "
            "token: it was changed, or the token was. Remove it, and submit the sweep with its file."
        )
    return content


def kept_or_refuse(name: str) -> bytes:
    """A submission that was kept. Raises SweepMissing."""
    if (content := kept(name)) is None:
        raise SweepMissing(
            f"{name}: was never submitted to this cluster, or {own_storage()} is not where it lies. "
            "Submit it with its file."
        )
    return content


def kept_names() -> list[str]:
    """The names of all submissions that are kept."""
    return _ending_with(".zip")


def stopped_names() -> list[str]:
    """The names of those that somebody stopped, and nobody has gone on with."""
    return _ending_with(STOPPED)


def _ending_with(end: str) -> list[str]:
    if in_bucket(own_storage()):
        files = _bucket().names()
    else:
        files = [path.name for path in _folder().glob(f"[!.]*{end}")]
    return sorted(name.removesuffix(end) for name in files if name.endswith(end))


def _write(file: str, content: bytes) -> None:
    if in_bucket(own_storage()):
        _bucket().write(file, content)
        return
    path = _folder() / file
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def _found(name: str) -> bytes | None:
    if in_bucket(own_storage()):
        try:
            return _bucket().read(f"{name}.zip")
        except FileNotFoundError:
            return None
    path = _folder() / f"{name}.zip"
    return content_of(path, links=False) if path.exists() else None


def _signature(name: str, content: bytes) -> bytes:
    key = (token_here() or "").encode()
    return hmac.new(key, name.encode() + b"\0" + content, "sha256").hexdigest().encode()


def _folder() -> Path:
    return Path(own_storage()).expanduser() / SUBMITTED


def _bucket() -> Bucket:
    return Bucket(joined(own_storage(), SUBMITTED))
