"""Commands that show what came out, also of a sweep under way."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

import tuner
from tuner.bucket import fetched_storage
from tuner.cli.service import client_of, list_of_sweeps
from tuner.cli.words import (
    folder_there,
    json_option,
    name_argument,
    names_there,
    readable,
    say_json,
    storage_option,
)
from tuner.errors import TunerError, visible
from tuner.naming import folder_of


@click.command()
@name_argument
@storage_option
@json_option
@readable
def best(name: str, storage: str, as_json: bool) -> None:
    """Show the best trial of the sweep NAME and its point; of several objectives the Pareto set."""
    result = tuner.Result(folder_of(storage, name))
    trained, objectives = result.best(), result.trials.objectives
    front = result.pareto() if len(objectives) > 1 else []
    if as_json:
        members = {"pareto": [member.to_json() for member in front]} if front else {}
        say_json({**trained.to_json(), **members})
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


@click.command()
@name_argument
@storage_option
@click.option("--output", help="File to write; report.html in the sweep's folder by default.")
@click.option("--png", help="Folder for the figures as PNG, for papers, in place of the report.")
@click.option("--csv", help="File for the table of all trials, in place of the report.")
@click.option("--parquet", help="The same as Parquet.")
@json_option
@readable
def report(
    name: str,
    storage: str,
    output: str | None,
    png: str | None,
    csv: str | None,
    parquet: str | None,
    as_json: bool,
) -> None:
    """Write the report of the sweep NAME, one HTML file; or its figures, or its table."""
    result = tuner.Result(folder_of(storage, name))
    written = {kind: result.write_table(path) for kind, path in _named(csv=csv, parquet=parquet)}
    pictures = result.figures.save(png) if png else []
    if output or not (written or pictures):
        written["report"] = result.report(output)
    if as_json:
        files = {"png": [str(path) for path in pictures]} if pictures else {}
        say_json({**{kind: str(path) for kind, path in written.items()}, **files})
        return
    for path in (*written.values(), *pictures):
        click.echo(path)


def _named(**paths: str | None) -> list[tuple[str, str]]:
    """Those that were given."""
    return [(kind, _ending(path, kind)) for kind, path in paths.items() if path]


def _ending(path: str, kind: str) -> str:
    if not path.endswith(f".{kind}"):
        raise TunerError(f"--{kind} {path}: expected a file that ends in .{kind}.")
    return path


@click.command()
@name_argument
@storage_option
@click.option("--trial", type=int, help="By number; the best one by default.")
@click.option("--output", default="best.pt", show_default=True, help="File to write.")
@click.option("--mlflow", "folder", help="Write an MLflow model into this folder instead.")
@json_option
@readable
def export(
    name: str, storage: str, trial: int | None, output: str, folder: str | None, as_json: bool
) -> None:
    """Write the best network of the sweep NAME with its point: a file of numbers, without code."""
    result = tuner.Result(folder_of(storage, name))
    trained = result.trial(trial) if trial else result.best()
    if folder:
        from tuner.mlflow_model import save_model

        written = save_model(trained.model(), folder)
    else:
        written = trained.export(output)
    if as_json:
        found = {"trial": trained.trial.number, "point": dict(trained.point)}
        say_json({"file": str(written), **found, "error": trained.error})
    else:
        click.echo(f"{written}: trial {trained.trial.number}, error {trained.error:.3g}")


@click.command()
@name_argument
@click.argument("other", shell_complete=names_there)
@storage_option
@click.option(
    "--other-storage",
    help="Of OTHER, if it lies elsewhere.",
    callback=lambda context, parameter, storage: (
        storage and folder_there(context, parameter, storage)
    ),
)
@json_option
@readable
def compare(name: str, other: str, storage: str, other_storage: str | None, as_json: bool) -> None:
    """Is the sweep NAME better than OTHER? The winners, and the points that both tried, in pairs."""
    ours = tuner.Result(folder_of(storage, name))
    found = ours.compare(folder_of(other_storage or storage, other))
    if as_json:
        say_json(found.to_json())
        return
    width = min(shutil.get_terminal_size().columns, 99)
    for line in found.lines():
        click.echo(click.wrap_text(visible(line), width=width))


@click.command("list")
@click.argument(
    "what",
    type=click.Choice(
        ["problems", "balancers", "searchers", "schedulers", "spaces", "activations", "sweeps"]
    ),
)
@storage_option
@click.option("--address", help="Of a cluster, whose sweeps are shown.")
@click.option("--profile", help="The same by a profile.")
@json_option
@readable
def list_(
    what: str, storage: str, address: str | None, profile: str | None, as_json: bool
) -> None:
    """Show what there is to choose from; with `sweeps --address` those of a cluster."""
    if address or profile:
        if what != "sweeps":
            raise click.UsageError("--address shows the sweeps of a cluster: tuner list sweeps")
        list_of_sweeps(client_of(address, profile), as_json)
        return
    from tuner import catalogue

    entries = catalogue.entries(
        what, fetched_storage(storage) if what == "sweeps" else Path(storage)
    )
    if as_json:
        say_json([{"name": name, "text": text} for name, text in entries])
        return
    for name, text in entries:
        click.echo(visible(f"{name:27} {text}".rstrip()))


@click.command()
@storage_option
@click.option("--port", default=5000, show_default=True)
@readable
def ui(storage: str, port: int) -> None:
    """Serve MLflow on the sweeps of a folder, on this machine alone."""
    from tuner.tracked import page
    from tuner.tracking import serve

    click.echo(f"{page(f'http://127.0.0.1:{port}', 'experiments')} (Ctrl-C ends it)")
    serve(Path(storage).expanduser().absolute(), port)
