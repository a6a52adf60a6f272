"""Forms: read as they were typed, every fault told at its field, nothing lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar import Request, Router, post
from litestar.datastructures import FormMultiDict
from msgspec import Meta

from partner_portal.kernel.errors import FieldError, Invalid
from partner_portal.web import forms, shell
from partner_portal.web.forms import NO_ERRORS, NOTHING_TYPED, Form, Typed
from tests.web.conftest import browser, signed_in
from tests.web.thing_app import People


class Person(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=2, max_length=20)]
    email: str


class Order(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    title: Annotated[str, Meta(min_length=1)]
    amount: int
    price: Decimal | None = None
    since: date | None = None
    paid: bool = False
    kind: Literal["a", "b"] = "a"
    tags: list[str] = []
    person: Person


GOOD = {"title": "Bell", "amount": "12", "person.name": "Ada", "person.email": "ada@example.com"}


def form(*pairs: tuple[str, str], **fields: str) -> Form:
    return Form(FormMultiDict([*pairs, *fields.items()]))


def typed_as(**changes: str) -> Form:
    return form(*{**GOOD, **changes}.items())


def faults(given: Form) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        forms.parse(given, Order, nested=("person",))
    return {fault.pointer: fault.code for fault in refused.value.fields}


def test_a_form_becomes_what_was_asked_for() -> None:
    given = form(*GOOD.items(), ("price", "12.50"), ("since", "2027-02-28"), ("paid", "yes"), ("tags", "x"), ("tags", "y"))

    assert forms.parse(given, Order, nested=("person",)) == Order(
        title="Bell",
        amount=12,
        price=Decimal("12.50"),
        since=date(2027, 2, 28),
        paid=True,
        tags=["x", "y"],
        person=Person("Ada", "ada@example.com"),
    )


def test_what_was_left_empty_is_left_out() -> None:
    found = forms.parse(typed_as(price="", since="  ", kind=""), Order, nested=("person",))

    assert (found.price, found.since, found.kind, found.paid, found.tags) == (None, None, "a", False, [])


def test_every_fault_is_told_at_once_at_its_own_field() -> None:
    given = typed_as(title="", amount="many", since="31-02-2027", kind="c", **{"person.name": "A", "person.email": ""})

    assert set(faults(given)) == {"/title", "/amount", "/since", "/kind", "/person/name", "/person/email"}


IMPOSSIBLE = (("amount", "1.5"), ("amount", "--"), ("amount", "１２"), ("price", "NaN x"), ("since", "2027-02-30"), ("since", "tomorrow"))


@pytest.mark.parametrize(("field", "value"), [*IMPOSSIBLE, ("title", "\x00")])
def test_what_cannot_be_is_told_and_never_guessed(field: str, value: str) -> None:
    assert set(faults(typed_as(**{field: value}))) == {f"/{field}"}


def test_a_whole_number_out_of_its_bounds_is_told_its_bounds() -> None:
    class Several(msgspec.Struct):
        count: Annotated[int, Meta(ge=1, le=10)] | None = None

    for typed in ("-3", "0", "11", "99999999"):
        with pytest.raises(Invalid) as refused:
            forms.parse(form(("count", typed)), Several)
        assert [fault.code for fault in refused.value.fields] in (["too-small"], ["too-large"])


def test_text_is_trimmed_and_its_lines_are_ours() -> None:
    given = form(("a", "  one\r\ntwo \t"), ("a", "three"), ("b", ""))

    assert (given.all("a"), given.one("a"), given.one("b", "x"), given.one("c", "x")) == (["one\ntwo", "three"], "three", "", "x")


def test_the_form_token_is_not_part_of_what_was_typed() -> None:
    given = form(("csrf_token", "secret"), ("a", "1"))

    assert given.one("csrf_token") == ""
    assert not given.typed.has("csrf_token", "secret")


def test_a_field_that_nobody_asked_for_changes_nothing() -> None:
    assert forms.parse(typed_as(tenant="zuid", **{"person.role": "owner"}), Order, nested=("person",)).person.name == "Ada"


def test_what_was_typed_is_shown_again() -> None:
    typed = form(("a", "<b>"), ("tags", "x"), ("tags", "y")).typed

    assert (typed.one("a"), typed.one("nothing"), typed.has("tags", "x"), typed.has("tags", "z")) == ("<b>", "", True, False)
    assert (NOTHING_TYPED.one("a"), NOTHING_TYPED.has("a", "")) == ("", False)


def test_what_is_on_record_is_shown_as_it_is_typed() -> None:
    typed = Typed.of({"a": None, "b": False, "c": True, "d": 0, "e": date(2027, 1, 2), "main.f": "x"})

    assert [typed.one(name) for name in ("a", "b", "c", "d", "e", "main.f")] == ["", "", "yes", "0", "2027-01-02", "x"]


def test_sentences_stand_at_the_names_of_the_fields() -> None:
    said = forms.errors(
        Invalid(FieldError("/person/name", "missing"), FieldError("/amount", "type", {"expected": "int", "got": "str"})), "en"
    )

    assert bool(said)
    assert not NO_ERRORS
    assert said.at("person.name")
    assert said.at("other") == ""
    assert [name for name, _ in said] == ["person.name", "amount"]


@pytest.mark.parametrize(
    ("expected", "language", "said"),
    [
        ("integer or null", "nl", "Vul een geheel getal in, of laat dit leeg."),
        ("integer or null", "en", "Type a whole number, or leave this empty."),
        ("integer", "nl", "Vul een geheel getal in."),
        ("integer", "en", "Type a whole number."),
    ],
)
def test_what_is_no_number_is_told_as_a_person_would(expected: str, language: str, said: str) -> None:
    problem = Invalid(FieldError("/count", "type", {"expected": expected, "got": "string"}))

    assert forms.errors(problem, language).at("count") == said


def test_sentences_are_in_the_readers_language() -> None:
    problem = Invalid(FieldError("/person/name", "missing"))

    assert forms.errors(problem, "en").at("person.name") != forms.errors(problem, "nl").at("person.name")


@post("/sent")
async def sent(request: Request[Any, Any, Any]) -> dict[str, Any]:
    given = await forms.read(request)
    file = given.file("file")
    return {"a": given.all("a"), "file": None if file is None else [file.filename, len(await file.read())]}


@pytest_asyncio.fixture(loop_scope="session")
async def client(people: People) -> AsyncIterator[httpx.AsyncClient]:
    portal = shell.application([Router("/forms", route_handlers=[sent])], authenticator=people)
    async with browser(portal) as client:
        await signed_in(client, people.owner_of_noord)
        yield client


async def test_both_ways_of_sending_a_form_are_read_alike(client: httpx.AsyncClient) -> None:
    plain = await client.post("/forms/sent", data={"a": ["é", "2"]})
    parts = await client.post("/forms/sent", data={"a": ["é", "2"]}, files={"file": ("list.csv", b"x" * 9)})
    none = await client.post("/forms/sent", data={"a": "1"}, files={"file": ("", b"")})

    assert plain.json() == {"a": ["é", "2"], "file": None}
    assert parts.json() == {"a": ["é", "2"], "file": ["list.csv", 9]}
    assert none.json()["file"] is None, "no file was chosen"
