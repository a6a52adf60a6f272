"""The whole scene, in the order in which its parts build on each other.

For one partner that is there already; products `internet` and `hosting` and the buyout rule `75 %` are, too. The clock moves on by some weeks, so that
things have ended and expired.
"""

from __future__ import annotations

import msgspec

from partner_portal.kernel.actor import Actor

from . import bills, customers, endings, finance, orders, owing, paying, people, settings
from .stage import Stage, account, browser, let_in, name_the_house

_CROWD = 60


class Scene(msgspec.Struct, frozen=True):
    """Who looks, and what the paths of pages name."""

    owner: Actor
    contact: Actor
    consumer: Actor
    staff: Actor
    things: dict[str, object]


async def built(owner: str, *, crowd: int = _CROWD) -> Scene:
    """Everything is there, for this owner of a partner (`member:` and its id)."""
    actor = await account(owner)
    async with browser() as own, browser() as stranger:
        await let_in(own, actor)
        await name_the_house()
        stage = Stage(actor, own, stranger)
        await customers.enter(stage, crowd)
        await endings.reach(stage)
        await endings.draft(stage)
        await endings.give_notice(stage)
        await endings.end_many(stage)
        await people.invite(stage)
        await settings.choose(stage)
        await orders.place(stage)
        await owing.owe(stage)
        await bills.bill(stage)
        await paying.begin(stage)
        await customers.agree_lately(stage)
        staff = await finance.work(stage)
        return Scene(actor, await people.contact(stage, "customer"), await people.contact(stage, "consumer"), staff, stage.things)
