"""Which cluster is meant: by an argument, the environment, or a profile.

    # ~/.config/tuner/config.toml
    default = "lab"

    [lab]
    address = "https://ray.example.org"
    token_file = "~/.config/tuner/lab.token"
    certificates = "/etc/ssl/lab.pem"        # if it has an authority of its own
    storage = "s3://bucket/sweeps"           # if not the cluster's own

In this order: `--address` or `--profile`; TUNER_ADDRESS, TUNER_PROFILE; `default` of the file. A
token is never in the file, only where it lies: TUNER_TOKEN_FILE, or else where Ray looks for one.
"""

from __future__ import annotations

import os
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.names import did_you_mean
from tuner.errors import TunerError
from tuner.jobs import Jobs, address_of

KEYS = ("address", "token_file", "certificates", "storage")


@dataclass(frozen=True)
class Cluster:
    """Where a cluster is. name: of the profile, or empty."""

    address: str
    token_file: str | None = None
    certificates: str | None = None
    storage: str | None = None
    name: str = ""

    @property
    def token(self) -> str | None:
        """Its token; None if it has none that we know of. Raises TunerError for a file without."""
        return token_in(self.token_file, secret=True) if self.token_file else token_here()

    def jobs(self) -> Jobs:
        """The way to it."""
        return Jobs(address_of(self.address), self.token, self.certificates)


def config_path() -> Path:
    """Where the profiles lie."""
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "tuner" / "config.toml"


def cluster(address: str | None = None, profile: str | None = None) -> Cluster:
    """The cluster that is meant. Raises TunerError if none is, or there is no such profile."""
    token_file = os.environ.get("TUNER_TOKEN_FILE")
    chosen = profile or (None if address else os.environ.get("TUNER_PROFILE"))
    direct = address or (None if chosen else os.environ.get("TUNER_ADDRESS"))
    if direct and not chosen:
        return Cluster(direct, token_file)
    profiles = _read(config_path())
    chosen = chosen or profiles.get("default")
    if chosen is None:
        raise TunerError(
            "no cluster is named. Give --address http://host:8265, or set TUNER_ADDRESS, or write a "
            f"profile into {config_path()}."
        )
    found = profiles.get(chosen)
    if not isinstance(found, dict):
        known = [name for name, value in profiles.items() if isinstance(value, dict)]
        guess = did_you_mean(chosen, known) or f" It has {', '.join(known) or 'none'}."
        raise TunerError(f"{config_path()}: has no profile {chosen!r}.{guess}")
    _check(found, chosen)
    given = {key: found.get(key) for key in KEYS if key != "address"}
    given["token_file"] = token_file or given["token_file"]
    return Cluster(address or found["address"], **given, name=chosen)


def profile_names() -> list[str]:
    """The profiles that there are; none if the file cannot be read."""
    try:
        return [name for name, value in _read(config_path()).items() if isinstance(value, dict)]
    except TunerError:
        return []


def token_here() -> str | None:
    """A token where Ray looks for it as well: RAY_AUTH_TOKEN, its file, ~/.ray/auth_token."""
    if token := os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return token
    if path := os.environ.get("RAY_AUTH_TOKEN_PATH"):
        return token_in(path)
    own = Path.home() / ".ray" / "auth_token"
    return token_in(str(own)) if own.exists() else None


def token_in(file: str, secret: bool = False) -> str:
    """The token in a file. Raises TunerError if there is none.

    secret: also if everybody may read it; Kubernetes mounts its secrets like that.
    """
    path = Path(file).expanduser()
    try:
        token = path.read_text().strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "it is no text"
        raise TunerError(f"the token in {path} cannot be read ({reason}).") from None
    if not token:
        raise TunerError(f"{path}: is empty, expected a token.")
    if secret and mode & (stat.S_IWOTH | stat.S_IROTH):
        raise TunerError(
            f"{path}: every user of this machine may read the token. Do `chmod 600 {path}`."
        )
    return token


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise TunerError(f"{path}: cannot be read: {fault}") from None


def _check(found: dict[str, Any], name: str) -> None:
    where = f"{config_path()}: [{name}]"
    if "token" in found:
        raise TunerError(
            f"{where}: a token does not belong here. Put it into a file of mode 600 and write "
            "`token_file = ...`."
        )
    for key, value in found.items():
        if key not in KEYS:
            guess = did_you_mean(key, list(KEYS)) or f" Known: {', '.join(KEYS)}."
            raise TunerError(f"{where}: unknown key `{key}`.{guess}")
        if not isinstance(value, str):
            raise TunerError(f"{where}: `{key}` is to be text, found {value!r}.")
    if "address" not in found:
        raise TunerError(f"{where}: `address` is missing. Write that of Ray's dashboard.")
