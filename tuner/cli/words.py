"""What the commands share: options, and how something is said."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from tuner.bucket import on_this_machine
from tuner.errors import TunerError, visible
from tuner.naming import check_storage
from tuner.reading import sweeps_in

Command = TypeVar("Command", bound=Callable[..., Any])


def folder_there(context: click.Context, parameter: click.Parameter, storage: str) -> str:
    """A storage on this machine: of a bucket the working copy, which knows whose it is."""
    if context.resilient_parsing:  # of a line that is being completed
        return storage
    try:
        check_storage(storage)
        return on_this_machine(storage)
    except TunerError as fault:
        raise click.BadParameter(str(fault)) from None


def names_there(context: click.Context, parameter: click.Parameter, start: str) -> list[str]:
    """The sweeps of a folder whose names begin so, for shells."""
    storage = Path(context.params.get("storage") or "sweeps").expanduser()
    return [name for name in sweeps_in(storage) if name.startswith(start)]


storage_option = click.option(
    "--storage",
    default="sweeps",
    show_default=True,
    callback=folder_there,
    help="Folder of the sweeps, or s3://bucket/prefix.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
name_argument = click.argument("name", shell_complete=names_there)


def readable(command: Command) -> Command:
    """What a user can mend is printed without a traceback; exit status 2."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except TunerError as error:
            for line in f"tuner: {error}".split("\n"):
                click.echo(visible(line), err=True)
            sys.exit(2)

    return wrapped  # type: ignore[return-value]


def say_json(data: Any) -> None:
    """Print plain data. Whoever reads it reads nothing else on standard output."""
    click.echo(json.dumps(data, indent=2))
