"""Xero on this machine: ids, VAT line by line unless told, unique names and numbers, pages in the order of change, and tokens good for half an hour."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import UUID

from tests.billing.remote_side import Asked, RemoteSide, Told, serving
from tests.billing.xero_contract import BASE, Xero

TENANT = "45e4708e-d862-4111-ab3a-dd8cd03913e1"
AGREED = {"grant_type": "authorization_code", "code": "agreed", "redirect_uri": "http://localhost/back"}
BASIC = "Basic " + base64.b64encode(b"portal:hush").decode()
HIGH, ZERO, REVERSED = "OUTPUT2", "ZERORATEDOUTPUT", "ECOUTPUTSERVICES"
RATES = {HIGH: Decimal(21), ZERO: Decimal(0), REVERSED: Decimal(0)}
SALES, BETWEEN = "200", "610"
_CENT = Decimal("0.01")
_WHERE = re.compile(r'(\w+)=="([^"]*)"')
_ID = {"Contacts": "ContactID", "Invoices": "InvoiceID", "CreditNotes": "CreditNoteID", "Payments": "PaymentID"}
_NUMBER = {"Invoices": "InvoiceNumber", "CreditNotes": "CreditNoteNumber"}


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, said: Any) -> None:
        super().__init__(said)
        self.told = Told(status, said)


def invalid(*messages: str) -> Refusal:
    """What is wrong with the object that was sent."""
    element = {"ValidationErrors": [{"Message": one} for one in messages]}
    return Refusal(
        400, {"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred", "Elements": [element]}
    )


class FakeXero(RemoteSide):
    """One organisation. `now` stands still until it is moved; `own_vat` computes VAT line by line, whatever it was told; `allocations_without_id` as some
    of the published examples of answers are.
    """

    def __init__(self) -> None:
        super().__init__(Xero())
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        self.tokens = {"good"}
        self.refresh_token = "first"
        self.refresh_token_before, self.renewed_at = "first", self.now
        self.refreshed = 0
        self.things: dict[str, dict[str, dict[str, Any]]] = {place: {} for place in _ID}
        self.files: dict[str, bytes] = {}
        self.hung: dict[str, list[dict[str, Any]]] = {}
        self.keys: dict[str, tuple[bytes, Told]] = {}
        self.allocations: list[dict[str, Any]] = []
        self.allocations_without_id = False
        self.own_vat = False
        self.no_files = False
        self._last = 0

    def answer(self, asked: Asked) -> Told:
        """What Xero says."""
        try:
            if asked.path == "/connect/token":
                return self._renew(asked)
            if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
                raise Refusal(401, {"Type": None, "Title": "Unauthorized", "Status": 401, "Detail": "TokenExpired: token expired"})
            if asked.path == "/connections":
                return Told(
                    200, [{"id": self._id(), "tenantId": TENANT, "tenantType": "ORGANISATION", "tenantName": "Voorbeeld Hosting B.V."}]
                )
            if asked.headers.get("xero-tenant-id") != TENANT:
                raise Refusal(403, {"Type": None, "Title": "Forbidden", "Status": 403, "Detail": "AuthenticationUnsuccessful"})
            return self._once(asked)
        except Refusal as refusal:
            return refusal.told

    def _once(self, asked: Asked) -> Told:
        key = asked.headers.get("idempotency-key")
        if key is None:
            return self._route(asked)
        if key in self.keys and self.keys[key][0] != asked.body:
            raise Refusal(400, {"ErrorNumber": 1, "Type": "BadRequest", "Message": "The idempotency key was used with a different request"})
        if key not in self.keys:
            self.keys[key] = (asked.body, self._route(asked))
        return self.keys[key][1]

    def _renew(self, asked: Asked) -> Told:
        """A refresh token is good once; for half an hour once more, as the answer may have been lost."""
        form = dict(parse_qsl(asked.body.decode()))
        is_late = self.now > self.renewed_at + timedelta(minutes=30)
        good = {self.refresh_token} if is_late else {self.refresh_token, self.refresh_token_before}
        known = [{"grant_type": "refresh_token", "refresh_token": one} for one in good] + [AGREED]
        if asked.headers.get("authorization") != BASIC or form not in known:
            return Told(400, {"error": "invalid_grant"})
        self.refreshed += 1
        self.refresh_token_before, self.renewed_at = form.get("refresh_token", ""), self.now
        self.refresh_token, self.tokens = f"refresh-{self.refreshed}", {f"token-{self.refreshed}"}
        said = {"access_token": f"token-{self.refreshed}", "refresh_token": self.refresh_token, "token_type": "Bearer"}
        return Told(200, said | {"expires_in": 1800, "scope": "accounting.transactions accounting.contacts accounting.settings.read"})

    def _route(self, asked: Asked) -> Told:
        match asked.method, asked.path.removeprefix(f"{BASE}/").split("/"):
            case "GET", ["Organisation"]:
                return Told(200, {"Organisations": [{"Name": "Voorbeeld Hosting B.V.", "OrganisationID": TENANT, "CountryCode": "NL"}]})
            case "GET", ["Accounts"]:
                return Told(200, {"Accounts": [*self._accounts()]})
            case "GET", ["TaxRates"]:
                return Told(
                    200, {"TaxRates": [self._rate(name, rate) for name, rate in RATES.items()] + [self._rate("INPUT2", Decimal(21))]}
                )
            case "GET", [place] if place in _ID:
                return Told(200, {place: self._listed(place, asked)})
            case "PUT", [place] if place in _ID:
                return Told(200, {place: [self._put_one(asked, place, one) for one in asked.json[place]]})
            case _, [place, identifier] if place in _ID:
                return Told(200, {place: [self._one(asked, place, unquote(identifier))]})
            case _, [place, identifier, part, *name] if place in _ID:
                return self._part(asked, self._stored(place, identifier), part, *map(unquote, name))
        raise Refusal(404, "The resource you're looking for cannot be found")

    def _part(self, asked: Asked, stored: dict[str, Any], part: str, *name: str) -> Told:
        if part == "Allocations" and asked.method == "PUT":
            return Told(200, {"Allocations": [self._allocate(stored, one) for one in asked.json["Allocations"]]})
        if part == "Attachments":
            return self._file(stored.get("InvoiceID") or stored["CreditNoteID"], asked, *name)
        raise Refusal(404, "The resource you're looking for cannot be found")

    def _one(self, asked: Asked, place: str, identifier: str) -> dict[str, Any]:
        stored = self._stored(place, identifier)
        if asked.method == "POST" and place == "Contacts":
            self._save_contact(stored, asked.json["Contacts"][0])
        if asked.method == "POST" and place == "Payments":
            self.unpay(stored, asked.json)
        return self._whole(place, stored)

    def _stored(self, place: str, identifier: str) -> dict[str, Any]:
        if place == "Contacts" and not _is_guid(identifier):
            for one in self.things[place].values():
                if one.get("ContactNumber") == identifier:
                    return one
        if identifier in self.things[place]:
            return self.things[place][identifier]
        raise Refusal(404, "The resource you're looking for cannot be found")

    def _listed(self, place: str, asked: Asked) -> list[dict[str, Any]]:
        page, size = int(asked.query.get("page", "1")), int(asked.query.get("pageSize", "100"))
        since = asked.headers.get("if-modified-since")
        found = [self._whole(place, one) for one in self.things[place].values()]
        if since:
            found = [one for one in found if _instant(one["UpdatedDateUTC"]) >= datetime.fromisoformat(since).replace(tzinfo=UTC)]
        for name, value in _WHERE.findall(asked.query.get("where", "")):
            found = [one for one in found if one.get(name) == value]
        if numbers := asked.query.get("InvoiceNumbers"):
            found = [one for one in found if one["InvoiceNumber"] in numbers.split(",")]
        if place == "Contacts" and asked.query.get("includeArchived") != "true":
            found = [one for one in found if one["ContactStatus"] == "ACTIVE"]
        if asked.query.get("order") == "UpdatedDateUTC ASC":
            found.sort(key=lambda one: (_instant(one["UpdatedDateUTC"]), one[_ID[place]]))
        return found[(page - 1) * size : page * size]

    def _whole(self, place: str, stored: dict[str, Any]) -> dict[str, Any]:
        """The object with what hangs on it: a document's payments, a payment's document."""
        if place in _NUMBER:
            kind = "Invoice" if place == "Invoices" else "CreditNote"
            paid = [one for one in self.things["Payments"].values() if one.get(kind, {}).get(_ID[place]) == stored[_ID[place]]]
            standing = [
                {name: one[name] for name in ("PaymentID", "Date", "Amount", "Reference")} for one in paid if one["Status"] == "AUTHORISED"
            ]
            contact = self.things["Contacts"][stored["Contact"]["ContactID"]]
            settled = [
                {n: part for n, part in one.items() if n != "CreditNote"}
                for one in self.allocations
                if one["CreditNote"] == stored[_ID[place]]
            ]
            return (
                stored
                | ({"Allocations": settled} if settled else {})
                | {"Payments": standing, "Contact": {"ContactID": contact["ContactID"], "Name": contact["Name"]}}
            )
        return stored

    def _put_one(self, asked: Asked, place: str, given: dict[str, Any]) -> dict[str, Any]:
        """With `summarizeErrors=false` what is wrong with one is said at it, and the others are done."""
        if asked.query.get("summarizeErrors") != "false":
            return self._put(place, given)
        try:
            return self._put(place, given) | {"StatusAttributeString": "OK"}
        except Refusal as refusal:
            wrong = refusal.told.said["Elements"][0]["ValidationErrors"]
            return given | {"HasErrors": True, "StatusAttributeString": "ERROR", "ValidationErrors": wrong}

    def _put(self, place: str, given: dict[str, Any]) -> dict[str, Any]:
        if place == "Contacts":
            made = {"ContactID": self._id(), "ContactStatus": "ACTIVE"}
            self._save_contact(made, given)
            return made
        return self._pay(given) if place == "Payments" else self._make(place, given)

    def _save_contact(self, contact: dict[str, Any], given: dict[str, Any]) -> None:
        others = [one for one in self.things["Contacts"].values() if one["ContactID"] != contact["ContactID"]]
        if any(one["Name"].lower() == given["Name"].lower() for one in others):
            raise invalid(
                f"The contact name {given['Name']} is already assigned to another contact. The contact name must be unique across all active contacts."
            )
        street = {"AddressType": "STREET", "City": "", "PostalCode": "", "Country": ""}
        contact |= given | {"Addresses": [street, *given["Addresses"]], "UpdatedDateUTC": _ms(self.now)}
        self.things["Contacts"][contact["ContactID"]] = contact

    def _make(self, place: str, given: dict[str, Any]) -> dict[str, Any]:
        number = given[_NUMBER[place]]
        if any(one[_NUMBER[place]] == number for one in self.things[place].values()):
            raise invalid("Invoice # must be unique." if place == "Invoices" else "Credit Note # must be unique.")
        if given["Contact"]["ContactID"] not in self.things["Contacts"]:
            raise invalid("The Contact ID supplied is not valid")
        is_incl = given["LineAmountTypes"] == "Inclusive"
        lines = [self._line(one, is_incl=is_incl) for one in given["LineItems"]]
        total = sum((one["LineAmount"] for one in lines), Decimal(0))
        tax = sum((one["TaxAmount"] for one in lines), Decimal(0))
        net, gross = (total - tax, total) if is_incl else (total, total + tax)
        if gross < 0:
            raise invalid("The total amount must be greater than or equal to zero")
        made: dict[str, Any] = {**given, _ID[place]: self._id(), "LineItems": lines, "SubTotal": net, "TotalTax": tax, "Total": gross}
        made["UpdatedDateUTC"] = _ms(self.now)
        made |= {"AmountDue": gross, "AmountPaid": Decimal(0)} if place == "Invoices" else {"RemainingCredit": gross}
        self.things[place][made[_ID[place]]] = made
        return self._whole(place, made)

    def _line(self, given: dict[str, Any], *, is_incl: bool) -> dict[str, Any]:
        if given["TaxType"] not in RATES:
            raise invalid(f"The TaxType code '{given['TaxType']}' does not exist or cannot be used for this type of transaction.")
        if given["AccountCode"] not in {SALES, BETWEEN}:
            raise invalid(f"Account code '{given['AccountCode']}' is not a valid code for this document.")
        times, price = Decimal(str(given["Quantity"])), Decimal(str(given["UnitAmount"]))
        expected = (times * price).quantize(_CENT, ROUND_HALF_UP)
        if Decimal(str(given["LineAmount"])) != expected:
            raise invalid(f"The line total {given['LineAmount']} does not match the expected line total {expected}")
        share = RATES[given["TaxType"]] / (100 + RATES[given["TaxType"]] if is_incl else 100)
        own = (expected * share).quantize(_CENT, ROUND_HALF_UP)
        told = own if self.own_vat or "TaxAmount" not in given else Decimal(str(given["TaxAmount"]))
        return given | {"LineItemID": self._id(), "Quantity": times, "UnitAmount": price, "LineAmount": expected, "TaxAmount": told}

    def _pay(self, given: dict[str, Any]) -> dict[str, Any]:
        amount = Decimal(str(given["Amount"]))
        kind, place, left = ("Invoice", "Invoices", "AmountDue") if "Invoice" in given else ("CreditNote", "CreditNotes", "RemainingCredit")
        paid = self.things[place].get(given[kind][_ID[place]])
        if paid is None or paid["Status"] in {"VOIDED", "DELETED"}:
            raise invalid(f"{kind} could not be found")
        if given.get("Account", {}).get("Code") not in {None, BETWEEN}:
            raise invalid("Payments cannot be made to this account")
        if not 0 < amount <= paid[left]:
            raise invalid("Payment amount exceeds the amount outstanding on this document")
        paid |= {left: paid[left] - amount, "UpdatedDateUTC": _ms(self.now)}
        paid["Status"] = "AUTHORISED" if paid[left] else "PAID"
        made = given | {"PaymentID": self._id(), "Amount": amount, "Status": "AUTHORISED", "UpdatedDateUTC": _ms(self.now)}
        made |= {"PaymentType": "ACCRECPAYMENT" if kind == "Invoice" else "ARCREDITPAYMENT", "Reference": given.get("Reference", "")}
        made[kind] = {_ID[place]: paid[_ID[place]], "CurrencyCode": paid["CurrencyCode"]}
        self.things["Payments"][made["PaymentID"]] = made
        return made

    def unpay(self, payment: dict[str, Any], asked: dict[str, Any]) -> None:
        """A payment is removed, unless it is reconciled with a bank statement; what it paid is open again."""
        if asked != {"Status": "DELETED"} or payment["Status"] == "DELETED":
            raise invalid("Payment cannot be updated")
        if payment.get("IsReconciled"):
            raise invalid("Payment cannot be deleted as it is reconciled")
        kind, place, left = (
            ("Invoice", "Invoices", "AmountDue") if "Invoice" in payment else ("CreditNote", "CreditNotes", "RemainingCredit")
        )
        paid = self.things[place][payment[kind][_ID[place]]]
        paid |= {left: paid[left] + payment["Amount"], "Status": "AUTHORISED", "UpdatedDateUTC": _ms(self.now)}
        payment |= {"Status": "DELETED", "UpdatedDateUTC": _ms(self.now)}

    def _allocate(self, note: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        """So much of the note settles so much of an invoice of the same contact, as far as both are open."""
        amount, paid = Decimal(str(given["Amount"])), self.things["Invoices"].get(given["Invoice"]["InvoiceID"])
        if paid is None or paid["Contact"]["ContactID"] != note["Contact"]["ContactID"]:
            raise invalid("The Invoice could not be found for this contact")
        if not 0 < amount <= min(note["RemainingCredit"], paid["AmountDue"]):
            raise invalid("The amount of the allocation exceeds what is outstanding")
        for one, left in ((note, "RemainingCredit"), (paid, "AmountDue")):
            one |= {left: one[left] - amount, "UpdatedDateUTC": _ms(self.now)}
            one["Status"] = "AUTHORISED" if one[left] else "PAID"
        made = {"AllocationID": self._id(), "Amount": amount, "Date": given["Date"], "Invoice": {"InvoiceID": paid["InvoiceID"]}}
        self.allocations.append(made | {"CreditNote": note["CreditNoteID"]})
        return {name: one for name, one in made.items() if name != "AllocationID"} if self.allocations_without_id else made

    def pay(self, remote_id: str, amount: str, **more: Any) -> dict[str, Any]:
        """Whoever keeps the books notes a payment of a document, called by the id that the portal knows."""
        place, guid = remote_id.split("/")
        kind = "Invoice" if place == "Invoices" else "CreditNote"
        return self._pay({kind: {_ID[place]: guid}, "Date": _ms(self.now), "Amount": Decimal(amount)} | more)

    def edit(self, remote_id: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Somebody changes an object."""
        place, guid = remote_id.split("/")
        change(self.things[place][guid])
        self.things[place][guid]["UpdatedDateUTC"] = _ms(self.now)

    def stored(self, remote_id: str) -> dict[str, Any]:
        """The object as it is there, called by the id that the portal knows."""
        place, guid = remote_id.split("/")
        return self._whole(place, self.things[place][guid])

    def later(self, seconds: int = 60) -> None:
        """Time passes there."""
        self.now += timedelta(seconds=seconds)

    def _file(self, document: str, asked: Asked, name: str = "") -> Told:
        if asked.method == "GET":
            return Told(200, {"Attachments": self.hung.get(document, [])})
        if self.no_files:
            raise invalid("The file type is not supported")
        self.files[name] = asked.body
        made = {"AttachmentID": self._id(), "FileName": name, "MimeType": asked.headers["content-type"], "ContentLength": len(asked.body)}
        self.hung.setdefault(document, []).append(made)
        return Told(200, {"Attachments": [made]})

    def _accounts(self) -> list[dict[str, Any]]:
        return [
            {"AccountID": self._id(), "Code": SALES, "Name": "Omzet hosting", "Type": "REVENUE", "Status": "ACTIVE"},
            {
                "AccountID": self._id(),
                "Code": BETWEEN,
                "Name": "Kruisposten",
                "Type": "CURRENT",
                "Status": "ACTIVE",
                "EnablePaymentsToAccount": True,
            },
            {"AccountID": self._id(), "Code": "999", "Name": "Oud", "Type": "REVENUE", "Status": "ARCHIVED"},
            {"AccountID": self._id(), "Name": "Bank", "Type": "BANK", "Status": "ACTIVE"},
        ]

    def _rate(self, name: str, rate: Decimal) -> dict[str, Any]:
        is_sales = name in RATES
        said = {"Name": f"{name.title()} {rate}%", "TaxType": name, "Status": "ACTIVE", "CanApplyToRevenue": is_sales}
        return said | {"DisplayTaxRate": rate, "EffectiveRate": rate}

    def _id(self) -> str:
        self._last += 1
        return str(UUID(int=(4 << 76) + self._last))


def _is_guid(told: str) -> bool:
    try:
        return bool(UUID(told))
    except ValueError:
        return False


def _ms(moment: datetime) -> str:
    return f"/Date({int(moment.timestamp() * 1000)}+0000)/"


def _instant(told: str) -> datetime:
    return datetime.fromtimestamp(int(told[6:].split("+", maxsplit=1)[0]) / 1000, UTC)


@asynccontextmanager
async def running() -> AsyncIterator[FakeXero]:
    """Xero at an address of this machine."""
    async with serving(FakeXero(), BASE) as side:
        yield side
