"""The command `portal`. A command is imported when it is called, so that each starts as fast as it can."""

from __future__ import annotations

import importlib
import sys

import click

from partner_portal.infra.embedded import StartFailed
from partner_portal.infra.settings import SettingsProblem

WRONG_SETTINGS = 2

COMMANDS = {
    "demo": "partner_portal.console.demo:demo",
    "web": "partner_portal.console.web:web",
    "worker": "partner_portal.console.worker:worker",
    "migrate": "partner_portal.console.migrate:migrate",
    "staff": "partner_portal.console.staff:staff",
    "billing": "partner_portal.console.billing:billing",
    "accounting": "partner_portal.console.accounting:accounting",
    "invoices": "partner_portal.console.invoices:invoices",
    "import": "partner_portal.console.imports:import_",
    "assets": "partner_portal.console.assets:assets",
    "bench": "partner_portal.console.bench:bench",
    "conformance": "partner_portal.console.conformance:conformance",
    "invariants": "partner_portal.console.invariants:invariants",
    "dead-letters": "partner_portal.console.dead_letters:dead_letters",
    "run-again": "partner_portal.console.dead_letters:run_again",
    "mailcatcher": "partner_portal.mailcatcher.__main__:main",
}
"""Where each command is: a module and a click command in it."""


class Portal(click.Group):
    """The commands of `COMMANDS`, each found when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """In the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """The command called `name`, or None."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.command(cls=Portal, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def portal() -> None:
    """Partners end their customers' contracts knowing every end date and cost beforehand.

    Settings come from the environment (.env.example names them). Without DATABASE_URL and REDIS_URL the servers of the folder
    DATA are used, and started when needed.
    """


def main() -> None:
    """Runs one command; settings that are wrong end in exit status 2, each named with its remedy."""
    try:
        portal(prog_name="portal")
    except SettingsProblem as problem:
        click.echo("The settings cannot be right:", err=True)
        for line in problem.problems:
            click.echo(f"  {line}", err=True)
        sys.exit(WRONG_SETTINGS)
    except StartFailed as problem:
        click.echo(str(problem), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
