"""The command line: parse, call, print. Whatever it does, Python can do under the same name."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

import tuner
from tuner.bucket import fetched_storage, on_this_machine
from tuner.errors import TunerError, visible
from tuner.interrupts import INTERRUPTED, at_once
from tuner.naming import check_storage, folder_of

Command = TypeVar("Command", bound=Callable[..., Any])


def folder_there(context: click.Context, parameter: click.Parameter, storage: str) -> str:
    """A storage on this machine: of a bucket the working copy, which knows whose it is."""
    try:
        check_storage(storage)
        return on_this_machine(storage)
    except TunerError as fault:
        raise click.BadParameter(str(fault)) from None


storage_option = click.option(
    "--storage",
    default="sweeps",
    show_default=True,
    callback=folder_there,
    help="Folder of the sweeps, or s3://bucket/prefix.",
)


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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(tuner.__version__, prog_name="tuner")
def main() -> None:
    """Tune models whose loss has several parts, the balancing of the parts included."""


@main.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--storage", help="Folder or s3://bucket/prefix, in place of the one in FILE.")
@click.option("--address", help="Of a Ray cluster; a local one by default.")
@click.option("--replace", is_flag=True, help="Put it in the place of a sweep of the same name.")
@readable
def run(file: str, storage: str | None, address: str | None, replace: bool) -> None:
    """Run the sweep in FILE, or go on with it if it was interrupted."""
    sweep = tuner.Sweep.load(file)
    if storage:
        sweep = sweep.stored_in(storage)
    from tuner.headline import headline

    result = watched(sweep, address, replace)
    again = f"tuner run {file}" + (f" --storage {shlex.quote(storage)}" if storage else "")
    conclude(result, headline(result.trials), again)


def watched(sweep: tuner.Sweep, address: str | None, replace: bool) -> tuner.Result:
    """Run a sweep and show how it goes."""
    from tuner.progress import Progress

    with at_once(), Progress(sweep) as progress:
        return tuner.run(sweep, address=address, watch=progress, replace=replace)


def conclude(result: tuner.Result, outcome: str, again: str) -> None:
    """Say what came out; exit status 130 if the sweep is not finished."""
    for line in closing_words(result, outcome, again):
        click.echo(line)
    if result.trials.status != "finished":
        sys.exit(INTERRUPTED)


def closing_words(result: tuner.Result, outcome: str, again: str) -> Iterable[str]:
    """What is said at the end of a run: what came out, where to look, how to go on."""
    from tuner.tracking import shortfall

    table = result.trials
    yield ""
    if len(table):
        yield click.wrap_text(outcome, width=min(shutil.get_terminal_size().columns, 99))
        yield f"report:  {result.report()}"
    yield f"MLflow:  tuner ui --storage {result.folder.parent}"
    yield from shortfall(result.folder, result.sweep.tracking.uri)
    if table.status != "finished":
        yield f"{table.status}: {table.reason}. Go on with: {again}"


@main.command()
@click.argument("name")
@storage_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@readable
def best(name: str, storage: str, as_json: bool) -> None:
    """Show the best trial of the sweep NAME and its point; of several objectives the Pareto set."""
    result = tuner.Result(folder_of(storage, name))
    trained, objectives = result.best(), result.trials.objectives
    front = result.pareto() if len(objectives) > 1 else []
    if as_json:
        members = {"pareto": [member.to_json() for member in front]} if front else {}
        click.echo(json.dumps({**trained.to_json(), **members}, indent=2))
        return
    from tuner.at_work import standing
    from tuner.headline import about
    from tuner.wording import measures, short

    for line in about(result.trials, trained.trial):
        click.echo(visible(line))
    for parameter, value in trained.point.items():
        click.echo(visible(f"  {parameter}: {value}"))
    if front:
        click.echo(f"Pareto set, {len(front)} of {len(result.trials.searched)} trials:")
    for trial in (member.trial for member in front):
        told = measures(trial.reports[-1], objectives)
        click.echo(visible(f"  trial {trial.number}: {told}; {short(trial.point)}"))
    if result.trials.status != "finished":
        click.echo(visible(f"so far; the sweep is {standing(result.trials)}"))


@main.command()
@click.argument("name")
@storage_option
@click.option("--output", help="File to write; report.html in the sweep's folder by default.")
@readable
def report(name: str, storage: str, output: str | None) -> None:
    """Write the report of the sweep NAME, one HTML file."""
    click.echo(tuner.Result(folder_of(storage, name)).report(output))


@main.command()
@click.argument("name")
@storage_option
@click.option("--address", help="Of a Ray cluster; a local one by default.")
@click.option(
    "--replicates",
    type=click.IntRange(1, 1024),
    help="As in the sweep by default, but at least 8.",
)
@click.option("--replace", is_flag=True, help="Put it in the place of an earlier one.")
@readable
def distil(
    name: str, storage: str, address: str | None, replicates: int | None, replace: bool
) -> None:
    """Would constants do? Run the best adaptive trial of NAME against its own late weights."""
    from tuner.distil import distil_verdict

    sweep = tuner.Result(folder_of(storage, name)).distil(replicates)
    result = watched(sweep, address, replace)
    again = f"tuner distil {name} --storage {storage}"
    again += f" --replicates {replicates}" if replicates else ""
    conclude(result, distil_verdict(result), again)


@main.command()
@click.argument("name")
@storage_option
@readable
def repair(name: str, storage: str) -> None:
    """Mend the damaged journal of the sweep NAME: what can be read is kept, a copy stays."""
    from tuner.repair import repair as mend

    done = mend(folder_of(storage, name))
    if done.copy is None:
        click.echo("The journal is sound; nothing was changed.")
        return
    lines = ", ".join(map(str, done.damaged)) or "none"
    click.echo(f"Damaged lines, left out: {lines}. The journal as it was: {done.copy}")
    if done.lost:
        click.echo(f"Trials of which nothing is known now: {', '.join(map(str, done.lost))}")


@main.command()
@click.argument("name")
@storage_option
@click.option("--uri", help="Of the tracking server, in place of the sweep's.")
@click.option("--seconds", default=60.0, show_default=True, help="Try for at most so long.")
@readable
def sync(name: str, storage: str, uri: str | None, seconds: float) -> None:
    """Send MLflow what it has not got yet of the sweep NAME, and again what it refused."""
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
    click.echo(f"MLflow has all of {name}.")


@main.command("list")
@click.argument(
    "what",
    type=click.Choice(
        ["problems", "balancers", "searchers", "schedulers", "spaces", "activations", "sweeps"]
    ),
)
@storage_option
@readable
def list_(what: str, storage: str) -> None:
    """Show what there is to choose from."""
    from tuner import catalogue

    for name, text in catalogue.entries(
        what, fetched_storage(storage) if what == "sweeps" else Path(storage)
    ):
        click.echo(visible(f"{name:27} {text}".rstrip()))


@main.command()
@storage_option
@click.option("--port", default=5000, show_default=True)
@readable
def ui(storage: str, port: int) -> None:
    """Serve MLflow on the sweeps of a folder, on this machine alone."""
    from tuner.tracking import page, serve

    click.echo(f"{page(f'http://127.0.0.1:{port}', 'experiments')} (Ctrl-C ends it)")
    serve(Path(storage).expanduser().absolute(), port)


@main.command()
@storage_option
@readable
def doctor(storage: str) -> None:
    """Check what is installed and whether a sweep could run here."""
    from tuner.doctor import checkup

    sound = True
    for finding in checkup(Path(storage)):
        sound = sound and finding.sound
        click.echo(f"{'ok     ' if finding.sound else 'WRONG  '}{finding.text}")
    sys.exit(0 if sound else 1)


@main.command()
@readable
def schema() -> None:
    """Print the JSON schema of a sweep file, for editors."""
    click.echo(json.dumps(tuner.Sweep.model_json_schema(), indent=2))
