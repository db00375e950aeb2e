"""Commands that have a cluster do something, and last as long as it takes to ask."""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

import tuner
from tuner.cli.words import Command, json_option, readable, say_json
from tuner.errors import visible
from tuner.interrupts import INTERRUPTED

if TYPE_CHECKING:
    from tuner.client import Client
    from tuner.sweep_status import SweepStatus

TIMED_OUT = 124
"""Exit status when `wait` has waited long enough, as of timeout(1)."""
STATUSES = {"finished": 0, "failed": 1, "stopped": INTERRUPTED, "interrupted": INTERRUPTED}


def profiles_there(context: click.Context, parameter: click.Parameter, start: str) -> list[str]:
    """Profiles whose names begin so, for shells."""
    from tuner.profiles import profile_names

    return [name for name in profile_names() if name.startswith(start)]


def on_cluster(command: Command) -> Command:
    """Options that say which cluster is meant; the command gets it as `client`."""

    @click.option("--address", help="Of Ray's dashboard, http://host:8265.")
    @click.option("--profile", shell_complete=profiles_there, help="Of the configuration file.")
    @click.option("--token-file", help="File with the cluster's token, for its owner alone.")
    @wraps(command)
    def with_client(
        *args: Any, address: str | None, profile: str | None, token_file: str | None, **kwargs: Any
    ) -> Any:
        return command(*args, client=client_of(address, profile, token_file), **kwargs)

    return with_client  # type: ignore[return-value]


def client_of(address: str | None, profile: str | None, token_file: str | None = None) -> Client:
    """The cluster that is meant by options, environment or profile."""
    from dataclasses import replace

    from tuner.client import Client
    from tuner.profiles import cluster

    found = cluster(address, profile)
    if token_file:
        found = replace(found, token_file=token_file)
    return Client(
        found.address, found.token, certificates=found.certificates, storage=found.storage
    )


@click.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--with", "code", multiple=True, help="Your package or module; may be repeated.")
@click.option("--replace", is_flag=True, help="Put it in the place of another of its name.")
@click.option("--wait", "waits", is_flag=True, help="Return when it has ended.")
@json_option
@readable
@on_cluster
def submit(
    client: Client, file: str, code: tuple[str, ...], replace: bool, waits: bool, as_json: bool
) -> None:
    """Have a cluster run the sweep in FILE. The same again changes nothing."""
    handle = client.submit(tuner.Sweep.load(file), code=code, replace=replace)
    if waits:
        _conclude(handle.wait(), as_json)
    elif as_json:
        say_json({"name": handle.name, "address": client.jobs.address})
    else:
        click.echo(f"{handle.name} is submitted. `tuner status {handle.name}` shows how it goes.")


@click.command()
@click.argument("name")
@json_option
@readable
@on_cluster
def status(client: Client, name: str, as_json: bool) -> None:
    """Show where the submitted sweep NAME stands, and why."""
    _say(client.handle(name).status(), as_json)


@click.command()
@click.argument("name")
@click.option("--follow", "-f", is_flag=True, help="Go on until it ends.")
@readable
@on_cluster
def logs(client: Client, name: str, follow: bool) -> None:
    """Show what the driver of the submitted sweep NAME has written."""
    for piece in client.handle(name).logs(follow):
        for line in piece.splitlines():
            click.echo(visible(line))


@click.command()
@click.argument("name")
@json_option
@readable
@on_cluster
def stop(client: Client, name: str, as_json: bool) -> None:
    """End the submitted sweep NAME in order; it can go on later."""
    _say(client.handle(name).stop(), as_json)


@click.command()
@click.argument("name")
@json_option
@readable
@on_cluster
def resume(client: Client, name: str, as_json: bool) -> None:
    """Go on with the submitted sweep NAME after it was stopped, interrupted, or failed."""
    _say(client.handle(name).resume().status(), as_json)


@click.command()
@click.argument("name")
@click.option("--seconds", type=float, help="For at most so long; exit status 124 then.")
@json_option
@readable
@on_cluster
def wait(client: Client, name: str, seconds: float | None, as_json: bool) -> None:
    """Return when the submitted sweep NAME has ended."""
    _conclude(client.handle(name).wait(seconds), as_json)


@click.command()
@click.argument("name")
@click.option("--storage", default="sweeps", show_default=True, help="Folder to bring it into.")
@click.option("--everything", is_flag=True, help="The networks of all trials, not the best alone.")
@json_option
@readable
@on_cluster
def result(client: Client, name: str, storage: str, everything: bool, as_json: bool) -> None:
    """Bring what the submitted sweep NAME has come to into a folder on this machine."""
    brought = client.handle(name).result(storage, everything)
    if as_json:
        say_json(brought.to_json())
    else:
        from tuner.headline import headline

        click.echo(visible(headline(brought.trials)))
        click.echo(f"It lies in {brought.folder}.")


def list_of_sweeps(client: Client, as_json: bool) -> None:
    """Every sweep of a cluster with its status."""
    found = client.list()
    if as_json:
        say_json([each.to_json() for each in found])
        return
    for each in found:
        click.echo(visible(f"{each.name:27} {each.line()}"))


def _say(now: SweepStatus, as_json: bool) -> None:
    if as_json:
        say_json(now.to_json())
    else:
        click.echo(visible(f"{now.name}: {now.line()}"))


def _conclude(now: SweepStatus, as_json: bool) -> None:
    _say(now, as_json)
    sys.exit(STATUSES.get(now.status, TIMED_OUT))
