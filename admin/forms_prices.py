"""The named actions of staff about prices and about what a run left to people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request

from billing.service import parking, pauses, places, prices
from billing.service.pauses import PauseWanted
from billing.service.places import Evidence
from billing.service.prices import Indexation, PriceChangeWanted
from partner_portal.infra import db
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import FieldError, Invalid, NotFound
from partner_portal.web import decoding

from . import access
from .form import FINANCE, Form, cents

_DAY = sentence("From which day, as 2026-12-31")
_REASON = sentence("Reason")


class PriceChanges(BaseModel):
    """What a service costs from a day on."""

    service: str = Field(title=sentence("Number of the service"))
    since: str = Field(title=_DAY)
    fee: str = Field("", title=sentence("Price per month in euros toward the customer; empty: stays"))
    wholesale: str = Field("", title=sentence("Price per month in euros toward the partner; empty: stays"))
    reason: str = Field(title=_REASON)


class PricesIndexed(BaseModel):
    """All running services cost a percentage more."""

    percentage: str = Field(title=sentence("Percentage, for example 3.4"))
    since: str = Field(title=_DAY)
    partner: str = Field("", title=sentence("Code of the partner; empty: all partners"))
    product: str = Field("", title=sentence("Code of the product; empty: all products"))
    reason: str = Field(title=_REASON)


class PauseAgreed(BaseModel):
    """Days of a service that are not billed."""

    service: str = Field(title=sentence("Number of the service"))
    pauses_from: str = Field(title=sentence("First day of the pause, as 2026-12-31"))
    resumes_on: str = Field(title=sentence("First day with a bill again, as 2027-02-01"))
    reason: str = Field(title=_REASON)


class WhereaboutsSeen(BaseModel):
    """One thing that points at the country in which a consumer is."""

    partner: str = Field(title=sentence("Code of the partner"))
    customer: str = Field(title=sentence("Number of the customer"))
    kind: str = Field(title=sentence("What was seen: billing, internet, bank, telephone or installation"))
    country: str = Field(title=sentence("Country it points at, as DE"))


class ParkedSettled(BaseModel):
    """What a run left is dealt with."""

    whose: str = Field(title=sentence("Number of the customer or service, or code of the partner"))


async def change(request: Request, data: PriceChanges) -> str:
    """The service costs this from that day on."""
    service = await _service(data.service)
    wanted: dict[str, Any] = {"since": data.since.strip(), "reason": data.reason.strip()}
    wanted |= {
        f"{name}_cents": cents(typed, f"/{name}") for name, typed in (("fee", data.fee), ("wholesale", data.wholesale)) if typed.strip()
    }
    await prices.change(access.acting(request), service, decoding.convert(PriceChangeWanted, wanted))
    return access.say(request, sentence("%(number)s has a new price."), number=data.service.strip())


async def index(request: Request, data: PricesIndexed) -> str:
    """The services cost the percentage more from that day on."""
    wanted = {
        "percentage": data.percentage.strip().replace(",", "."),
        "since": data.since.strip(),
        "reason": data.reason.strip(),
        "tenant": await _id("partner", "SELECT id FROM tenant WHERE code = $1", data.partner.strip().upper()),
        "product": await _id("product", "SELECT id FROM billing_product WHERE code = $1", data.product.strip()),
    }
    done = await prices.index(access.acting(request), decoding.convert(Indexation, wanted))
    said = sentence(
        "%(changed)s services have a new price; %(left)s were left: their days were billed already, or a later price was decided."
    )
    return access.say(request, said, changed=done.changed, left=done.left)


async def pause(request: Request, data: PauseAgreed) -> str:
    """The service is not billed on these days."""
    wanted = {name: getattr(data, name).strip() for name in ("pauses_from", "resumes_on", "reason")}
    await pauses.pause(access.acting(request), await _service(data.service), decoding.convert(PauseWanted, wanted))
    return access.say(request, sentence("%(number)s is paused on these days."), number=data.service.strip())


async def see(request: Request, data: WhereaboutsSeen) -> str:
    """The evidence is on record; the next run looks again."""
    row = await db.fetch_one(
        "SELECT c.id FROM customer c JOIN tenant t ON t.id = c.tenant WHERE t.code = $1 AND c.number = $2",
        *(data.partner.strip().upper(), data.customer.strip().upper()),
    )
    if row is None:
        raise NotFound(what="customer", number=data.customer)
    wanted = decoding.convert(Evidence, {"kind": data.kind.strip().lower(), "country": data.country.strip().upper()})
    await places.add(access.acting(request), row["id"], wanted.kind, wanted.country)
    return access.say(request, sentence("It is on record; the next run looks again."))


async def settle(request: Request, data: ParkedSettled) -> str:
    """What was parked is settled; the next run looks again."""
    count = await parking.settle_of(access.acting(request), data.whose.strip())
    if not count:
        raise NotFound(what="parked", number=data.whose)
    return access.say(request, sentence("Settled: %(count)s. What still does not add up is parked again by the next run."), count=count)


async def _service(number: str) -> UUID:
    rows = await db.fetch("SELECT id FROM billing_service WHERE number = $1", number.strip())
    if not rows:
        raise NotFound(what="service", number=number)
    if len(rows) > 1:  # numbers of a partner's own making are unique within that partner only
        raise Invalid(FieldError("/service", "several"))
    found: UUID = rows[0]["id"]
    return found


async def _id(what: str, sql: str, code: str) -> UUID | None:
    if not code:
        return None
    row = await db.fetch_one(sql, code)
    if row is None:
        raise NotFound(what=what, code=code)
    found: UUID = row["id"]
    return found


_PRICES = sentence("Prices and the daily run")

FORMS = (
    Form(name=sentence("New price of a service"), group=_PRICES, fields=PriceChanges, roles=FINANCE, act=change,
         told=sentence("From a day on; never for days that were billed. A period in which it falls is billed in two lines.")),
    Form(name=sentence("Index prices"), group=_PRICES, fields=PricesIndexed, roles=FINANCE, act=index,
         told=sentence("All running services, or those of one partner or product, in both price layers, rounded to the cent.")),
    Form(name=sentence("Pause a service"), group=_PRICES, fields=PauseAgreed, roles=FINANCE, act=pause,
         told=sentence("Days that are not billed, from the first day not billed yet on; also beyond what the offer allows. "
                       "A stop for non-payment is no pause.")),
    Form(name=sentence("Evidence of where a consumer is"), group=_PRICES, fields=WhereaboutsSeen, roles=FINANCE, act=see,
         told=sentence("A consumer elsewhere in the EU is billed when two things point at its country and none contradicts. The newest of a kind counts.")),
    Form(name=sentence("Settle what was parked"), group=_PRICES, fields=ParkedSettled, roles=FINANCE, act=settle,
         told=sentence("When you have dealt with what the daily run left. It settles by itself, too, as soon as a run bills it.")),
)  # fmt: skip
