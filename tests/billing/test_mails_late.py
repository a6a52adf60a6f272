"""What debtors read of costs, payment plans and bank accounts: approved word by word, the same facts with and without HTML."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from billing.policy.instalments import Instalment
from billing.policy.ledger import Kind, LineKind
from billing.policy.tax import Vat, VatCategory
from billing.service import archive
from billing.service.account_changes import ChangeTold
from billing.service.plans import Plan
from billing.service.transfers import Account, Claim
from partner_portal.infra import formats, mail, settings
from partner_portal.infra.mail import Rendered
from partner_portal.kernel.money import Money
from tests import letters
from tests.approved import assert_approved
from tests.billing import papers
from tests.billing.money import line
from tests.billing.test_mails_reminders import AMOUNT, DAY, seen

LINK = "https://portal.example.com/pay/VeryLongTokenThatNobodyCanGuess0123456789abc"
PLAN = Plan(
    id=UUID(int=1), tenant=UUID(int=2), customer=UUID(int=3), debtor_name="Bakkerij De Korst & Zonen", partner="Noord ICT", agreed_on=date(2026, 11, 22),
    agreed_with="Bea Bakker", note="Verbouwing", owed_cents=36_905, open_cents=24_805, ended_on=None, ended_because=None,
    instalments=[Instalment(date(2026, 12, 6), 12_302), Instalment(date(2027, 1, 6), 12_302), Instalment(date(2027, 2, 6), 12_301)],
    invoices=[(UUID(int=4), "HUIS-F2026-000117"), (UUID(int=5), "HUIS-F2026-000142")],
)  # fmt: skip
OUTSIDE = Vat(category=VatCategory.OUTSIDE_SCOPE, rate=Decimal(0))
COSTS = papers.document(
    line(5_536, kind=LineKind.COLLECTION, description="Incassokosten over EUR 369,05, volgens de wettelijke staffel", vat=OUTSIDE),
    line(127, kind=LineKind.INTEREST, description="Wettelijke rente over factuur HUIS-F2026-000117", vat=OUTSIDE),
    kind=Kind.COSTS, debtor=papers.PERSON,
)  # fmt: skip
CHANGE = ChangeTold(
    before="NL91 •••• 4300",
    now="NL20 •••• 4567",
    used_from=date(2026, 11, 27),
    at=datetime(2026, 11, 22, 11, 0, tzinfo=UTC),
    is_refund=False,
)
REFERENCES = ("RF38HUISF2026000117", "RF59HUISF2026000142")
ACCOUNT = Account("Kadetel B.V.", "NL20INGB0001234567", [Claim(*one, said, 1) for one, said in zip(PLAN.invoices, REFERENCES, strict=True)])
OF_PLAN: dict[str, Any] = {
    "plan": PLAN, "debtor": PLAN.debtor_name, "missing": Money(12_302), "last_day": date(2027, 1, 11), "accounts": [ACCOUNT], "link": LINK,
}  # fmt: skip
MAILS: dict[str, tuple[str, dict[str, Any]]] = {
    "late_costs": ("late_costs", {"told": archive.told_about(COSTS), "link": LINK}),
    "plan_agreed": ("plan_agreed", OF_PLAN),
    "plan_missed": ("plan_missed", OF_PLAN),
    "plan_broken": ("plan_broken", OF_PLAN),
    "plan_credited": ("plan_credited", {"plan": replace(PLAN, ended_because="credited"), "debtor": PLAN.debtor_name}),
    "account_changed": ("account_changed", {"told": CHANGE, "debtor": PLAN.debtor_name}),
    "account_changed_refund": ("account_changed", {"told": replace(CHANGE, before="", is_refund=True), "debtor": PLAN.debtor_name}),
}


def said(name: str, language: str) -> Rendered:
    """The mail in words."""
    template, words = MAILS[name]
    with settings.use(settings.load({"PROVIDER_NAME": letters.PROVIDER, "SECRET_KEY": "x" * 40})):
        return mail.render(f"billing/{template}", language=language, **{"brand": letters.BRAND, **words})


@pytest.mark.parametrize("language", formats.LANGUAGES)
@pytest.mark.parametrize("name", sorted(MAILS))
class TestEachMail:
    """All of them, in each language."""

    def test_reads_as_it_was_approved(self, name: str, language: str) -> None:
        made = said(name, language)

        assert_approved(f"mail/{name}.{language}.txt", f"{made.subject}\n\n{made.text}")
        assert_approved(f"mail/{name}.{language}.html", made.html)

    def test_tells_the_same_sums_and_days_with_and_without_html(self, name: str, language: str) -> None:
        made = said(name, language)
        plain, html = re.sub(r"\s+", " ", made.text), seen(made.html)

        assert set(AMOUNT.findall(html)) == set(AMOUNT.findall(plain))
        assert set(DAY.findall(html)) == set(DAY.findall(plain)) != set()
        assert len(made.subject) <= 120
        assert all(len(one) <= 76 or "://" in one for one in made.text.splitlines())
