"""Whether a connection works, asked of the package itself: what opens, which codes are there, what was sent; nothing is written unless wanted."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from partner_portal.infra import db
from partner_portal.kernel.errors import Problem

from . import connections
from .connections import Connection
from .port import Accounting, Contact, Health, What

_TEST = Contact(
    key="portal-smoke-test",
    number="PORTAL-SMOKE",
    name="Portal smoke test",
    street="Teststraat 1",
    postcode="1234 AB",
    city="Utrecht",
    country="NL",
    email="smoke@portal.example.com",
)
_SEVERAL = 3


class Step(msgspec.Struct, frozen=True):
    """One thing that was tried, in words for an operator."""

    is_good: bool
    said: str


class Report(msgspec.Struct, frozen=True):
    """What was tried, in order."""

    steps: tuple[Step, ...]

    @property
    def is_good(self) -> bool:
        """Whether all of it worked."""
        return all(step.is_good for step in self.steps)


async def run(connection: Connection, *, writes: bool) -> Report:
    """Each step is tried as far as the one before went well; no problem of the package is raised. Through the staff door."""
    steps: list[Step] = []
    try:
        async with db.savepoint():
            await _walk(connection, steps, writes=writes)
    except Problem as problem:
        steps.append(Step(is_good=False, said=f"{problem.code}: {problem.facts.get('detail') or problem}"))
    return Report(tuple(steps))


async def _walk(connection: Connection, steps: list[Step], *, writes: bool) -> None:
    adapter = connections.adapter(connection)
    health = await adapter.check()
    steps.append(Step(is_good=True, said=f"{connection.package} opens: {health.administration}"))
    steps += _codes(connection, health)
    news = await adapter.news(connection.cursor)
    steps.append(
        Step(is_good=True, said=f"news: {len(news.payments)} payments, {len(news.altered)} changes{' and more' if news.is_more else ''}")
    )
    steps += await _looked(connection, adapter)
    if writes:
        steps.append(await _written(adapter))


def _codes(connection: Connection, health: Health) -> list[Step]:
    return [
        *_known("ledger account", connection.ledgers, health.ledgers),
        *_known("VAT code", connection.vat_codes, health.vat_codes),
    ]


def _known(what: str, wanted: Mapping[str, str], there: Mapping[str, str] | None) -> list[Step]:
    if not wanted:
        return [Step(is_good=False, said=f"no {what} is entered: nothing can be sent")]
    if there is None:
        return [Step(is_good=True, said=f"the package tells no {what}s; {len(wanted)} are entered")]
    missing = [f"{name} = {code}" for name, code in sorted(wanted.items()) if code not in there]
    return [Step(is_good=not missing, said=f"{what}s: {'not there: ' + ', '.join(missing) if missing else f'all {len(wanted)} are there'}")]


async def _looked(connection: Connection, adapter: Accounting) -> list[Step]:
    rows = await db.fetch(
        "SELECT l.remote_id, i.number FROM billing_accounting_link l JOIN billing_invoice i ON i.id = l.subject"
        " WHERE l.connection = $1 AND l.what = 'document' AND l.state = 'sent' ORDER BY l.sent_at DESC LIMIT $2",
        *(connection.id, _SEVERAL),
    )
    steps = []
    for row in rows:
        found = await adapter.look(What.DOCUMENT, row["remote_id"])
        steps.append(Step(is_good=found is not None, said=f"{row['number']} is {'there' if found else 'no longer there'}"))
    return steps


async def _written(adapter: Accounting) -> Step:
    """A debtor for tests, made twice as a worker does that died between: it must be there once."""
    first = await adapter.find(_TEST) or await adapter.create(_TEST)
    again = await adapter.find(_TEST)
    is_once = again is None or again.id == first.id
    return Step(is_good=is_once, said=f"a debtor is written and found again: {first.id}")
