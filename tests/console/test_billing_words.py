"""What `portal billing run` says."""

from __future__ import annotations

from datetime import date

from billing.policy.recurring import Why
from billing.service.runs import Example, Report
from partner_portal.console.billing import said_of


def test_a_rehearsal_says_how_much_and_what_is_parked_and_why() -> None:
    report = Report(
        day=date(2026, 12, 1),
        is_dry=True,
        services=2100,
        invoices=1204,
        gross_cents=12345678,
        parked={Why.NO_ADDRESS.value: 1, Why.FAR_BEHIND.value: 2},
        examples=[Example(Why.FAR_BEHIND, "Noord ICT", "Bakkerij (NRD-C-00001)", "NRD-S-00001", {"since": "2024-01-01"})],
    )

    assert said_of(report) == [
        "2026-12-01: 2,100 services would be billed on 1,204 invoices, EUR 123,456.78; 3 parked.",
        "  2 × far behind",
        "  1 × no address",
        "    far behind · Noord ICT · Bakkerij (NRD-C-00001) · NRD-S-00001 · since 2024-01-01",
        "    and 2 more",
    ]


def test_a_run_without_doubts_says_one_line() -> None:
    report = Report(day=date(2026, 12, 1), is_dry=False, services=1, invoices=1, gross_cents=605)

    assert said_of(report) == ["2026-12-01: 1 services billed on 1 invoices, EUR 6.05; 0 parked."]
