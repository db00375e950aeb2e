"""`python -m tuner.on_head WHAT [JSON]`; see `tuner.on_head`. Called by jobs, not by people."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tuner.errors import TunerError, visible
from tuner.on_head import MARK


def main(what: str, about: dict[str, Any]) -> int:
    """Do one of them; returns the exit status of the job."""
    if what == "run":
        return _run(about)
    if what == "restore":
        return _restore()
    from tuner.on_head import answers

    answer: dict[str, Any]
    if what == "look":
        answer = answers.machine()
    elif what == "stopped":
        answer = answers.stopped(about["name"])
    elif what == "ask":
        answer = {"sweeps": answers.sweeps(about.get("names"))}
    else:
        answer = answers.taken(about["name"], about.get("everything", False))
    print(MARK + json.dumps(answer), flush=True)
    return 0


def _run(about: dict[str, Any]) -> int:
    from tuner.on_head.places import kept_or_refuse
    from tuner.on_head.supervisor import Stop, supervise

    stop = Stop()
    stop.listen()
    again = about.get("again")
    content = kept_or_refuse(again) if again else Path("submission.zip").read_bytes()
    return supervise(content, about.get("replace", False), stop)


def _restore() -> int:
    from tuner.client import Client
    from tuner.on_head.restoring import restore
    from tuner.on_head.supervisor import dashboard_here

    for line in restore(Client(dashboard_here())):
        print(f"tuner: {visible(line)}", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}))
    except TunerError as error:
        for line in f"tuner: {error}".split("\n"):
            print(visible(line), flush=True)
        sys.exit(2)
