"""What the confirmation says: who asked what, what ends and costs, and every step with who took it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from partner_portal.infra import catalogue, db, settings
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.who import who
from tenants.service import brands

from ..workflow import Action
from . import cases, letters
from .letters import Dossier


class StepWords(msgspec.Struct, frozen=True):
    """One step for the letter's history."""

    who: str
    what: str
    when: datetime
    text_version: str | None


async def words(told: Dossier, language: str) -> dict[str, Any]:
    """What the confirmation says; the same for all three, so it holds no price that one of them may not see."""
    case = told.case
    return {
        "brand": await brands.for_letter(case.tenant),
        "provider": settings.current().provider_name,
        "recipient": await address_block(told),
        "issued_at": (await cases.history(case.id))[-1]["at"],
        "number": case.number,
        "title": case.number,
        "case": letters.case_words(told),
        "lines": letters.line_words(told, language),
        "sheet": letters.sheet(told, language) if told.customer_pays else None,
        "payer": letters.payer_name(told),
        "content": letters.asked_content(told, language),
        "after": letters.afterwards(told),
        "steps": await step_words(case.id, language),
        "withdraw_until": letters.withdraw_until(told),
    }


DONE: dict[str, str] = {
    Action.FILE: sentence("Filed the termination"),
    Action.FILE_BUYOUT: sentence("Filed the termination with a buyout"),
    Action.FILE_BY_NOTICE: sentence("Gave notice on the public page"),
    Action.FILE_BUYOUT_BY_NOTICE: sentence("Gave notice on the public page"),
    Action.FILE_BY_CUSTOMER: sentence("Gave notice in the portal"),
    Action.FILE_BUYOUT_BY_CUSTOMER: sentence("Asked in the portal to leave early"),
    Action.APPROVE: sentence("Agreed to the end"),
    Action.REFUSE: sentence("Refused the end"),
    Action.NOT_ME: sentence("Said not to be the right person"),
    Action.CHOOSE_EARLIER: sentence("Chose an earlier day, against a buyout"),
    Action.ACCEPT: sentence("Accepted the buyout"),
    Action.ACCEPT_WITH_CONSENT: sentence("Agreed to the end and accepted the buyout"),
    Action.REFUSE_BUYOUT: sentence("Refused the buyout"),
    Action.COUNTER: sentence("Made a counter-proposal"),
    Action.AGREE_FIRST: sentence("Agreed as the first of two"),
    Action.PROPOSE: sentence("Proposed the buyout"),
    Action.DECLINE_BUYOUT: sentence("Declined the buyout"),
    Action.ALLOW_WITHDRAWAL: sentence("Allowed the withdrawal"),
    Action.DENY_WITHDRAWAL: sentence("Denied the withdrawal"),
    Action.WITHDRAW: sentence("Withdrew the termination"),
    Action.ASK_WITHDRAWAL: sentence("Asked to withdraw the termination"),
    Action.SEND_AGAIN: sentence("Sent the link again"),
    Action.REMIND: sentence("Reminded"),
    Action.EXPIRE: sentence("Expired"),
    Action.TAKE_EFFECT: sentence("Ended the services"),
}
"""What each action did, as letters and pages say it: source sentences."""


async def step_words(case: UUID, language: str) -> tuple[StepWords, ...]:
    """Every step of the case, oldest first, in words."""
    return tuple(
        StepWords(
            who(row["actor_label"], language),
            catalogue.text(DONE[Action(row["action"])], language),
            row["at"],
            row["text_version"] and row["text_version"][:12],
        )
        for row in await cases.history(case)
    )


async def address_block(told: Dossier) -> list[str]:
    """Name and billing address of the customer, one line each, for the window of an envelope."""
    row = await db.fetch_one(
        "SELECT street, postcode, city, country FROM location WHERE customer = $1 AND kind = 'billing'", told.case.customer
    )
    lines = [told.customer_name]
    return (
        [*lines, row["street"], f"{row['postcode']}  {row['city']}", *([] if row["country"] == "NL" else [row["country"]])]
        if row
        else lines
    )
