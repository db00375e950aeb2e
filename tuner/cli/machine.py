"""Commands about this machine: what is installed, what an editor and a shell have to know."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

import tuner
from tuner.cli.service import client_of
from tuner.cli.words import json_option, readable, say_json, storage_option


@click.command()
@storage_option
@click.option("--address", help="Of a cluster, which is looked at in the place of this machine.")
@click.option("--profile", help="The same by a profile.")
@json_option
@readable
def doctor(storage: str, address: str | None, profile: str | None, as_json: bool) -> None:
    """Check what is installed and whether a sweep could run here, or on a cluster."""
    from tuner.doctor import checkup
    from tuner.doctor_of_clusters import checkup_of_cluster

    sound, findings = True, []
    there = address or profile
    looked = checkup_of_cluster(client_of(address, profile)) if there else checkup(Path(storage))
    for finding in looked:
        sound = sound and finding.sound
        findings.append(asdict(finding))
        if not as_json:
            click.echo(f"{'ok     ' if finding.sound else 'WRONG  '}{finding.text}")
    if as_json:
        say_json({"sound": sound, "findings": findings})
    sys.exit(0 if sound else 1)


@click.command()
@readable
def schema() -> None:
    """Print the JSON schema of a sweep file, for editors."""
    click.echo(json.dumps(tuner.Sweep.model_json_schema(), indent=2))


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what completes commands, options and the names of sweeps in a shell.

    \b
    bash  eval "$(tuner completion bash)"          in ~/.bashrc
    zsh   eval "$(tuner completion zsh)"           in ~/.zshrc
    fish  tuner completion fish | source           in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    shell_complete = get_completion_class(shell)
    assert shell_complete is not None  # click knows all three
    main = context.find_root().command
    click.echo(shell_complete(main, {}, "tuner", "_TUNER_COMPLETE").source())
