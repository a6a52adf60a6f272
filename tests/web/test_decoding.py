"""Every wrong field of a body is named at once, with its place, and nothing that is read can upset what comes after."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated, Any, Literal

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from partner_portal.kernel.errors import FieldError, Invalid
from partner_portal.web import decoding, faults
from partner_portal.web.middleware import Shell
from partner_portal.web.problems import MalformedJson
from tests.web.conftest import browser, signed_in
from tests.web.thing_app import Part, People, ThingIn


def wrong(kind: Any, body: bytes | Any) -> dict[str, str]:
    """The wrong fields of a body: pointer and code."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(Invalid) as raised:
        decoding.decode(kind, raw)
    return {one.pointer: one.code for one in raised.value.fields}


def test_a_right_body_is_read() -> None:
    read = decoding.decode(
        ThingIn, b'{"name":"a","wished_on":"2026-12-31","price":{"amount":"12.50"},"parts":[{"label":"ab"}],"weight":"1.5"}'
    )

    assert read.price is not None
    assert read.price.money().cents == 1250
    assert read.parts == [Part("ab", 1)]
    assert read.weight == Decimal("1.5")


def test_every_wrong_field_is_named_at_once() -> None:
    body = {
        "wished_on": "2026-02-30",
        "price": {"amount": "12.505", "currency": "USD", "vat": 1},
        "parts": [{"label": "x", "count": 0}, 7, {"label": "good"}, {"count": "1"}],
        "kind": "medium",
        "weight": "heavy",
        "owner": "me",
        "wait": "5",
        "nam": "bell",
        "colour": "red",
        "shape": {"type": "circle", "radius": "1"},
    }

    assert wrong(ThingIn, body) == {
        "/name": "missing",
        "/wished_on": "format",
        "/price/amount": "pattern",
        "/price/currency": "pattern",
        "/price/vat": "unknown",
        "/parts/0/label": "too-short",
        "/parts/0/count": "too-small",
        "/parts/1": "type",
        "/parts/3/label": "missing",
        "/parts/3/count": "type",
        "/kind": "choice",
        "/weight": "format",
        "/owner": "format",
        "/wait": "type",
        "/nam": "unknown-near",
        "/colour": "unknown",
        "/shape/radius": "type",
    }


@pytest.mark.parametrize(
    ("kind", "value", "code", "facts"),
    [
        (int, "5", "type", {"expected": "integer", "got": "string"}),
        (int, True, "type", {"expected": "integer", "got": "boolean"}),
        (int | None, "x", "type", {"expected": "integer or null", "got": "string"}),
        (str, None, "type", {"expected": "string", "got": "null"}),
        (Literal["a", "b"], "c", "choice", {"allowed": ["a", "b"]}),
        (Annotated[int, Meta(le=5)], 6, "too-large", {"limit": "5"}),
        (Annotated[int, Meta(gt=5)], 5, "too-small", {"limit": "6"}),
        (Annotated[int, Meta(lt=5)], 5, "too-large", {"limit": "4"}),
        (Annotated[float, Meta(gt=5)], 5.0, "not-above", {"limit": "5.0"}),
        (Annotated[float, Meta(lt=5)], 5.0, "not-below", {"limit": "5.0"}),
        (Annotated[int, Meta(multiple_of=5)], 6, "not-a-multiple", {"limit": "5"}),
        (Annotated[str, Meta(max_length=1)], "ab", "too-long", {"limit": "1"}),
        (Annotated[list[int], Meta(min_length=1)], [], "too-short", {"limit": "1"}),
        (tuple[int, int], [1], "wrong-length", {"limit": "2"}),
        (list[int], {}, "type", {"expected": "array", "got": "object"}),
        (ThingIn, [], "type", {"expected": "object", "got": "array"}),
    ],
)
def test_each_kind_of_fault_explains_itself(kind: Any, value: Any, code: str, facts: dict[str, Any]) -> None:
    assert faults.mistyped(value, kind, "/here")[0] == FieldError("/here", code, facts)


def test_a_union_is_judged_by_the_tag_that_was_sent() -> None:
    assert wrong(ThingIn, {"name": "a", "shape": {"type": "square", "radius": 1}}) == {"/shape/side": "missing", "/shape/radius": "unknown"}
    assert wrong(ThingIn, {"name": "a", "shape": {"type": "cube"}}) == {"/shape": "choice"}


def test_pointers_escape_what_they_must() -> None:
    assert wrong(dict[str, int], {"a/b~c": "x"}) == {"/a~1b~0c": "type"}


def test_a_name_given_twice_is_refused_wherever_it_stands() -> None:
    body = b'{"name":"a","name":"b","parts":[{"label":"ab","count":1,"label":"cd"}]}'

    assert wrong(ThingIn, body) == {"/name": "duplicate", "/parts/0/label": "duplicate"}


def test_what_postgresql_cannot_keep_is_named_with_its_place() -> None:
    assert wrong(ThingIn, b'{"name":"a\\u0000b","parts":[{"label":"\\u0000\\u0000"}]}') == {"/name": "nul", "/parts/0/label": "nul"}
    assert wrong(dict[str, Any], b'{"a\\u0000":1}') == {"": "nul"}
    assert wrong(ThingIn, b'{"name":"a","wait":9223372036854775808}') == {"/wait": "too-large"}


@pytest.mark.parametrize("weight", ["NaN", "sNaN", "Infinity", "-Infinity", "1e999999999", "1E+40", "9" * 39, "1e-50"])
def test_a_decimal_that_is_no_ordinary_number_is_refused(weight: str) -> None:
    assert wrong(ThingIn, {"name": "a", "weight": weight}) == {"/weight": "not-finite"}


def test_text_that_looks_like_such_a_number_is_text() -> None:
    assert decoding.decode(ThingIn, b'{"name":"NaN","weight":"12.5"}').name == "NaN"


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"nul", b'{"name":"a",}', b"{'name':'a'}", b'{"name":"\xff"}', b'{"name":"\\ud800"}', b'{"name":"\\udc00\\ud800"}', b'{"wait":NaN}',
        b'{"wait":Infinity}', b'{"wait":-Infinity}', b'{"wait":01}', b'{"wait":1e999}', b"\xef\xbb\xbf{}", b'{"name":"a"} {}', b'{"name":"\x00"}',
        b"[" * 100_000, b'{"name":' * 100_000, "{}".encode("utf-16"), b'{"name":"a"}//', b'{"name":"\n"}',
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused_as_such(raw: bytes) -> None:
    with pytest.raises((MalformedJson, Invalid)):
        decoding.decode(ThingIn, raw)


def test_nesting_has_an_end() -> None:
    class Box(msgspec.Struct):
        inside: Any = None

    assert wrong(Box, b'{"inside":' + b"[" * 500 + b"]" * 500 + b"}") == {"": "too-deep"}
    with pytest.raises(MalformedJson):
        decoding.decode(Box, b'{"inside":' + b"[" * 5000 + b"]" * 5000 + b"}")


def test_an_integer_of_thousands_of_digits_costs_nothing() -> None:
    with pytest.raises((MalformedJson, Invalid)):
        decoding.decode(ThingIn, b'{"name":"a","wait":' + b"9" * 100_000 + b"}")


def test_ten_thousand_elements_are_read_and_ten_thousand_faults_are_cut_off() -> None:
    assert len(decoding.decode(ThingIn, json.dumps({"name": "a", "parts": [{"label": "ab"}] * 10_000}).encode()).parts) == 10_000
    assert len(wrong(ThingIn, {"name": "a", "parts": [{"label": 1}] * 10_000})) == faults.MOST


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "parts", "price", "label", "type", "shape", "x"]), inner, max_size=5)
    ),
    max_leaves=15,
)


@given(_json)
def test_whatever_is_sent_is_read_or_explained(sent: Any) -> None:
    raw = msgspec.json.encode(sent)
    fields: tuple[FieldError, ...] | None = None
    try:
        decoding.decode(ThingIn, raw)
    except Invalid as problem:
        fields = problem.fields

    assert fields is None or 0 < len({one.pointer for one in fields}) == len(fields)


async def test_over_http_each_fault_has_a_sentence(noord: httpx.AsyncClient) -> None:
    answer = await noord.post("/things", json={"nam": "bell", "wait": "x"})

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/invalid"
    assert [(one["pointer"], one["code"], bool(one["detail"])) for one in answer.json()["errors"]] == [
        ("/wait", "type", True),
        ("/name", "missing", True),
        ("/nam", "unknown-near", True),
    ]


async def test_a_fault_is_told_in_words_of_the_readers_language(portal: Shell, people: People) -> None:
    async with browser(portal) as client:
        await signed_in(client, people.reader_of_noord)
        answer = await client.post("/things", json={"name": "a", "wait": "x"})

    (fault,) = answer.json()["errors"]
    assert fault["facts"] == {"expected": "integer", "got": "string"}
    assert "geheel getal" in fault["detail"]
    assert "whole" not in fault["detail"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"name":"a"}', "text/plain", 415),
        (b'{"name":"a"}', "application/x-www-form-urlencoded", 415),
        (b'{"name":"a"}', "application/json; charset=utf-16", 415),
        (b'{"name":"a"}', "application/json; charset=UTF-8", 201),
        (b"[" * 100_000, "application/json", 400),
        (b'{"name":"' + b"a" * 51 + b'"}', "application/json", 422),
        ('{"name":"€ 🎐 \\ud83c\\udf90"}'.encode(), "application/json", 201),
    ],
)
async def test_bodies_over_http(noord: httpx.AsyncClient, content: bytes, kind: str, status: int) -> None:
    assert (await noord.post("/things", content=content, headers={"content-type": kind})).status_code == status
