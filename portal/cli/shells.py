"""`bursar completion`: what a shell has to read once, so that it completes commands, options and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from portal.cli.common import examples

EXAMPLES = ("bursar completion bash > ~/.local/share/bash-completion/completions/bursar",)


@click.command(epilog=examples(EXAMPLES))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Write the completion of a shell. The names of your things complete, too."""
    maker = get_completion_class(shell)
    assert maker is not None
    click.echo(maker(context.find_root().command, {}, "bursar", "_BURSAR_COMPLETE").source())
