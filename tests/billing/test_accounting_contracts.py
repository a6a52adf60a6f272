"""The contracts that the packages of the tests are held against would notice: what is not published is a breach, in questions and in answers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.billing import moneybird, moneybird_contract, xero, xero_contract
from tests.billing.remote_side import Asked, Told

_PAYMENT = {"payment_date": "2026-11-30", "price": "1.00"}


def asked(method: str, path: str, body: Any = None, **headers: str) -> Asked:
    """A question; its parameters stand behind the path."""
    path, _, parameters = path.partition("?")
    query = dict(part.split("=", 1) for part in parameters.split("&")) if parameters else {}
    usual = {"content-type": "application/json", "xero-tenant-id": xero.TENANT}
    return Asked(method, path, query, usual | headers, msgspec.json.encode(body) if body is not None else b"")


@pytest.mark.parametrize(
    ("question", "breach"),
    [
        (asked("GET", "/api/v2/123/nothing.json"), "no such operation"),
        (asked("DELETE", "/api/v2/123/contacts/1.json"), "no such operation"),
        (asked("GET", "/api/v2/123/contacts/1"), "no such operation"),
        (asked("GET", "/api/v2/123/contacts/customer-1.json"), "no such operation"),
        (asked("GET", "/api/v2/123/external_sales_invoices.json?reference=1"), "parameter reference"),
        (asked("GET", "/api/v2/123/external_sales_invoices.json?per_page=101"), "per_page 101"),
        (asked("POST", "/api/v2/123/external_sales_invoices/1/payments.json", {"payment": _PAYMENT | {"on": "x"}}), "on is not known"),
        (asked("POST", "/api/v2/123/external_sales_invoices/1/payments.json", {"payment": _PAYMENT | {"price": "1 euro"}}), "is no number"),
        (asked("POST", "/api/v2/123/external_sales_invoices/1/payments.json", {"payment": _PAYMENT | {"invoice_id": "x1"}}), "is no id"),
        (asked("POST", "/api/v2/123/external_sales_invoices/1/payments.json", {"pay": {}}), "pay is not known"),
        (asked("POST", "/api/v2/123/contacts.json", {"contact": {"company_name": None}}), "None is no str"),
        (asked("POST", "/api/v2/123/external_sales_invoices/1/attachment.json", {}), "no file"),
    ],
    ids=lambda given: given.replace(" ", "-") if isinstance(given, str) else "",
)
def test_a_question_that_moneybird_does_not_publish_is_a_breach(question: Asked, breach: str) -> None:
    assert any(breach in one for one in moneybird_contract.Moneybird().check(question, Told(422, {"error": "no"})))


@pytest.mark.parametrize(
    ("change", "breach"),
    [
        ({"id": "x"}, "is no id"),
        ({"price": "a lot"}, "is no number"),
        ({"payment_date": None}, "is no date"),
        ({"invoice_type": "Invoice"}, "is none of"),
        ({"paid_by": "x"}, "paid_by is not known"),
    ],
)
def test_an_answer_that_moneybird_does_not_publish_is_a_breach(change: dict[str, Any], breach: str) -> None:
    side = moneybird.Moneybird()
    contact = side._save(side._new_contact(), {"company_name": "x"})
    line = {"description": "x", "amount": "1", "price": "5", "tax_rate_id": moneybird.HIGH, "ledger_account_id": moneybird.SALES}
    wanted = {
        "contact_id": contact["id"],
        "reference": "1",
        "date": "2026-11-23",
        "due_date": None,
        "currency": "EUR",
        "prices_are_incl_tax": False,
    }
    made = side._make(wanted | {"details_attributes": [line]})
    paid = side.pay(made["id"], **_PAYMENT)
    question = asked("GET", f"/api/v2/123/payments/{paid['id']}.json")
    contract = moneybird_contract.Moneybird()

    assert contract.check(question, Told(200, paid)) == []
    assert any(breach in one for one in contract.check(question, Told(200, paid | change)))
    assert contract.check(question, Told(200, {name: said for name, said in paid.items() if name != "price"})) != []
    assert contract.check(question, Told(404, {"message": "no"})) != []


@pytest.mark.parametrize(
    ("question", "breach"),
    [
        (asked("GET", "/api.xro/2.0/Nothing"), "no such operation"),
        (asked("DELETE", "/api.xro/2.0/Invoices"), "no such operation"),
        (asked("GET", "/api.xro/2.0/Invoices?number=1"), "parameter number"),
        (asked("GET", "/api.xro/2.0/Invoices", **{"x-mine": "1"}), "header x-mine"),
        (asked("PUT", "/api.xro/2.0/Invoices", {"Invoices": []}, **{"idempotency-key": "k" * 129}), "long idempotency-key"),
        (asked("PUT", "/api.xro/2.0/Invoices", {"Invoices": [{"Number": "1"}]}), "Number is not known to Invoice"),
        (asked("PUT", "/api.xro/2.0/Invoices", {"Invoices": [{"Type": "SALES"}]}), "ACCREC"),
        (asked("PUT", "/api.xro/2.0/Invoices", {"Invoices": [{"LineAmountTypes": "Net"}]}), "'Net' is no LineAmountTypes"),
        (asked("PUT", "/api.xro/2.0/Invoices", {"Invoices": [{"LineItems": [{"UnitAmount": "1.00"}]}]}), "is no float"),
        (asked("PUT", "/api.xro/2.0/Invoices", {"Invoices": [{"Date": "soon"}]}), "asked"),
        (asked("PUT", "/api.xro/2.0/Contacts", {"Contacts": [{"Name": "x" * 256}]}), "length"),
        (asked("PUT", "/api.xro/2.0/Payments", {"Payments": {"Amount": 1}}), "is no list"),
    ],
    ids=lambda given: given.replace(" ", "-") if isinstance(given, str) else "",
)
def test_a_question_that_xero_does_not_publish_is_a_breach(question: Asked, breach: str) -> None:
    told = Told(400, {"ErrorNumber": 10, "Type": "ValidationException", "Message": "no"})

    assert any(breach in one for one in xero_contract.Xero().check(question, told))


@pytest.mark.parametrize(
    "said", [{"Payments": [{"Paid": 1}]}, {"Payments": [{"Status": "PAID"}]}, {"Payments": [{"Amount": True}]}, [], {"Payment": {}}]
)
def test_an_answer_that_xero_does_not_publish_is_a_breach(said: Any) -> None:
    contract, question = xero_contract.Xero(), asked("GET", "/api.xro/2.0/Payments")

    assert contract.check(question, Told(200, {"Payments": [{"Amount": 1.5, "Status": "AUTHORISED"}]})) == []
    assert contract.check(question, Told(200, said)) != []


def test_a_question_without_the_organisation_is_a_breach() -> None:
    question = Asked("GET", "/api.xro/2.0/Invoices", {}, {}, b"")

    assert xero_contract.Xero().check(question, Told(200, {"Invoices": []})) == ["GET /Invoices: no xero-tenant-id"]
