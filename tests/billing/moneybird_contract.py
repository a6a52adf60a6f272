"""The part of Moneybird's published API that the portal uses, as facts: paths, parameters, fields and their types.

Source: the OpenAPI document that Moneybird publishes (github.com/moneybird/openapi, `openapi.yml`, version v2-20260310-7d283a2540); rate limit and its
headers from the same. Written down here field by field; `null` where a field may be null. A field that is not here is not there: theirs says
`unevaluatedProperties: false`, in questions and answers alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from tests.billing.remote_side import Asked, Told

Fields = dict[str, Any]

_AMOUNT = re.compile(r"-?[0-9]+[,.]?[0-9]*")
_PRICE = re.compile(r"-?\d+\.\d{1,2}")
_DIGITS = re.compile(r"\d+")
_PERIOD = re.compile(r"\d{6,8}\.\.\d{6,8}")

DETAIL_ASKED: Fields = {
    "id": "int str",
    "description": "str",
    "period": "str",
    "price": "number",
    "amount": "int str",
    "tax_rate_id": "int str",
    "ledger_account_id": "int str",
    "project_id": "int str",
    "product_id": "int str",
    "row_order": "int str",
    "is_optional": "bool str",
    "is_selected": "bool str",
    "_destroy": "bool str",
    "automated_tax_enabled": "bool str",
}
INVOICE_ASKED: Fields = {
    "contact_id": "id",
    "reference": "str",
    "date": "str",
    "due_date": "str",
    "currency": "str",
    "prices_are_incl_tax": "bool str",
    "source": "str",
    "source_url": "str",
    "details_attributes": [DETAIL_ASKED],
}
CONTACT_ASKED: Fields = {
    **dict.fromkeys(("company_name", "firstname", "lastname", "address1", "address2", "zipcode", "city", "country", "phone"), "str"),
    **dict.fromkeys(("delivery_method", "customer_id", "tax_number", "chamber_of_commerce", "bank_account"), "str"),
    **dict.fromkeys(
        ("send_invoices_to_attention", "send_invoices_to_email", "send_estimates_to_attention", "send_estimates_to_email"), "str"
    ),
    **dict.fromkeys(
        ("sepa_iban", "sepa_iban_account_name", "sepa_bic", "sepa_mandate_id", "sepa_mandate_date", "sepa_sequence_type"), "str"
    ),
    **dict.fromkeys(("si_identifier", "si_identifier_type"), "str"),
    **dict.fromkeys(("invoice_workflow_id", "estimate_workflow_id"), "id"),
    **dict.fromkeys(("sepa_active", "email_ubl", "direct_debit"), "bool str"),
}
PAYMENT_ASKED: Fields = {
    "payment_date": "str",
    "price": "number",
    "price_base": "number",
    "financial_account_id": "id",
    "financial_mutation_id": "id",
    "transaction_identifier": "str",
    "manual_payment_action": "str",
    "ledger_account_id": "id",
    "invoice_id": "id",
}
CONTACT: Fields = {
    "id": "id",
    "administration_id": "id",
    "company_name": "str null",
    **dict.fromkeys(("firstname", "lastname", "address1", "address2", "zipcode", "city", "phone"), "str null"),
    "country": "str",
    "delivery_method": ["Email", "Post", "Manual", "Simplerinvoicing", "Peppol", None],
    "customer_id": "str",
    **dict.fromkeys(("tax_number", "chamber_of_commerce", "bank_account", "attention", "email"), "str null"),
    "is_trusted": "bool",
    "max_transfer_amount": "number null",
    "email_ubl": "bool",
    **dict.fromkeys(("send_invoices_to_attention", "send_invoices_to_email"), "str null"),
    **dict.fromkeys(("send_estimates_to_attention", "send_estimates_to_email"), "str null"),
    "direct_debit": "bool",
    "sepa_active": "bool null",
    **dict.fromkeys(("sepa_iban", "sepa_iban_account_name", "sepa_bic", "sepa_mandate_id"), "str null"),
    "sepa_mandate_date": "date null",
    "sepa_sequence_type": ["RCUR", "FRST", "OOFF", "FNAL"],
    "credit_card_number": "str null",
    "credit_card_reference": "str null",
    "credit_card_type": ["mastercard", "visa", None],
    "tax_number_validated_at": "at null",
    "tax_number_valid": "bool null",
    "invoice_workflow_id": "id null",
    "estimate_workflow_id": "id null",
    "si_identifier": "str null",
    "si_identifier_type": "str null",
    "moneybird_payments_mandate": "bool",
    "created_at": "at",
    "updated_at": "at",
    "version": "int",
    "sales_invoices_url": "str",
    "notes": [{}],
    "custom_fields": [{}],
    "contact_people": [{}],
    "archived": "bool",
}
DETAIL: Fields = {
    "id": "id",
    "administration_id": "id",
    "tax_rate_id": "id",
    "ledger_account_id": "id",
    "project_id": "id null",
    "product_id": "id null",
    "amount": "str null",
    "amount_decimal": "str null",
    "description": "str",
    "price": "price",
    "period": "period null",
    "row_order": "int",
    "total_price_excl_tax_with_discount": "number",
    "total_price_excl_tax_with_discount_base": "number",
    "tax_report_reference": ["str null"],
    "mandatory_tax_text": "str null",
    "created_at": "at null",
    "updated_at": "at null",
}
PAYMENT: Fields = {
    "id": "id",
    "administration_id": "id",
    "invoice_type": ["SalesInvoice", "Document", "ExternalSalesInvoice", "VatDocument"],
    "invoice_id": "id",
    "financial_account_id": "id null",
    "user_id": "id",
    "payment_transaction_id": "id null",
    "transaction_identifier": "str null",
    "price": "number",
    "price_base": "number",
    "payment_date": "date",
    **dict.fromkeys(("credit_invoice_id", "financial_mutation_id", "ledger_account_id", "linked_payment_id"), "id null"),
    "manual_payment_action": "str null",
    "created_at": "at",
    "updated_at": "at",
}
ATTACHMENT: Fields = {
    "id": "id",
    "administration_id": "id",
    "attachable_id": "id",
    "attachable_type": [
        "SalesInvoice",
        "RecurringSalesInvoice",
        "Document",
        "FinancialStatement",
        "Workflow",
        "Estimate",
        "ExternalSalesInvoice",
    ],
    "filename": "str",
    "content_type": "str",
    "size": "int",
    "rotation": "int null",
    "created_at": "at null",
    "updated_at": "at null",
}
TAX_TOTAL: Fields = {
    "tax_rate_id": "id",
    **dict.fromkeys(("taxable_amount", "taxable_amount_base", "tax_amount", "tax_amount_base"), "number"),
}
INVOICE: Fields = {
    "id": "id",
    "administration_id": "id",
    "contact_id": "id null",
    "contact": CONTACT,
    "date": "date",
    "state": ["new", "open", "late", "paid", "uncollectible", "pending_payment"],
    "due_date": "date null",
    "reference": "str null",
    "entry_number": "int",
    "origin": ["upload", "endpoint", "si", "email", "si_local", "si_peppol", "api", "moneybird_bv", "mollie", None],
    "source": "str null",
    "source_url": "str null",
    "currency": "str",
    "paid_at": "date null",
    "created_at": "at",
    "updated_at": "at",
    "version": "int",
    "details": [DETAIL],
    "payments": [PAYMENT],
    **dict.fromkeys(("total_paid", "total_unpaid", "total_unpaid_base"), "str"),
    "prices_are_incl_tax": "bool",
    **dict.fromkeys(("total_price_excl_tax", "total_price_excl_tax_base", "total_price_incl_tax", "total_price_incl_tax_base"), "str"),
    "marked_dubious_on": "date null",
    "marked_uncollectible_on": "date null",
    "notes": [{}],
    "attachments": [ATTACHMENT],
    "events": [{}],
    "tax_totals": [TAX_TOTAL],
}
ADMINISTRATION: Fields = {
    **dict.fromkeys(("name", "currency", "country", "time_zone"), "str"),
    "id": "id",
    "language": ["nl", "nl-be", "en"],
    "access": ["accountant_company", "user"],
    "suspended": "bool",
    "period_locked_until": "date null",
    "period_start_date": "date",
}
_ACCOUNTS = [
    *("non_current_assets", "current_assets", "equity", "non_current_liabilities", "current_liabilities", "revenue"),
    *("direct_costs", "expenses", "other_income_expenses", "other", "temporary", "provisions"),
]
LEDGER: Fields = {
    "id": "id",
    "administration_id": "id",
    "name": "str",
    "account_type": _ACCOUNTS,
    "account_id": "str null",
    "parent_id": "id null",
    "active": "bool",
    "created_at": "at",
    "updated_at": "at",
    "allowed_document_types": [["sales_invoice", "purchase_invoice", "general_journal_document", "financial_mutation", "payment"]],
    "taxonomy_item": dict.fromkeys(("taxonomy_version", "code", "name"), "str") | dict.fromkeys(("name_english", "reference"), "str null"),
    "financial_account_id": "id null",
}
TAX_RATE: Fields = {
    "id": "id",
    "administration_id": "id",
    "name": "str",
    "percentage": "number null",
    "tax_rate_type": ["sales_invoice", "purchase_invoice", "general_journal_document"],
    "show_tax": "bool null",
    "active": "bool null",
    "country": "str null",
    "created_at": "at null",
    "updated_at": "at null",
}
VERSION: Fields = {"id": "int str", "version": "int str"}
_PAGED = {"page", "per_page"}

OPERATIONS: dict[tuple[str, str], tuple[set[str], Any, Any]] = {
    ("GET", "/administrations"): (set(), None, [ADMINISTRATION]),
    ("GET", "/{a}/ledger_accounts"): (set(), None, [LEDGER]),
    ("GET", "/{a}/tax_rates"): ({"filter"} | _PAGED, None, [TAX_RATE]),
    ("GET", "/{a}/contacts"): ({"query", "include_archived", "todo"} | _PAGED, None, [CONTACT]),
    ("POST", "/{a}/contacts"): (set(), {"contact": CONTACT_ASKED}, CONTACT),
    ("GET", "/{a}/contacts/filter"): ({"filter", "include_archived"} | _PAGED, None, [CONTACT]),
    ("GET", "/{a}/contacts/{id}"): (set(), None, CONTACT),
    ("PATCH", "/{a}/contacts/{id}"): (set(), {"contact": CONTACT_ASKED}, CONTACT),
    ("GET", "/{a}/external_sales_invoices"): ({"filter"} | _PAGED, None, [INVOICE]),
    ("POST", "/{a}/external_sales_invoices"): (set(), {"external_sales_invoice": INVOICE_ASKED}, INVOICE),
    ("GET", "/{a}/external_sales_invoices/synchronization"): ({"filter"}, None, [VERSION]),
    ("POST", "/{a}/external_sales_invoices/synchronization"): (set(), {"ids": ["int str"]}, [INVOICE]),
    ("GET", "/{a}/external_sales_invoices/{id}"): (set(), None, INVOICE),
    ("POST", "/{a}/external_sales_invoices/{id}/payments"): (set(), {"payment": PAYMENT_ASKED}, PAYMENT),
    ("POST", "/{a}/external_sales_invoices/{id}/attachment"): (set(), "file", "int"),
    ("GET", "/{a}/payments/{id}"): (set(), None, PAYMENT),
}
"""By method and path: which parameters may be asked, the body that is asked, and the answer."""


class Moneybird:
    """What was published, to hold a question and its answer against."""

    def check(self, asked: Asked, told: Told) -> list[str]:
        """Names what is not as published."""
        if asked.path == "/oauth/token":
            return []
        path = asked.path.removeprefix("/api/v2")
        where = f"{asked.method} {path}"
        found = operation(asked.method, path.removesuffix(".json"))
        if not path.endswith(".json") or found is None:
            return [f"{where}: no such operation"]
        parameters, body, answer = found
        wrong = [f"{where}: parameter {name}" for name in asked.query if name not in parameters]
        per_page = asked.query.get("per_page", "1")
        if not _DIGITS.fullmatch(per_page) or not 1 <= int(per_page) <= 100:
            wrong.append(f"{where}: per_page {per_page}")
        wrong += _file(asked, where) if body == "file" else faults(asked.json, body, f"{where} asked", is_whole=False)
        if told.status < 300:
            return wrong + faults(told.said, answer, f"{where} told", is_whole=True)
        return wrong + _error(told.said, where)


def operation(method: str, path: str) -> tuple[set[str], Any, Any] | None:
    """What was published of a method at a path; a fixed name goes before an id."""
    parts = path.split("/")
    fitting = [
        (("{id}" in template), found)
        for (known, template), found in OPERATIONS.items()
        if known == method
        and len(template.split("/")) == len(parts)
        and all(_fits(*pair) for pair in zip(template.split("/"), parts, strict=True))
    ]
    return min(fitting, key=lambda one: one[0])[1] if fitting else None


def _fits(template: str, part: str) -> bool:
    return bool(_DIGITS.fullmatch(part)) if template.startswith("{") else template == part


def _file(asked: Asked, where: str) -> list[str]:
    is_form = asked.headers.get("content-type", "").startswith("multipart/form-data; boundary=")
    return [] if is_form and b'name="file"' in asked.body else [f"{where}: no file"]


def _error(said: Any, where: str) -> list[str]:
    error = said.get("error") if isinstance(said, dict) else None
    if isinstance(error, str):
        return []
    if isinstance(error, dict) and all(isinstance(one, list) for one in error.values()):
        return []
    return [f"{where}: an error in no known form: {said}"]


def faults(said: Any, kind: Any, where: str, *, is_whole: bool) -> list[str]:
    """What is not of the kind. A kind is words for types, a list of one kind, a list of several values, or fields; `is_whole`: none may lack."""
    if kind is None:
        return [] if said is None else [f"{where}: nothing was expected"]
    if isinstance(kind, str):
        return [] if any(_is(said, word) for word in kind.split()) else [f"{where}: {said!r} is no {kind}"]
    if isinstance(kind, list) and len(kind) == 1:
        if not isinstance(said, list):
            return [f"{where}: {said!r} is no list"]
        return [fault for index, one in enumerate(said) for fault in faults(one, kind[0], f"{where}[{index}]", is_whole=is_whole)]
    if isinstance(kind, list):
        return [] if said in kind else [f"{where}: {said!r} is none of {kind}"]
    if not isinstance(said, dict):
        return [f"{where}: {said!r} has no fields"]
    wrong = [f"{where}: {name} is not known" for name in said if name not in kind] if kind else []
    wrong += [f"{where}: {name} lacks" for name in kind if is_whole and name not in said]
    return wrong + [
        fault for name, one in said.items() if name in kind for fault in faults(one, kind[name], f"{where}.{name}", is_whole=is_whole)
    ]


def _is(said: Any, word: str) -> bool:
    is_number = isinstance(said, int | float) and not isinstance(said, bool)
    if word in _WRITTEN:
        return isinstance(said, str) and _WRITTEN[word](said)
    return {
        "null": said is None,
        "bool": isinstance(said, bool),
        "int": is_number and isinstance(said, int),
        "id": isinstance(said, int | str) and _DIGITS.fullmatch(str(said)) is not None,
        "number": is_number or (isinstance(said, str) and _AMOUNT.fullmatch(said) is not None),
    }[word]


_WRITTEN: dict[str, Callable[[str], bool]] = {
    "str": lambda _said: True,
    "price": lambda said: _PRICE.fullmatch(said) is not None,
    "period": lambda said: _PERIOD.fullmatch(said) is not None,
    "date": lambda said: date.fromisoformat(said).isoformat() == said,
    "at": lambda said: datetime.fromisoformat(said).tzinfo is not None,
}
