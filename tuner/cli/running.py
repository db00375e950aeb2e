"""Commands that run a sweep from here, and last as long as it does."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import click

import tuner
from tuner.cli.words import json_option, name_argument, readable, say_json, storage_option
from tuner.errors import TunerError
from tuner.interrupts import INTERRUPTED, at_once
from tuner.naming import folder_of


@click.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--storage", help="Folder or s3://bucket/prefix, in place of the one in FILE.")
@click.option("--address", help="Of a Ray cluster; a local one by default.")
@click.option("--replace", is_flag=True, help="Put it in the place of a sweep of the same name.")
@json_option
@readable
def run(file: str, storage: str | None, address: str | None, replace: bool, as_json: bool) -> None:
    """Run the sweep in FILE, or go on with it if it was interrupted."""
    sweep = tuner.Sweep.load(file)
    if storage:
        sweep = sweep.stored_in(storage)
    from tuner.headline import headline

    result = watched(sweep, address, replace)
    again = f"tuner run {file}" + (f" --storage {shlex.quote(storage)}" if storage else "")
    conclude(result, headline(result.trials), again, as_json)


@click.command()
@name_argument
@storage_option
@click.option("--address", help="Of a Ray cluster; a local one by default.")
@click.option(
    "--replicates",
    type=click.IntRange(1, 1024),
    help="As in the sweep by default, but at least 8.",
)
@click.option("--replace", is_flag=True, help="Put it in the place of an earlier one.")
@json_option
@readable
def distil(
    name: str,
    storage: str,
    address: str | None,
    replicates: int | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Would constants do? Run the best adaptive trial of NAME against its own late weights."""
    from tuner.distil import distil_verdict

    sweep = tuner.Result(folder_of(storage, name)).distil(replicates)
    result = watched(sweep, address, replace)
    again = f"tuner distil {name} --storage {storage}"
    again += f" --replicates {replicates}" if replicates else ""
    conclude(result, distil_verdict(result), again, as_json)


def watched(sweep: tuner.Sweep, address: str | None, replace: bool) -> tuner.Result:
    """Run a sweep and show how it goes."""
    from tuner.progress import Progress

    with at_once(), Progress(sweep) as progress:
        return tuner.run(sweep, address=address, watch=progress, replace=replace)


def conclude(result: tuner.Result, outcome: str, again: str, as_json: bool) -> None:
    """Say what came out; exit status 130 if the sweep is not finished."""
    if as_json:
        told = Closing.of(result)
        say_json(result.to_json() | {"outcome": outcome, "model": told.model or None})
    else:
        for line in closing_words(result, outcome, again):
            click.echo(line)
    if result.trials.status != "finished":
        sys.exit(INTERRUPTED)


def closing_words(result: tuner.Result, outcome: str, again: str) -> Iterable[str]:
    """What is said at the end of a run: what came out, where to look, how to go on."""
    from tuner.tracked import charts_url, run_url

    table, told = result.trials, Closing.of(result)
    yield ""
    if len(table):
        yield click.wrap_text(outcome, width=min(shutil.get_terminal_size().columns, 99))
        yield f"report:  {told.report}"
    page = run_url(result.folder)
    yield f"MLflow:  {page or f'tuner ui --storage {result.folder.parent}'}"
    if charts := charts_url(result.folder):
        yield f"charts:  {charts}{'' if page else ' (while that runs)'}"
    if told.model:
        yield f"model:   {told.model}"
    yield from told.lacking
    if table.status != "finished":
        yield f"{table.status}: {table.reason}. Go on with: {again}"


class Closing(NamedTuple):
    """What is made when a run ends. lacking: what MLflow has not got of it, and what to do."""

    report: Path | None = None
    model: str = ""
    lacking: tuple[str, ...] = ()

    @classmethod
    def of(cls, result: tuner.Result) -> Closing:
        """The report, and with it in MLflow the winner's network."""
        from tuner.tracking import shortfall

        report = result.report() if len(result.trials) else None
        lacking = tuple(shortfall(result.folder, result.sweep.tracking.uri))
        if report is None or lacking:
            return cls(report, "", lacking)
        try:
            return cls(report, result.publish(report))
        except TunerError as fault:
            sync = f"tuner sync {result.folder.name} --storage {result.folder.parent}"
            said = f"MLflow has the numbers but not the report: {fault}. Send it with: {sync}"
            return cls(report, "", (said,))
