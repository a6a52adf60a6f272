"""Webhook endpoints and their deliveries as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from partner_portal.kernel.actor import Role
from partner_portal.kernel.errors import Invalid, NotAllowed, NotFound
from partner_portal.web import auth, conditional, idempotency, lists
from partner_portal.web.openapi import documented
from partner_portal.web.requests import from_members

from .. import policy
from ..service.webhooks import deliveries, endpoints, signing
from ..service.webhooks.deliveries import MOST_AGAIN
from ..service.webhooks.endpoints import EndpointChange, NewEndpoint
from ..workflow import DeliveryState, OffBecause


class EndpointOut(msgspec.Struct, frozen=True):
    """An endpoint without its secret; `types` null: everything. `waiting`: how many deliveries are on their way."""

    id: UUID
    url: str
    description: str
    types: list[str] | None
    on: bool
    off_since: datetime | None
    off_because: OffBecause | None
    failing_since: datetime | None
    delivered_at: datetime | None
    waiting: int
    earlier_secret_until: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: Any) -> EndpointOut:
        """The endpoint as the database has it."""
        return cls(
            id=row["id"],
            url=row["url"],
            description=row["description"],
            types=row["types"].split() or None,
            on=row["off_since"] is None,
            off_since=row["off_since"],
            off_because=row["off_because"] and OffBecause(row["off_because"]),
            failing_since=row["failing_since"],
            delivered_at=row["delivered_at"],
            waiting=row["waiting"],
            earlier_secret_until=row["old_secret_until"],
            created_at=row["created_at"],
        )


class EndpointMade(msgspec.Struct, frozen=True):
    """A new endpoint; `secret` is shown this once."""

    id: UUID
    secret: str


class NewSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the secret is replaced: the earlier one goes on signing for a day, or ends at once (because somebody else has it)."""

    at_once: bool = False


class SecretMade(msgspec.Struct, frozen=True):
    """The new secret, shown this once, and until when the earlier ones sign as well."""

    secret: str
    earlier_until: datetime | None


class DeliveryRow(msgspec.Struct, frozen=True):
    """A delivery as a list shows it, with what came of its last attempt."""

    id: UUID
    message_id: str
    type: str
    state: DeliveryState
    attempts: int
    due_at: datetime | None
    created_at: datetime
    attempted_at: datetime | None
    status: int | None
    error: str | None


class AttemptOut(msgspec.Struct, frozen=True):
    """One attempt: a status, or the reason why there is none; how long it took, and the beginning of the answer."""

    nth: int
    at: datetime
    status: int | None
    error: str | None
    milliseconds: int
    answer: str


class DeliveryOut(msgspec.Struct, frozen=True):
    """A delivery with the very words that are sent, and every attempt, newest first."""

    id: UUID
    message_id: str
    type: str
    state: DeliveryState
    due_at: datetime | None
    created_at: datetime
    body: str
    attempts: list[AttemptOut]

    @classmethod
    async def of(cls, endpoint_id: UUID, delivery_id: UUID) -> DeliveryOut:
        """The delivery as the database has it."""
        row, attempts = await deliveries.one(endpoint_id, delivery_id)
        return cls(
            id=row["id"],
            message_id=signing.message_id(row["message"]),
            type=row["type"],
            state=DeliveryState(row["state"]),
            due_at=row["due_at"],
            created_at=row["created_at"],
            body=row["body"],
            attempts=[
                AttemptOut(made["nth"], made["at"], made["status"], made["why"] or None, made["ms"], made["excerpt"]) for made in attempts
            ],
        )


class Since(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From when on failed deliveries are to be sent again."""

    since: Annotated[datetime, Meta(tz=True)]


class SentAgain(msgspec.Struct, frozen=True):
    """How many deliveries are on their way again; if it is the most at a time, ask again for the others."""

    deliveries: int
    most: int = MOST_AGAIN


_ONE = "/webhook-endpoints/{endpoint_id:uuid}"


@get("/webhook-endpoints")
async def list_endpoints() -> list[EndpointOut]:
    """The partner's webhook endpoints, oldest first."""
    return [EndpointOut.of(row) for row in await endpoints.listed()]


@post("/webhook-endpoints", opt={idempotency.SECRET_ANSWER: True})
async def add_endpoint(actor: auth.Acting, data: JSONBody[NewEndpoint]) -> Response[EndpointMade]:
    """A new endpoint, switched on; its secret is shown this once."""
    made = await endpoints.add(actor, data)
    location = f"/api/v1/webhook-endpoints/{made.id}"
    return Response(EndpointMade(made.id, made.secret), status_code=201, headers={"location": location, "etag": conditional.etag(1)})


@get(_ONE)
async def show_endpoint(endpoint_id: FromPath[UUID]) -> Response[EndpointOut]:
    """One endpoint; its ETag names the version that a change must name."""
    return await _shown(endpoint_id)


@patch(_ONE)
async def change_endpoint(
    request: Request[Any, Any, Any], actor: auth.Acting, endpoint_id: FromPath[UUID], data: JSONBody[EndpointChange]
) -> Response[EndpointOut]:
    """Change what is given, or switch the endpoint on or off; If-Match names the version that was read."""
    endpoint = await endpoints.find(endpoint_id)
    conditional.require_match(request, endpoint.version)
    await endpoints.change(actor, endpoint, data)
    return await _shown(endpoint_id)


async def _shown(endpoint_id: UUID) -> Response[EndpointOut]:
    row = await endpoints.one(endpoint_id)
    return Response(EndpointOut.of(row), headers={"etag": conditional.etag(row["version"])})


@delete(_ONE, status_code=204)
async def remove_endpoint(actor: auth.Acting, endpoint_id: FromPath[UUID]) -> None:
    """Nothing is sent there any more; its log stays for its time, for the provider only."""
    await endpoints.remove(actor, await endpoints.find(endpoint_id))


@post(f"{_ONE}/secret", opt={idempotency.SECRET_ANSWER: True})
async def replace_secret(actor: auth.Acting, endpoint_id: FromPath[UUID], data: JSONBody[NewSecret]) -> SecretMade:
    """A new secret, shown this once; the earlier one goes on signing for a day beside it, unless it is to end at once."""
    secret = await endpoints.rotate(actor, await endpoints.find(endpoint_id), at_once=data.at_once)
    return SecretMade(secret, (await endpoints.one(endpoint_id))["old_secret_until"])


@post(f"{_ONE}/test")
async def send_test(actor: auth.Acting, endpoint_id: FromPath[UUID]) -> DeliveryOut:
    """Send a `webhook.test` event there, once; its outcome can be read in the delivery a moment later."""
    return await DeliveryOut.of(endpoint_id, await deliveries.send_test(actor, await endpoints.find(endpoint_id)))


@get(f"{_ONE}/deliveries")
async def list_deliveries(
    request: Request[Any, Any, Any],
    endpoint_id: FromPath[UUID],
    status: Annotated[DeliveryState | None, QueryParameter(name="state", description="Only deliveries in this state.")] = None,
    after: lists.After = None,
    limit: lists.Limit = 50,
) -> Response[lists.ListOut[DeliveryRow]]:
    """What was sent to an endpoint lately, newest first."""
    window = deliveries.LISTING.window(after=after, limit=limit, endpoint=endpoint_id, state=status or "")
    return lists.answer(request, window.page(await deliveries.page(endpoint_id, window, state=status)), _row)


def _row(row: Any) -> DeliveryRow:
    return DeliveryRow(
        id=row["id"],
        message_id=signing.message_id(row["message"]),
        type=row["type"],
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        due_at=row["due_at"],
        created_at=row["created_at"],
        attempted_at=row["at"],
        status=row["status"],
        error=row["why"] or None,
    )


@get(f"{_ONE}/deliveries/{{delivery_id:uuid}}")
async def show_delivery(endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID]) -> DeliveryOut:
    """One delivery with its body and every attempt."""
    return await DeliveryOut.of(endpoint_id, delivery_id)


@post(f"{_ONE}/deliveries/{{delivery_id:uuid}}/resend")
async def resend(actor: auth.Acting, endpoint_id: FromPath[UUID], delivery_id: FromPath[UUID]) -> DeliveryOut:
    """Send a delivery once more, with the same `webhook-id`; tried again as if it were new."""
    await deliveries.resend(actor, await endpoints.find(endpoint_id), delivery_id)
    return await DeliveryOut.of(endpoint_id, delivery_id)


@post(f"{_ONE}/deliveries/resend")
async def resend_failed(actor: auth.Acting, endpoint_id: FromPath[UUID], data: JSONBody[Since]) -> SentAgain:
    """Send again what failed since then, oldest first."""
    return SentAgain(await deliveries.resend_failed(actor, await endpoints.find(endpoint_id), data.since))


router = Router(
    "/",
    route_handlers=documented(
        [
            list_endpoints,
            add_endpoint,
            show_endpoint,
            change_endpoint,
            remove_endpoint,
            replace_secret,
            send_test,
            list_deliveries,
            show_delivery,
            resend_failed,
            resend,
        ],
        NotFound,
        Invalid,
        NotAllowed,
        endpoints.TooManyEndpoints,
        endpoints.TooManySecrets,
        deliveries.EndpointIsOff,
    ),
    before_request=from_members,
    guards=[auth.requires(Role.OWNER, policy.Scope.WEBHOOKS)],
    tags=["webhooks"],
)
