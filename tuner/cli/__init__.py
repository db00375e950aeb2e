"""The command line: parse, call, print. Whatever it does, Python can do under the same name.

A file for each group of commands; `words` has what they share. What prints data prints JSON with
`--json`, on standard output alone.
"""

from __future__ import annotations

import click

import tuner
from tuner.cli import keeping, machine, reading, running, service


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(tuner.__version__, prog_name="tuner")
def main() -> None:
    """Tune models whose loss has several parts, the balancing of the parts included."""


for command in (
    running.run,
    running.distil,
    service.submit,
    service.status,
    service.logs,
    service.stop,
    service.resume,
    service.wait,
    service.result,
    reading.best,
    reading.compare,
    reading.report,
    reading.export,
    reading.list_,
    reading.ui,
    keeping.repair,
    keeping.sync,
    machine.doctor,
    machine.schema,
    machine.completion,
):
    main.add_command(command)
