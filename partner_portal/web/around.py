"""What stands around a customer's page: several domains each have a part of it, and the one that knows the whole draws what is around."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

Words = Mapping[str, Any]
_DRAWN: list[Callable[[UUID], Awaitable[Words]]] = []


def draws(words: Callable[[UUID], Awaitable[Words]]) -> None:
    """From now on these are the words around every part of a customer's page; called once, where the application is put together."""
    _DRAWN[:] = [words]


async def customer(customer_id: UUID) -> Words:
    """`around`, the template that a part extends (its block is `tab`), and `customer` with all that this wants; NotFound when it is another tenant's."""
    return await _DRAWN[0](customer_id)
