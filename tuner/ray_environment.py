"""What Ray reads from the environment when it is imported; import this file before it.

Tune's loggers write every result three times, and its snapshots are of no use here, since nothing
is restored from them; Ctrl-C is handled by `tuner.interrupts`.

Token authentication is asked for explicitly, since Ray's default changes between versions. Where
there is no token yet, the local cluster gets one of its own, which other users of the machine do
not know and which is gone with the process. If Ray was imported before, its own default holds.
"""

import os
import secrets
import sys
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

for name, value in SETTINGS.items():
    os.environ.setdefault(name, value)

if "ray" not in sys.modules and "RAY_AUTH_MODE" not in os.environ:
    os.environ["RAY_AUTH_MODE"] = "token"
    known = os.environ.keys() & {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}
    if not known and not (Path.home() / ".ray" / "auth_token").exists():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
