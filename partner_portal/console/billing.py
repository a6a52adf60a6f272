"""`portal billing`: the daily run and the reminders, now or as a rehearsal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from billing.policy.reminding import Level
from billing.service import reminders as reminding
from billing.service import runs
from partner_portal import wiring
from partner_portal.infra import clock, db

from .surroundings import surroundings

if TYPE_CHECKING:
    from datetime import date, datetime

    from billing.service.reminders import Claim, Letter, Outcome
    from billing.service.runs import Report
    from partner_portal.infra.settings import Settings

UNDER_WAY = 3


@click.group()
def billing() -> None:
    """What is owed: the daily run, and reminding of it."""


@billing.command()
@click.option("--dry", is_flag=True, help="Say what would be billed; nothing is written.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), default=None, help="As on this day, for a rehearsal; a real run bills today.")
def run(*, dry: bool, day: datetime | None) -> None:
    """Bill everything that is due, and park what does not add up (exit status 3 when another run is under way)."""
    if day is not None and not dry:
        raise click.UsageError("--day is for --dry: what is billed is billed today.")
    out, said = Console(highlight=False, soft_wrap=True), Console(stderr=True)
    columns = (TextColumn("services"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with surroundings() as settings, Progress(*columns, console=said, transient=True) as progress:
        bar = progress.add_task("services", total=None)
        try:
            report = asyncio.run(
                _run(settings, day.date() if day else None, dry, lambda at: progress.update(bar, completed=at.services, total=at.to_bill))
            )
        except runs.RunUnderWay as refused:
            said.print("Another run is billing at this moment.")
            raise SystemExit(UNDER_WAY) from refused
    for line in said_of(report):
        out.print(line, markup=False)


async def _run(settings: Settings, day: date | None, dry: bool, told: runs.Told) -> Report:  # noqa: FBT001  # as typed
    async with wiring.running(settings):
        return await (runs.rehearse if dry else runs.bill)(day or clock.today(), told)


@billing.command()
@click.option("--dry", is_flag=True, help="Say what would be sent; nothing is written.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), default=None, help="As on this day, for a rehearsal; real reminders are today's.")
def reminders(*, dry: bool, day: datetime | None) -> None:
    """Remind everybody whose day has come, once per level; the mails follow by the worker."""
    if day is not None and not dry:
        raise click.UsageError("--day is for --dry: what is sent is sent today.")
    out = Console(highlight=False, soft_wrap=True)
    with surroundings() as settings:
        if dry:
            outcome = asyncio.run(_rehearsed(settings, day.date() if day else None))
            for line in letters_of(outcome):
                out.print(line, markup=False)
        else:
            out.print(f"{asyncio.run(_remind(settings)):,} letters decided.")


async def _rehearsed(settings: Settings, day: date | None) -> Outcome:
    async with wiring.running(settings), db.unit_of_work(db.Principal(db.Door.STAFF, actor="system:console")):
        return await reminding.preview(today=day)


async def _remind(settings: Settings) -> int:
    async with wiring.running(settings):
        return await reminding.run()


def letters_of(outcome: Outcome) -> list[str]:
    """What would be sent: letters by level with their sum, then each, and why the rest stays silent."""
    lines = []
    for level in Level:
        letters = [letter for letter in outcome.letters if letter.level is level]
        cents = sum(letter.open_cents for letter in letters)
        lines.append(f"{level.name.lower()}: {len(letters):,} letters, EUR {cents / 100:,.2f}")
    for letter in outcome.letters:
        numbers = ", ".join(
            [
                *(_named(claim, letter) for claim in (*letter.claims, *letter.soon)),
                *(f"{one.number} (as well)" for one in letter.words.also),
            ]
        )
        stops = f" · services stop on {letter.suspends_on}" if letter.suspends_on else ""
        lines.append(f"  {letter.level.name.lower()} · {letter.debtor_name} · {numbers} · EUR {letter.open_cents / 100:,.2f}{stops}")
    return lines + [f"silent: {count:,} × {why}" for why, count in sorted(outcome.silent.items())]


def _named(claim: Claim, letter: Letter) -> str:
    return claim.number if claim.level in {None, letter.level} else f"{claim.number} ({claim.level.name.lower()})"


def said_of(report: Report) -> list[str]:
    """The report in words: what is billed, and what is parked and why."""
    begin = "would be billed" if report.is_dry else "billed"
    parked = sum(report.parked.values())
    lines = [
        f"{report.day}: {report.services:,} services {begin} on {report.invoices:,} invoices, EUR {report.gross_cents / 100:,.2f}; {parked:,} parked."
    ]
    lines += [f"  {count:,} × {why}" for why, count in sorted(report.parked.items())]
    for one in report.examples:
        facts = ", ".join(f"{name} {value}" for name, value in one.facts.items())
        lines.append("    " + " · ".join(part for part in (one.why.value, one.partner, one.customer, one.service, facts) if part))
    if parked > len(report.examples):
        lines.append(f"    and {parked - len(report.examples):,} more")
    return lines
