"""Moneybird on this machine: ids, versions, lists of a hundred, VAT by rate over the document, refusals in its words, and tokens good for one renewal."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import parse_qsl

from tests.billing import moneybird_contract as contract
from tests.billing.remote_side import Asked, RemoteSide, Told, serving

TOKEN = "c0ffee84ec207ad0154a508f798e615a998ac1fd752926d00f955fb1df3e1446"
ADMINISTRATION = "123"
AGREED = {"grant_type": "authorization_code", "code": "agreed", "redirect_uri": "http://localhost/back"}
BASE = "/api/v2"
HIGH, NONE, REVERSED = "501", "502", "503"
SALES, BETWEEN = "601", "602"
_CENT = Decimal("0.01")


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, said: Any) -> None:
        super().__init__(said)
        self.told = Told(status, said)


class Moneybird(RemoteSide):
    """One administration. `now` stands still until it is moved; `tax_off_by` makes its VAT another one than ours."""

    def __init__(self) -> None:
        super().__init__(contract.Moneybird())
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        self.tokens = {TOKEN}
        self.refresh_token = "first"
        self.refreshed = 0
        self.contacts: dict[str, dict[str, Any]] = {}
        self.invoices: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.tax_off_by = Decimal(0)
        self.no_files = False
        self._last = 481221000000000000

    def answer(self, asked: Asked) -> Told:
        """What Moneybird says."""
        try:
            if asked.path == "/oauth/token":
                return self._renew(dict(parse_qsl(asked.body.decode())))
            if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
                raise Refusal(401, {"error": "The access token is invalid"})
            parts = asked.path.removeprefix(f"{BASE}/").removesuffix(".json").split("/")
            if parts == ["administrations"]:
                return Told(200, [self._administration()])
            if parts[0] != ADMINISTRATION:
                raise Refusal(404, {"error": "record not found", "symbolic": {"id": "not_found"}})
            return self._route(asked, parts[1:])
        except Refusal as refusal:
            return refusal.told

    def _route(self, asked: Asked, parts: list[str]) -> Told:
        match asked.method, parts:
            case "GET", ["ledger_accounts"]:
                return Told(200, [self._ledger(SALES, "Omzet hosting", "revenue"), self._ledger(BETWEEN, "Kruisposten", "current_assets")])
            case "GET", ["tax_rates"]:
                rates = ((HIGH, "21% btw", "21.0"), (NONE, "Geen btw", None), (REVERSED, "Btw verlegd", "0.0"))
                return Told(200, _page(asked, [self._rate(*rate) for rate in rates]))
            case _, ["contacts", *rest]:
                return self._contacts(asked, rest)
            case _, ["external_sales_invoices", *rest]:
                return self._invoices(asked, rest)
            case "GET", ["payments", payment]:
                return Told(200, _only(one for invoice in self.invoices.values() for one in invoice["payments"] if one["id"] == payment))
        raise Refusal(404, {"error": "not found"})

    def _renew(self, form: dict[str, str]) -> Told:
        client = {"client_id": "portal", "client_secret": "hush"}
        if form not in (client | AGREED, client | {"grant_type": "refresh_token", "refresh_token": self.refresh_token}):
            return Told(400, {"error": "invalid_grant", "error_description": "The provided authorization grant is invalid"})
        self.refreshed += 1
        self.refresh_token = f"refresh-{self.refreshed}"
        self.tokens = {f"token-{self.refreshed}"}
        return Told(
            200,
            {"access_token": f"token-{self.refreshed}", "refresh_token": self.refresh_token, "token_type": "Bearer", "expires_in": 7200},
        )

    # --- contacts

    def _contacts(self, asked: Asked, rest: list[str]) -> Told:
        match asked.method, rest:
            case "GET", []:
                return Told(200, _page(asked, [one for one in self.contacts.values() if _matches(one, asked.query.get("query", ""))]))
            case "GET", ["filter"]:
                after = datetime.fromisoformat(asked.query["filter"].removeprefix("updated_after:").replace(" UTC", "+00:00"))
                return Told(200, _page(asked, [one for one in self.contacts.values() if datetime.fromisoformat(one["updated_at"]) > after]))
            case "POST", []:
                return Told(201, self._save(self._new_contact(), asked.json["contact"]))
            case "GET", [contact] if contact in self.contacts:
                return Told(200, self.contacts[contact])
            case "PATCH", [contact] if contact in self.contacts:
                return Told(200, self._save(self.contacts[contact], asked.json["contact"]))
        raise Refusal(404, {"error": "record not found", "symbolic": {"id": "not_found"}})

    def _save(self, contact: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        wanted = contact | given
        if not (wanted["company_name"] or wanted["firstname"] or wanted["lastname"]):
            raise Refusal(422, {"error": {name: ["is required"] for name in ("firstname", "lastname", "company_name")}})
        if any(one["customer_id"] == wanted["customer_id"] and one["id"] != wanted["id"] for one in self.contacts.values()):
            raise Refusal(422, {"error": {"customer_id": ["has already been taken"]}, "details": {"customer_id": [{"error": "taken"}]}})
        contact |= wanted | {"email": wanted["send_invoices_to_email"]} | self._touched()
        self.contacts[contact["id"]] = contact
        return contact

    def _new_contact(self) -> dict[str, Any]:
        made: dict[str, Any] = {name: "" if kind == "str null" else None for name, kind in contract.CONTACT.items()}
        made |= {
            "id": self._id(),
            "administration_id": 123,
            "country": "NL",
            "delivery_method": "Email",
            "customer_id": str(len(self.contacts) + 1),
        }
        made |= {"is_trusted": False, "email_ubl": True, "direct_debit": False, "sepa_active": False, "sepa_sequence_type": "RCUR"}
        made |= {"moneybird_payments_mandate": False, "notes": [], "custom_fields": [], "contact_people": [], "archived": False}
        return made | {"sales_invoices_url": "https://moneybird.com/123/sales_invoices/0/all", "created_at": _at(self.now)}

    # --- documents

    def _invoices(self, asked: Asked, rest: list[str]) -> Told:
        match asked.method, rest:
            case "GET", []:
                return Told(200, _page(asked, self._filtered(asked)))
            case "POST", []:
                return Told(201, self._make(asked.json["external_sales_invoice"]))
            case "GET", ["synchronization"]:
                return Told(200, [{"id": one["id"], "version": one["version"]} for one in self._filtered(asked)])
            case "POST", ["synchronization"]:
                return Told(200, [self.invoices[one] for one in asked.json["ids"][:100] if one in self.invoices])
            case "GET", [invoice] if invoice in self.invoices:
                return Told(200, self.invoices[invoice])
            case "POST", [invoice, "payments"] if invoice in self.invoices:
                return Told(201, self.pay(invoice, **asked.json["payment"]))
            case "POST", [invoice, "attachment"] if invoice in self.invoices:
                return self._file(self.invoices[invoice], asked.body)
        raise Refusal(404, {"error": "record not found", "symbolic": {"id": "not_found"}})

    def _filtered(self, asked: Asked) -> list[dict[str, Any]]:
        told = dict(part.split(":", 1) for part in asked.query.get("filter", "period:this_year").split(","))
        first, last = (_month(told["period"], 0), _month(told["period"], 1)) if ".." in told["period"] else ("2026-01-01", "2026-12-31")
        contact = told.get("contact_id")
        if contact and contact not in self.contacts:
            raise Refusal(400, {"error": "record not found", "symbolic": {"contact_id": "not_found"}})
        return [one for one in self.invoices.values() if first <= one["date"] <= last and contact in {None, one["contact_id"]}]

    def _make(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["contact_id"] not in self.contacts:
            raise Refusal(
                400, {"error": "Contact ID is invalid", "symbolic": {"external_sales_invoice": {"contact_id": "contact_invalid"}}}
            )
        if not given["reference"]:
            raise Refusal(422, {"error": {"reference": ["can't be blank"]}, "details": {"reference": [{"error": "blank"}]}})
        is_incl = given["prices_are_incl_tax"]
        details = [self._detail(row, one) for row, one in enumerate(given["details_attributes"])]
        taxes = self._taxes(details, is_incl=is_incl)
        total = sum((Decimal(one["total_price_excl_tax_with_discount"]) for one in details), Decimal(0))
        tax = sum((Decimal(one["tax_amount"]) for one in taxes), Decimal(0))
        net, gross = (total - tax, total) if is_incl else (total, total + tax)
        made: dict[str, Any] = dict.fromkeys(contract.INVOICE) | {
            **{name: given.get(name) for name in ("contact_id", "reference", "date", "due_date", "currency", "source", "source_url")},
            "id": self._id(),
            "administration_id": 123,
            "contact": self.contacts[given["contact_id"]],
            "state": "open",
            "origin": "api",
            "entry_number": len(self.invoices) + 1,
            "prices_are_incl_tax": is_incl,
            "details": details,
            "tax_totals": taxes,
            **dict.fromkeys(("total_price_excl_tax", "total_price_excl_tax_base"), _said(net)),
            **dict.fromkeys(("total_price_incl_tax", "total_price_incl_tax_base"), _said(gross)),
            **dict.fromkeys(("total_unpaid", "total_unpaid_base"), _said(gross)),
            "total_paid": "0.0",
            "payments": [],
            "attachments": [],
            "notes": [],
            "events": [],
            "created_at": _at(self.now),
            **self._touched(),
        }
        self.invoices[made["id"]] = made
        return made

    def _detail(self, row: int, given: dict[str, Any]) -> dict[str, Any]:
        if given["tax_rate_id"] not in {HIGH, NONE, REVERSED}:
            raise Refusal(422, {"error": {"details.tax_rate": ["is invalid"]}, "details": {}})
        if given["ledger_account_id"] not in {SALES, BETWEEN}:
            raise Refusal(422, {"error": {"details.ledger_account": ["must exist"]}, "details": {}})
        price, times = Decimal(given["price"]).quantize(_CENT, ROUND_HALF_UP), Decimal(given["amount"])
        total = _said((price * times).quantize(_CENT, ROUND_HALF_UP))
        made: dict[str, Any] = dict.fromkeys(contract.DETAIL) | {
            **{name: given.get(name) for name in ("description", "tax_rate_id", "ledger_account_id", "period")},
            "id": self._id(),
            "administration_id": 123,
            "amount": given["amount"],
            "amount_decimal": _said(times),
            "price": _said(price),
            "row_order": row,
            "tax_report_reference": ["NL/1a"],
        }
        return made | dict.fromkeys(("total_price_excl_tax_with_discount", "total_price_excl_tax_with_discount_base"), total)

    def _taxes(self, details: list[dict[str, Any]], *, is_incl: bool) -> list[dict[str, Any]]:
        base: dict[str, Decimal] = defaultdict(Decimal)
        for one in details:
            base[one["tax_rate_id"]] += Decimal(one["total_price_excl_tax_with_discount"])
        taxes = []
        for rate, amount in base.items():
            share = (Decimal(21) / 121 if is_incl else Decimal(21) / 100) if rate == HIGH else Decimal(0)
            tax = (amount * share).quantize(_CENT, ROUND_HALF_UP) + (self.tax_off_by if rate == HIGH else 0)
            taxable = _said(amount - tax if is_incl else amount)
            taxes.append(
                {"tax_rate_id": rate}
                | dict.fromkeys(("taxable_amount", "taxable_amount_base"), taxable)
                | dict.fromkeys(("tax_amount", "tax_amount_base"), _said(tax))
            )
        return taxes

    def pay(self, invoice: str, **given: Any) -> dict[str, Any]:
        """The document is paid, by us or by whoever keeps the books."""
        if given.get("ledger_account_id") not in {None, BETWEEN}:
            raise Refusal(422, {"error": {"ledger_account": ["must exist"]}, "details": {}})
        if given.get("manual_payment_action") == "invoices_settlement":
            return self._settle(self.invoices[invoice], given)
        return self._paid(self.invoices[invoice], given)

    def _settle(self, paid: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        """One document is settled by another of the same debtor: a payment of each, which name each other."""
        other = self.invoices.get(str(given.pop("invoice_id", "")))
        if other is None or other["contact_id"] != paid["contact_id"] or other is paid:
            raise Refusal(422, {"error": {"invoice_id": ["is invalid"]}, "details": {}})
        price = Decimal(given["price"])
        if not 0 < price <= min(Decimal(paid["total_unpaid"]), -Decimal(other["total_unpaid"])):
            raise Refusal(422, {"error": {"price": ["is more than is open"]}, "details": {}})
        ours = self._paid(paid, given)
        theirs = self._paid(other, given | {"price": str(-price), "transaction_identifier": None})
        ours |= {"linked_payment_id": theirs["id"], "credit_invoice_id": other["id"]}
        theirs |= {"linked_payment_id": ours["id"]}
        return ours

    def _paid(self, paid: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        invoice = paid["id"]
        made: dict[str, Any] = dict.fromkeys(contract.PAYMENT) | given
        made |= {"id": self._id(), "administration_id": 123, "invoice_type": "ExternalSalesInvoice", "invoice_id": invoice, "user_id": 1}
        made |= {"price": _said(Decimal(given["price"])), "price_base": _said(Decimal(given["price"]))}
        made |= {"created_at": _at(self.now), "updated_at": _at(self.now)}
        paid["payments"].append(made)
        self._sum(paid)
        return made

    def unpay(self, invoice: str) -> None:
        """Somebody removes the last payment."""
        self.invoices[invoice]["payments"].pop()
        self._sum(self.invoices[invoice])

    def _sum(self, paid: dict[str, Any]) -> None:
        total = sum((Decimal(one["price"]) for one in paid["payments"]), Decimal(0))
        left = Decimal(paid["total_price_incl_tax"]) - total
        state = "open" if left else "paid"
        paid |= (
            {"total_paid": _said(total), "state": state}
            | dict.fromkeys(("total_unpaid", "total_unpaid_base"), _said(left))
            | self._touched()
        )

    def edit(self, invoice: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Somebody changes the document."""
        change(self.invoices[invoice])
        self.invoices[invoice] |= self._touched()

    def _file(self, invoice: dict[str, Any], body: bytes) -> Told:
        if self.no_files:
            raise Refusal(400, {"error": "file is invalid"})
        name = re.search(rb'filename="([^"]+)"', body)
        assert name
        content = body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]
        made: dict[str, Any] = {
            "id": self._id(),
            "administration_id": 123,
            "attachable_id": invoice["id"],
            "attachable_type": "ExternalSalesInvoice",
            "rotation": None,
        }
        made |= {"filename": name[1].decode(), "content_type": "application/xml", "size": len(content)}
        invoice["attachments"].append(made | {"created_at": _at(self.now), "updated_at": _at(self.now)})
        self.files[name[1].decode()] = content
        return Told(200, 200)

    # --- what never changes

    def _administration(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "id": ADMINISTRATION,
            "name": "Voorbeeld Hosting B.V.",
            "language": "nl",
            "currency": "EUR",
            "country": "NL",
        }
        said |= {"time_zone": "Europe/Amsterdam", "access": "user", "suspended": False, "period_locked_until": None}
        return said | {"period_start_date": "2024-01-01"}

    def _ledger(self, number: str, name: str, kind: str) -> dict[str, Any]:
        item = {"taxonomy_version": "3.5", "code": "WOmzNod", "name": name, "name_english": None, "reference": None}
        said: dict[str, Any] = {
            "id": number,
            "administration_id": 123,
            "name": name,
            "account_type": kind,
            "account_id": f"8{number}",
            "parent_id": None,
        }
        said |= {"active": True, "created_at": _at(self.now), "updated_at": _at(self.now), "allowed_document_types": ["sales_invoice"]}
        return said | {"taxonomy_item": item, "financial_account_id": None}

    def _rate(self, number: str, name: str, percentage: str | None) -> dict[str, Any]:
        said: dict[str, Any] = {
            "id": number,
            "administration_id": 123,
            "name": name,
            "percentage": percentage,
            "tax_rate_type": "sales_invoice",
            "show_tax": True,
        }
        return said | {"active": True, "country": None, "created_at": _at(self.now), "updated_at": _at(self.now)}

    def _id(self) -> str:
        self._last += 1
        return str(self._last)

    def _touched(self) -> dict[str, Any]:
        return {"updated_at": _at(self.now), "version": int(self.now.timestamp())}

    def later(self, seconds: int = 60) -> None:
        """Time passes there."""
        self.now += timedelta(seconds=seconds)


def _page(asked: Asked, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    per, page = int(asked.query.get("per_page", "25")), int(asked.query.get("page", "1"))
    if per > 100:
        raise Refusal(400, {"error": "per_page does not have a valid value"})
    return listed[(page - 1) * per : page * per]


def _only(found: Iterable[dict[str, Any]]) -> dict[str, Any]:
    for one in found:
        return one
    raise Refusal(404, {"error": "record not found", "symbolic": {"id": "not_found"}})


def _matches(contact: dict[str, Any], query: str) -> bool:
    searched = (contact["company_name"], contact["lastname"], contact["customer_id"], contact["city"], contact["email"])
    return any(query.lower() in str(said).lower() for said in searched)


def _month(period: str, end: int) -> str:
    told = period.split("..")[end]
    return f"{told[:4]}-{told[4:6]}-{told[6:8] or ('01' if end == 0 else '31')}"


def _said(amount: Decimal) -> str:
    """An amount as it is written there: 121.0, 157.24."""
    plain = f"{amount.normalize():f}"
    return plain if "." in plain else f"{plain}.0"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"


@asynccontextmanager
async def running() -> AsyncIterator[Moneybird]:
    """Moneybird at an address of this machine."""
    async with serving(Moneybird(), BASE) as side:
        yield side
