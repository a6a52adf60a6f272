"""The generated screen of one table: people's words for columns and values, euros for cents, and only what a role may see or do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import msgspec
import pydantic
from piccolo.columns import Bytea
from piccolo.columns.base import Column
from piccolo.table import Table
from piccolo_api.crud.endpoints import Params, PiccoloCRUD
from piccolo_api.crud.hooks import Hook, HookType
from piccolo_api.crud.validators import Validators
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from partner_portal.infra import catalogue, clock, formats
from partner_portal.infra.catalogue import sentence
from partner_portal.infra.who import who
from partner_portal.kernel.actor import Actor, StaffRole
from partner_portal.kernel.money import Money
from partner_portal.web.money import text

from . import access, labels

NEVER_SHOWN = frozenset({"password", "password_hash", "secret_sha256", "html", "press"})
NOT_YOURS = sentence("Your role does not permit this.")
NOBODYS = sentence("This is not changed here: money, history and terms in force change by a decision only.")

_WHO = frozenset({"actor", "booked_by", "decided_by", "filed_by", "made_by", "placed_by", "recorded_by", "settled_by", "imported_by"})
"""Columns that name who did something by kind and id."""

Roles = frozenset[StaffRole]
NOBODY: Roles = frozenset()


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """Which roles see a table, add to it, change `columns` of it, or remove from it; replacing a row (PUT) is nobody's."""

    see: Roles
    create: Roles = NOBODY
    change: Roles = NOBODY
    remove: Roles = NOBODY
    columns: tuple[str, ...] = ()

    def of(self, verb: str) -> Roles:
        """Who may use this HTTP verb on the table."""
        by_verb = {"GET": self.see, "HEAD": self.see, "POST": self.create, "PATCH": self.change, "DELETE": self.remove}
        return by_verb.get(verb, NOBODY)

    def granted(self, actor: Actor) -> dict[str, Any]:
        """What the actor may do, for the screens: they hide what would be refused."""
        verbs = (("create", "POST"), ("change", "PATCH"), ("remove", "DELETE"))
        return {name: actor.has_any(*self.of(verb)) for name, verb in verbs} | {"columns": self.columns}


def validators(rights: Rights) -> Validators:
    """Every request to the table is refused that `rights` do not grant, single or in bulk: 405 where it is nobody's, 403 where it is others'."""

    async def judge(piccolo_crud: PiccoloCRUD, request: Request) -> None:  # noqa: ARG001  # names that piccolo-api passes by
        permitted = rights.of(request.method)
        if not permitted:
            raise HTTPException(405, access.say(request, NOBODYS))
        if not access.acting(request).has_any(*permitted):
            raise HTTPException(403, access.say(request, NOT_YOURS))

    return Validators(every=[judge])


class Screen(PiccoloCRUD):
    """One table's endpoints behind its screens."""

    served: Mapping[str, Rights] = {}
    """The rights of every table that is served; the site fills it."""

    def __init__(self, table: type[Table], hooks: Sequence[Hook] | None = None, **given: Any) -> None:
        self.name: str = table._meta.tablename  # noqa: SLF001  # Piccolo's way to a table's name
        self.shown = [column for column in table._meta.columns if not _is_hidden(column)]  # noqa: SLF001
        self.money = frozenset(_name(column) for column in self.shown if _name(column).endswith("_cents"))
        first = [Hook(HookType.pre_save, self._row_in_cents), Hook(HookType.pre_patch, self._values_in_cents)]
        # piccolo-api groups the hooks as they come: each kind must be in one piece.
        ordered = sorted([*first, *(hooks or ())], key=lambda hook: list(HookType).index(hook.hook_type))
        super().__init__(table, hooks=ordered, **given)

    # --- euros in, cents stored ---

    @cached_property
    def pydantic_model(self) -> type[pydantic.BaseModel]:
        """What a new row is sent as."""
        return self._in_euros(super().pydantic_model)

    @cached_property
    def pydantic_model_optional(self) -> type[pydantic.BaseModel]:
        """What changes of a row are sent as."""
        return self._in_euros(super().pydantic_model_optional)

    def _in_euros(self, model: type[pydantic.BaseModel]) -> type[pydantic.BaseModel]:
        amounts: dict[str, Any] = {}
        for name in self.money & model.model_fields.keys():
            same = pydantic.Field(default=None, json_schema_extra=model.model_fields[name].json_schema_extra)
            amounts[name] = (Decimal | None, same)
        return pydantic.create_model(model.__name__, __base__=model, **amounts) if amounts else model

    def _row_in_cents(self, row: Table) -> Table:
        for name in self.money:
            setattr(row, name, _cents(getattr(row, name)))
        return row

    def _values_in_cents(self, row_id: Any, values: dict[Any, Any]) -> dict[Any, Any]:  # noqa: ARG002  # piccolo-api passes it by name
        return {column: _cents(value) if _name(column) in self.money else value for column, value in values.items()}

    # --- out ---

    async def get_schema(self, request: Request) -> JSONResponse:
        """The columns with what they, and their values, are called."""
        answer = await super().get_schema(request)
        language, schema = access.spoken(request), msgspec.json.decode(answer.body)
        shown = {_name(column) for column in self.shown}
        schema["properties"] = {name: self._property(name, one, language) for name, one in schema["properties"].items() if name in shown}
        schema["extra"]["help_text"] = None
        return JSONResponse(schema)

    def _property(self, name: str, one: dict[str, Any], language: str) -> dict[str, Any]:
        extra = one["extra"]
        extra["choices"] = labels.choices(self.name, name, language) or extra["choices"]
        told = labels.HELP.get(f"{self.name}.{name}")
        extra["help_text"] = catalogue.text(told, language) if told else None
        return {**one, "title": labels.column(name, language), "extra": extra}

    async def get_all(self, request: Request, params: dict[str, Any] | None = None) -> Response:
        """A page of rows, to be read: amounts, days and instants as the language writes them."""
        answer: Response = await super().get_all(request, params=params)
        if answer.status_code >= 400:  # noqa: PLR2004  # HTTP
            return answer
        language, page = access.spoken(request), msgspec.json.decode(answer.body)
        page["rows"] = [self._readable({name: self._read(name, value, language) for name, value in row.items()}) for row in page["rows"]]
        headers = {name: value for name, value in answer.headers.items() if name == "content-range"}
        return JSONResponse(page, headers=headers)

    def _read(self, name: str, value: Any, language: str) -> Any:
        if value is None:
            return None if name in self.references else ""  # the screens write NULL for none
        if name in self.money:
            return formats.money(Money(value), language).removeprefix("EUR ")
        if isinstance(value, str) and value and (name.endswith("_label") or name in _WHO):
            return who(value, language)
        kind = self._kinds.get(name)
        if kind is datetime:
            moment = datetime.fromisoformat(value)
            return f"{formats.day(moment, language)} {moment.astimezone(clock.AMSTERDAM):%H:%M}" if moment.tzinfo else value
        return formats.day(date.fromisoformat(value), language) if kind is date else value

    def _readable(self, row: dict[str, Any]) -> dict[str, Any]:
        """A reference to nothing is called nothing; Piccolo would make it of empty parts: ", "."""
        return row | {f"{name}_readable": None for name in self.references if f"{name}_readable" in row and row[name] is None}

    @cached_property
    def references(self) -> frozenset[str]:
        """The columns that refer to other rows."""
        return frozenset(_name(column) for column in self.table._meta.foreign_key_columns)  # noqa: SLF001

    @cached_property
    def _kinds(self) -> dict[str, type]:
        return {_name(column): column.value_type for column in self.shown}

    async def get_single(self, request: Request, row_id: Any) -> Response:
        """One row, to be shown in fields: amounts in euros with two decimals."""
        answer: Response = await super().get_single(request, row_id)
        if answer.status_code >= 400:  # noqa: PLR2004  # HTTP
            return answer
        row = self._readable(msgspec.json.decode(answer.body))
        return JSONResponse({name: text(value) if name in self.money and value is not None else value for name, value in row.items()})

    async def get_new(self, request: Request) -> Response:
        """The fields of a new row with what they hold unless somebody says otherwise."""
        answer: Response = await super().get_new(request)
        shown = {_name(column) for column in self.shown}
        return JSONResponse({name: value for name, value in msgspec.json.decode(answer.body).items() if name in shown})

    async def get_references(self, request: Request) -> JSONResponse:
        """The tables that refer to this one, as far as the actor sees them."""
        answer = await super().get_references(request)
        actor = access.acting(request)
        found = msgspec.json.decode(answer.body)["references"]
        seen = [one for one in found if one["tableName"] in self.served and actor.has_any(*self.served[one["tableName"]].see)]
        return JSONResponse({"references": seen})

    def _split_params(self, params: dict[str, Any]) -> Params:
        split = super()._split_params(params)
        names = {_name(column) for column in self.shown} | {_name(self.table._meta.primary_key)}  # noqa: SLF001
        wanted = split.visible_fields or self.table._meta.columns  # noqa: SLF001
        split.visible_fields = [column for column in wanted if _name(column) in names]
        split.order_by = [order for order in split.order_by or () if _name(order.column) in names] or None
        return split


def _name(column: Column) -> str:
    name: str = column._meta.name  # noqa: SLF001  # Piccolo's way to a column's name
    return name


def _is_hidden(column: Column) -> bool:
    return column._meta.secret or isinstance(column, Bytea) or _name(column) in NEVER_SHOWN  # noqa: SLF001


def _cents(amount: Any) -> int | None:
    return None if amount is None else Money.of(Decimal(amount)).cents
