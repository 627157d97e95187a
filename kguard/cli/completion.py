# SPDX-License-Identifier: Apache-2.0
"""How does a shell learn to complete the words of a command line?"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from kguard.cli.completing import VARIABLE
from kguard.errors import UsageError

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print the script that completes commands, options, policies, contexts and files.

    \b
    Examples:
      source <(kguard completion bash)       in ~/.bashrc
      source <(kguard completion zsh)        in ~/.zshrc
      kguard completion fish > ~/.config/fish/completions/kguard.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"there is no completion for {shell}", hint=", ".join(_SHELLS))
    script = found(ctx.find_root().command, {}, "kguard", VARIABLE)
    click.echo(script.source_template % script.source_vars())
    return 0
