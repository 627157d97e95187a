# SPDX-License-Identifier: Apache-2.0
"""What happens between a command line and an exit code?

Commands are imported only when they run: `kguard --version` loads none of them.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from kguard import __version__
from kguard.cli import completing
from kguard.errors import KguardError, UsageError, suggested

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "scan": "judge manifests or a cluster in all five layers",
    "fix": "write the manifests that close the findings, with a proof",
    "diff": "what a change does: effects and findings that appear or vanish",
    "gate": "what manifests would change for the worse in a cluster",
    "admit": "answer an AdmissionReview, with a cluster's state as context",
    "serve": "the same as an HTTPS webhook of the API server",
    "explain": "why a finding is one, or what a policy wants",
    "policies": "list, show, test and begin policies",
    "network": "who can talk to whom",
    "mtls": "which mutual TLS mode each port really enforces",
    "images": "which images run, signed by whom, enforced by what",
    "audit": "what the API server would record",
    "runtime": "what Falco would detect, and where",
    "manifests": "what was read, one JSON line for each object",
    "facts": "the facts documents that the policies judge",
    "snapshot": "write the state of a cluster to a file, for scans without one",
    "history": "earlier audits, since when a finding is there, what changed",
    "init": "write a kguard.yaml that fits a repository",
    "baseline": "accept today's findings, so that only new ones count",
    "schema": "print the JSON Schema of a document",
    "completion": "print the script that completes words in bash, zsh or fish",
}
"""Every command with its one-line help; each lives in the module of its name."""

EXIT_BUG = 70
EXIT_INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"kguard.cli.{cmd_name}").command
        return completing.equip(command) if completing.wanted() else command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands, without importing them, and the options."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return completing.named(COMMANDS, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; a name that does not exist gets the nearest as a hint."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            otherwise = "`kguard --help` names them all"
            raise UsageError(
                f"there is no command `{name}`", hint=suggested(name, COMMANDS, otherwise)
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 clean, 1 findings, 2 usage, 3 incomplete, 70 a bug in kguard.",
)
@click.version_option(__version__, prog_name="kguard", message="%(prog)s %(version)s")
def kguard() -> None:
    """Tell whether the five protection layers of a Kubernetes cluster are really in force.

    \b
    Examples:
      kguard scan deploy/                    judge the manifests of a folder
      kguard fix deploy/ --out remedies/     write what closes the findings, with a proof
    """


def main() -> None:
    """Run a command; the one place that catches errors and sets the exit code."""
    # A scan makes millions of lasting objects and no rubbish in cycles: searching them for
    # some takes a fifth of the time.
    gc.disable()
    _finish(_run())


def _run() -> int:
    try:
        status: Any = kguard.main(prog_name="kguard", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        from kguard.cli.usage import usage

        show(usage(error))
        return 2
    except KguardError as error:
        show(error)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output went away: nothing can be told to anyone.
        from kguard.cli.output import forget_output

        forget_output()
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence
        _bug(error)
        return EXIT_BUG
    return status if isinstance(status, int) else 0


def _finish(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # the interpreter's last search for rubbish would go through everything again
    sys.exit(status)


def show(error: KguardError) -> None:
    """Print an error of the user's: one sentence, its place, a hint."""
    from kguard.cli.output import clean

    click.echo(f"kguard: {clean(str(error))}", err=True)
    if error.hint:
        click.echo(f"  hint: {clean(error.hint)}", err=True)


def _bug(error: Exception) -> None:
    click.echo(f"kguard: this is a bug in kguard: {type(error).__name__}: {error}", err=True)
    click.echo("  hint: please report it; KGUARD_DEBUG=1 prints the details", err=True)
    if os.environ.get("KGUARD_DEBUG"):
        import traceback

        traceback.print_exc()
