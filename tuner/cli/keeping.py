"""Commands that look after what is recorded."""

from __future__ import annotations

import click

import tuner
from tuner.cli.words import json_option, name_argument, readable, say_json, storage_option
from tuner.errors import TunerError
from tuner.naming import folder_of


@click.command()
@name_argument
@storage_option
@json_option
@readable
def repair(name: str, storage: str, as_json: bool) -> None:
    """Mend the damaged journal of the sweep NAME: what can be read is kept, a copy stays."""
    from tuner.repair import repair as mend

    done = mend(folder_of(storage, name))
    if as_json:
        copy = None if done.copy is None else str(done.copy)
        say_json({"damaged": list(done.damaged), "lost": list(done.lost), "copy": copy})
        return
    if done.copy is None:
        click.echo("The journal is sound; nothing was changed.")
        return
    lines = ", ".join(map(str, done.damaged)) or "none"
    click.echo(f"Damaged lines, left out: {lines}. The journal as it was: {done.copy}")
    if done.lost:
        click.echo(f"Trials of which nothing is known now: {', '.join(map(str, done.lost))}")


@click.command()
@name_argument
@storage_option
@click.option("--uri", help="Of the tracking server, in place of the sweep's.")
@click.option("--seconds", default=60.0, show_default=True, help="Try for at most so long.")
@json_option
@readable
def sync(name: str, storage: str, uri: str | None, seconds: float, as_json: bool) -> None:
    """Send MLflow what it has not got yet of the sweep NAME, and again what it refused.

    With the report, and the winner's network as a model.
    """
    from tuner.tracking import Sender

    result = tuner.Result(folder_of(storage, name))
    sender = Sender(result.folder, uri or result.sweep.tracking.uri)
    sender.retry()
    left = sender.drain(seconds)
    if left:
        raise TunerError(
            f"{left} events are left. {sender.trouble or 'Out of time'}. Try again later."
        )
    if told := sender.parked.told():
        raise TunerError(f"MLflow still refuses {told}: see {sender.parked.path}")
    model = result.publish() if len(result.trials) else ""
    if as_json:
        say_json({"name": name, "left": left, "model": model or None})
    else:
        click.echo(f"MLflow has all of {name}.")
