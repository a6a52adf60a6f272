"""A world in which every page has something to show: cases in each state, links of each kind, an empty customer, and names of the greatest length."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import httpx

from partner_portal.infra import clock, db, outbox
from partner_portal.wiring import DAILY
from tenants.policy import Segment
from tenants.service import customers
from tenants.service.customers import Address, MainContact, NewCustomer
from terminations.service import buyouts
from terminations.service.buyouts import Decision
from tests.conftest import browser, sign_in
from tests.journeys import partner
from tests.world import FINANCE, STAFF_DOOR, World, make_customer, make_service

LONGEST = 200
LONG_NAME = f"Stichting Samenwerkende Zorgaanbieders {'Noordoost-Achterhoek-' * 7}en Omstreken".ljust(LONGEST, "x")
LONG_EMAIL = f"{'a' * 60}@{'langedomeinnaam.' * 8}example.com"
NOW = date(2026, 12, 28)
_BOUND: dict[str, Any] = {
    "fee_cents": 8995,
    "starts_on": date(2026, 3, 1),
    "minimum_months": 24,
    "renewal": "FIXED",
    "renewal_months": 12,
    "buyout_rule": "75 %",
    "paid_until": date(2027, 2, 1),
}
_RUNS_ON: dict[str, Any] = {"paid_until": date(2027, 2, 1)}


class Scene:
    """`things` is what the paths of pages name."""

    def __init__(self, world: World, client: httpx.AsyncClient, customer: httpx.AsyncClient) -> None:
        self.world = world
        self.noord = client
        self.stranger = customer
        self.things: dict[str, object] = {}
        self.services: dict[str, UUID] = {}

    async def customers(self) -> None:
        """A large customer, an empty one, and one with the longest names."""
        noord = self.world.noord
        async with db.unit_of_work(noord.principal()):
            care = await make_customer(noord, "Zorggroep De Linde", email="inkoop@delinde.example.com")
            english = await make_customer(noord, "Fisher & Sons Ltd", email="mary@fisher.example.com", language="en")
            long = await customers.create(
                noord.actor,
                NewCustomer(
                    name=LONG_NAME,
                    segment=Segment.OTHER_BIZ,
                    main_contact=MainContact(LONG_NAME, LONG_EMAIL),
                    billing_address=Address(LONG_NAME, "1234 AB", "L" * 100),
                ),
            )
            for what in ("waiting", "answered", "refused", "too_late", "ended", "withdrawn", "spare", "spare_too"):
                self.services[what] = await make_service(noord, care, label=f"Internet vestiging {what.title()}", **_RUNS_ON)
            for what in ("proposal", "at_finance", "countered", "declined"):
                self.services[what] = await make_service(noord, care, product="hosting", label=f"Hosting {what}", **_BOUND)
            self.services["english"] = await make_service(noord, english, label="Fibre", **_RUNS_ON)
            self.services["long"] = await make_service(
                noord, long, label="W" * LONGEST, **_BOUND, discount_cents=120_00, discount_months=24
            )
            for nth in range(60):
                await make_customer(noord, f"Klant {nth:03d}", email=f"klant{nth}@example.com")
        self.things |= {"customer": care, "empty_customer": noord.customers["private"], "long_customer": long}

    async def cases(self) -> None:
        """A case in each state, by what the state is called."""
        await self._filed("too_late")
        await self._filed("ended")
        await self._press("ended", "approve")
        clock.move_to(NOW)
        for daily in DAILY:
            await daily()
        await outbox.drain()
        for what in ("waiting", "answered", "refused", "withdrawn"):
            await self._filed(what)
        await self._press("answered", "approve")
        await self._press("refused", "refuse", reason="Wij blijven toch")
        await self.noord.post(f"/api/v1/terminations/{self.things['withdrawn_case']}/withdrawal", json={"note": "Klant blijft"})
        for what in ("proposal", "at_finance", "countered", "declined", "long"):
            await self._filed(what, wished_on="2027-03-31", early=True)
        await self._decided("proposal", Decision.APPROVE)
        await self._decided("countered", Decision.APPROVE)
        await self._press("countered", "counter", offer="100,00", reason="Dit is te veel")
        await self._decided("declined", Decision.REFUSE, reason="Het contract loopt nog")
        await outbox.drain()

    async def _filed(self, what: str, **asked: Any) -> None:
        case = await partner.filed(self.noord, self.services[what], **asked)
        self.things[f"{what}_case"], self.things[f"{what}_number"] = case["id"], case["number"]
        self._note_link(what)

    async def _decided(self, what: str, decision: Decision, **given: Any) -> None:
        async with db.unit_of_work(STAFF_DOOR):
            await buyouts.decide(FINANCE, await buyouts.case_by_number(str(self.things[f"{what}_number"])), decision, **given)
        await outbox.drain()
        self._note_link(what)

    def _note_link(self, what: str) -> None:
        number = str(self.things[f"{what}_number"])
        mails = [mail for mail in self.world.mailbox.mailbox.mails() if number in mail.text and "/confirm/" in mail.text]
        if mails:
            self.things[what] = partner.link_in(mails[0]).rpartition("/")[2]

    async def _press(self, what: str, decision: str, **typed: str) -> None:
        answer = await partner.press(self.stranger, f"/confirm/{self.things[what]}", decision, **typed)
        assert answer.status_code == 200, answer.text


async def built(world: World) -> dict[str, object]:
    """Everything is there; what the paths of pages name."""
    async with browser() as noord, browser() as stranger:
        await sign_in(noord, world.noord.owner)
        scene = Scene(world, noord, stranger)
        await scene.customers()
        await scene.cases()
        return scene.things
