"""A named action of staff as the admin offers it, and reading what was typed in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from piccolo_admin.endpoints import FormConfig
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request

from partner_portal.kernel.actor import StaffRole
from partner_portal.kernel.errors import FieldError, Invalid, Problem
from partner_portal.kernel.money import Money

from . import access, saying
from .screens import NOT_YOURS, Roles

FINANCE: Roles = frozenset({StaffRole.FINANCE, StaffRole.ADMINISTRATOR})
DESK: Roles = frozenset({StaffRole.SERVICE_DESK, StaffRole.ADMINISTRATOR})
ADMINISTRATORS: Roles = frozenset({StaffRole.ADMINISTRATOR})


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A form with who may use it; its name is English here and translated on its way out, its address stays."""

    name: str
    group: str
    told: str
    fields: type[BaseModel]
    roles: Roles
    act: Callable[[Request, Any], Awaitable[str]]

    @property
    def titles(self) -> dict[str, str]:
        """What its fields are called where they are typed, by name: source sentences."""
        return {name: field.title for name, field in self.fields.model_fields.items() if field.title}

    def config(self) -> FormConfig:
        """The form as piccolo-admin takes it: refused to other roles, and every refusal in words."""

        async def endpoint(request: Request, data: Any) -> str:
            if not access.acting(request).has_any(*self.roles):
                raise HTTPException(403, access.say(request, NOT_YOURS))
            try:
                return await self.act(request, data)
            except Problem as problem:
                raise ValueError(saying.text(problem, access.spoken(request), self.titles)) from problem

        return FormConfig(self.name, self.fields, endpoint, self.told, self.group)


def cents(typed: str, pointer: str = "/amount") -> int:
    """The whole cents of an amount as people type it: `1.234,56`, `1234.56` or `EUR 350`; Invalid at `pointer` when it is none, or negative."""
    plain = typed.strip().upper().removeprefix("EUR").removeprefix("€").replace(" ", "").replace("\u00a0", "")
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    try:
        amount = Decimal(plain)
    except InvalidOperation as error:
        raise Invalid(FieldError(pointer, "not-an-amount")) from error
    if not amount.is_finite() or not 0 <= amount < 10**9:
        raise Invalid(FieldError(pointer, "not-an-amount"))
    return Money.of(amount).cents
