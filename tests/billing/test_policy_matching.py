"""What an entry of a statement is for, by the surest sign first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from billing.policy.drafting import payment_reference
from billing.policy.matching import Known, Number, OpenItem, Owner, Seen, Why, match, numbers_in, references_in, resembles
from billing.policy.money_in import Rule

HOUSE, NOORD = UUID(int=1), UUID(int=2)
BAKER, PRIVATE = (Owner(NOORD, UUID(int=nth), HOUSE) for nth in (3, 4))
REFERENCE = payment_reference("HUIS-F2026-000123")


def item(nth: int, owner: Owner = BAKER, cents: int = 12100, *, claim: bool = True) -> OpenItem:
    return OpenItem(
        invoice=UUID(int=100 + nth),
        number=f"HUIS-F2026-{nth:06d}",
        owner=owner,
        debtor_name="Bakkerij De Korst B.V.",
        open_cents=cents,
        is_claim=claim,
    )


FIRST, SECOND, THIRD = item(123), item(124, cents=5000), item(125, PRIVATE)
KNOWN = Known(
    references={REFERENCE: FIRST, payment_reference("HUIS-F2026-000124"): SECOND, payment_reference("HUIS-F2026-000125"): THIRD},
    numbers={Number("F", 2026, 123, "HUIS"): FIRST, Number("F", 2026, 124, "HUIS"): SECOND, Number("F", 2026, 123): FIRST},
    collections={"HUIS-I-1": UUID(int=201)},
    batches={"HUIS-B-1": UUID(int=202)},
    payouts={"1234567.2611.03": UUID(int=203)},
    refunds={"HUIS-T-1": UUID(int=204)},
    owners={"NL1": frozenset({BAKER}), "NL2": frozenset({BAKER, PRIVATE})},
    items={BAKER: (FIRST, SECOND), PRIVATE: (THIRD,)},
    alike={12100: (FIRST, THIRD), 5000: (SECOND,)},
)


def seen(cents: int = 12100, **said: Any) -> Seen:
    return Seen(key="k", amount_cents=cents, **said)


@pytest.mark.parametrize(
    "text",
    [
        REFERENCE,
        REFERENCE.lower(),
        f"betaling {REFERENCE} dank",
        " ".join(REFERENCE[start : start + 4] for start in range(0, len(REFERENCE), 4)),
        f"kenmerk:{REFERENCE}/factuur",
        f"{REFERENCE}VANDEBAKKER",
        f"{REFERENCE[:10]}\n{REFERENCE[10:]}",
        f"/REMI/STRD/CUR/{REFERENCE}/",
    ],
)
def test_a_reference_is_found_however_it_is_spaced(text: str) -> None:
    assert REFERENCE in references_in(text)
    assert match(seen(text=text), KNOWN).rule is Rule.REFERENCE


@pytest.mark.parametrize("text", ["", "RF", "RF71", "RF00HUISF2026000123", "RF72 HUIS F2026 000123", "R F 7", "RF71é", None])
def test_what_is_no_reference_is_none(text: str | None) -> None:
    assert REFERENCE not in references_in(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("HUIS-F2026-000123", Number("F", 2026, 123, "HUIS")),
        ("huis f2026 000123", Number("F", 2026, 123, "HUIS")),
        ("Factuurnr. HUIS-F2026-123", Number("F", 2026, 123, "HUIS")),
        ("HUISF2026000123", Number("F", 2026, 123, "HUIS")),
        ("F2026-000123", Number("F", 2026, 123)),
    ],
)
def test_a_number_is_found_as_people_write_it(text: str, found: Number) -> None:
    assert numbers_in(text) == (found,)


@pytest.mark.parametrize(
    "text", ["F2026-123", "2026-000123", "HUIS-F1999-000123", "HUIS-F2026-0000123", "HUIS-F2026-000000", "IBANNL12F2026000123X"]
)
def test_what_is_too_vague_is_no_number(text: str) -> None:
    assert not [number for number in numbers_in(text) if number in KNOWN.numbers]


@pytest.mark.parametrize(
    ("entry", "rule", "target"),
    [
        (seen(reference=REFERENCE, text="HUIS-F2026-000124", end_to_end="HUIS-I-1"), Rule.REFERENCE, None),
        (seen(end_to_end="HUIS-I-1", text="HUIS-F2026-000124"), Rule.COLLECTION, UUID(int=201)),
        (seen(batch="HUIS-B-1"), Rule.COLLECTION, UUID(int=202)),
        (seen(text="Mollie 1234567.2611.03 HUIS-F2026-000124"), Rule.SETTLEMENT, UUID(int=203)),
        (seen(text="HUIS-F2026-000124", iban="NL1"), Rule.NUMBER, None),
        (seen(iban="NL1"), Rule.ACCOUNT, None),
        (seen(-12100, end_to_end="HUIS-T-1"), Rule.REFUND, UUID(int=204)),
        (seen(-12100, end_to_end="HUIS-I-1", is_return=True), Rule.RETURN, UUID(int=201)),
        (seen(-12100, text=REFERENCE), None, None),
        (seen(iban="NL2"), None, None),
        (seen(iban="NL3"), None, None),
        (seen(), None, None),
        (seen(1, iban="NL1"), None, None),
    ],
)
def test_the_surest_sign_decides(entry: Seen, rule: Rule | None, target: UUID | None) -> None:
    found = match(entry, KNOWN)

    assert (found.rule, found.target) == (rule, target)


def test_the_amount_alone_only_suggests() -> None:
    found = match(seen(name="Korst"), KNOWN)

    assert found.rule is None
    assert [(one.number, one.why) for one in found.suggestions] == [
        ("HUIS-F2026-000123", (Why.AMOUNT, Why.NAME)),
        ("HUIS-F2026-000125", (Why.AMOUNT, Why.NAME)),
    ]


def test_several_documents_of_one_debtor_are_one_payment_and_those_of_two_are_for_a_person() -> None:
    both = match(seen(text=f"{REFERENCE} en {SECOND.number}, {payment_reference(SECOND.number)}"), KNOWN)
    mixed = match(seen(text=f"{REFERENCE} {payment_reference(THIRD.number)}"), KNOWN)

    assert (both.rule, both.invoices) == (Rule.REFERENCE, (FIRST.invoice, SECOND.invoice))
    assert mixed.rule is None
    assert {one.number for one in mixed.suggestions} >= {FIRST.number, THIRD.number}


def test_a_credit_note_is_paid_by_nobody() -> None:
    known = Known(references={REFERENCE: item(123, claim=False)})

    assert match(seen(text=REFERENCE), known).rule is None


def test_all_that_a_known_payer_owes_is_suggested_when_it_paid_exactly_that() -> None:
    found = match(seen(17100, iban="NL1"), KNOWN)

    assert found.rule is None
    assert {one.why for one in found.suggestions} == {(Why.ACCOUNT, Why.SEVERAL)}


def test_names_resemble_by_a_word_that_tells_something() -> None:
    assert resembles("BAKKERIJ KORST", "Bakkerij De Korst B.V.")
    assert not resembles("Stichting Van Der B.V.", "Holding van der Bv")
    assert not resembles(None, "Korst")
