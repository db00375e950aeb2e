"""What Ray reads from the environment when it is imported; import this file before it.

Tune's loggers write every result three times, and its snapshots are of no use here, since nothing
is restored from them; Ctrl-C is handled by `tuner.interrupts`.

Token authentication is asked for explicitly, since Ray's default changes between versions. Where
there is no token yet, one is made where Ray looks for it, for its owner's eyes alone: Ray would make
it readable for everybody. If Ray was imported before, its own default holds.
"""

import os
import secrets
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

SETTINGS = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Ray 2.60 warns when a trial has no GPU
    # a local cluster starts a process for each CPU before the first trial wants one: with torch in it
    "RAY_preload_python_modules": "trainables.trainable",
}

GIVEN = frozenset({"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"})


def make_token(path: Path) -> None:
    """Make a token, unless there is one. Where that cannot be written, Ray says so when it starts.

    Whoever finds it finds the whole of it, and of two who make it at once both use the first.
    """
    if path.exists():
        return
    with suppress(OSError):  # FileExistsError, above all
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent)  # for its owner alone
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
            os.link(name, path)
        finally:
            os.unlink(name)


for name, value in SETTINGS.items():
    os.environ.setdefault(name, value)

if "ray" not in sys.modules:
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if os.environ["RAY_AUTH_MODE"] == "token" and not os.environ.keys() & GIVEN:
        make_token(Path.home() / ".ray" / "auth_token")
