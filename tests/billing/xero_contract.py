"""Xero's accounting API as Xero publishes it: paths, parameters, bodies and answers read from its own package `xero-python`, which is made of its OpenAPI.

Nothing of it is copied here. Each question and answer is held against the models: no unknown field, each of its type, and the values, lengths and dates as
the models' own checks want them.
"""

from __future__ import annotations

import inspect
import re
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

import msgspec
from xero_python.accounting import AccountingApi, models
from xero_python.accounting.api import accounting_api
from xero_python.api_client.deserializer import deserialize
from xero_python.identity import models as identity

from tests.billing.remote_side import Asked, Told

BASE = "/api.xro/2.0"
_URL = re.compile(r'get_resource_url\(\s*"([^"]+)"')
_METHOD = re.compile(r'url,\s+"(GET|PUT|POST|DELETE)"')
_ANSWER = re.compile(r'response_type="([^"]+)"')
_QUERY = re.compile(r'query_params\.append\(\("(\w+)"')
_HEADER = re.compile(r'header_params\["([^"]+)"\]|"(xero-tenant-id)"')
_BODY = re.compile(r"body_params = (\w+)")
_HEADERS_OF_HTTP = {"host", "accept", "accept-encoding", "connection", "user-agent", "authorization", "content-type", "content-length"}


class Operation(msgspec.Struct, frozen=True):
    """One thing that can be asked; `body` and `answer` are names of models, `body` "str" where bytes are sent."""

    method: str
    path: re.Pattern[str]
    names: int
    query: frozenset[str]
    headers: frozenset[str]
    body: str | None
    answer: str


@cache
def operations() -> tuple[Operation, ...]:
    """What is published, in no order."""
    parts = re.split(r"\n    def ", inspect.getsource(accounting_api))
    found = []
    for part in parts[1:]:
        url, method, answer = _URL.search(part), _METHOD.search(part), _ANSWER.search(part)
        if not (url and method and answer):
            continue
        body = _BODY.search(part)
        kind = re.search(rf":param (\w+) {body[1]}:", part) if body and body[1] != "None" else None
        path = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(url[1]))
        headers = frozenset((one or other).lower() for one, other in _HEADER.findall(part))
        found.append(
            Operation(
                method[1],
                re.compile(path),
                url[1].count("{"),
                frozenset(_QUERY.findall(part)),
                headers,
                kind[1] if kind else None,
                answer[1],
            )
        )
    return tuple(found)


class Xero:
    """What was published, to hold a question and its answer against."""

    def check(self, asked: Asked, told: Told) -> list[str]:
        """Names what is not as published."""
        if asked.path == "/connect/token":
            return []
        if asked.path == "/connections":
            return _shape(told.said, "list[Connection]", "GET /connections told", identity) if told.status < 300 else []
        path = asked.path.removeprefix(BASE)
        where = f"{asked.method} {path}"
        fitting = [one for one in operations() if one.method == asked.method and one.path.fullmatch(path)]
        if not fitting:
            return [f"{where}: no such operation"]
        found = min(fitting, key=lambda one: one.names)
        wrong = [f"{where}: parameter {name}" for name in asked.query if name not in found.query]
        wrong += [f"{where}: header {name}" for name in asked.headers if name not in found.headers | _HEADERS_OF_HTTP]
        wrong += [f"{where}: no xero-tenant-id"] if "xero-tenant-id" not in asked.headers else []
        wrong += [f"{where}: a long idempotency-key"] if len(asked.headers.get("idempotency-key", "")) > 128 else []
        if found.body is not None and found.body != "str":
            wrong += faults(asked.json, found.body, f"{where} asked")
        if told.status < 300:
            return wrong + faults(told.said, found.answer, f"{where} told")
        return wrong + (faults(told.said, "Error", f"{where} told") if told.status == 400 else [])


def faults(said: Any, kind: str, where: str) -> list[str]:
    """What is not of the model: unknown fields and wrong types, then what the model itself refuses."""
    wrong = _shape(said, kind, where)
    if wrong:
        return wrong
    try:
        deserialize(
            kind, msgspec.json.decode(msgspec.json.Encoder(decimal_format="number").encode(said)), AccountingApi(None).get_model_finder()
        )
    except (ValueError, TypeError, KeyError) as error:
        return [f"{where}: {error}"]
    return []


def _shape(said: Any, kind: str, where: str, within: Any = models) -> list[str]:
    if kind.startswith("list["):
        if not isinstance(said, list):
            return [f"{where}: {said!r} is no list"]
        return [fault for index, one in enumerate(said) for fault in _shape(one, kind[5:-1], f"{where}[{index}]", within)]
    if kind in _PLAIN:
        return [] if isinstance(said, _PLAIN[kind]) and isinstance(said, bool) == (kind == "bool") else [f"{where}: {said!r} is no {kind}"]
    model = getattr(within, kind)
    if issubclass(model, Enum):
        return [] if said in {one.value for one in model} else [f"{where}: {said!r} is no {kind}"]
    if not isinstance(said, dict):
        return [f"{where}: {said!r} has no fields"]
    names = {name: model.openapi_types[attribute] for attribute, name in model.attribute_map.items()}
    wrong = [f"{where}: {name} is not known to {kind}" for name in said if name not in names]
    return wrong + [fault for name, one in said.items() if name in names for fault in _shape(one, names[name], f"{where}.{name}", within)]


_PLAIN: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float, Decimal),
    "date[ms-format]": (str,),
    "datetime[ms-format]": (str,),
}
