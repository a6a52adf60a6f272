"""Answers in JSON that leave as they are: most of what Litestar prepares for an answer, ours never have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from litestar import Response
from litestar.enums import MediaType
from litestar.serialization import default_serializer

if TYPE_CHECKING:
    from litestar import Request
    from litestar.response.base import ASGIResponse
    from litestar.types import Receive, Scope, Send

    from partner_portal.infra.tables import Document

T = TypeVar("T")

_json = msgspec.json.Encoder(enc_hook=default_serializer)
_WITHOUT_BODY = frozenset({204, 304})
_PLAIN = (msgspec.Struct, list)


def on_file(document: Document, content: bytes) -> Response[bytes]:
    """A document that is on file, to be looked at under its own name."""
    headers = {"content-disposition": f'inline; filename="{document.filename}"', "etag": f'"{document.sha256.hex()}"'}
    return Response(content, media_type=document.media_type, headers=headers)


def fresh_pdf(name: str, content: bytes) -> Response[bytes]:
    """A letter made at this moment, which tomorrow may say something else."""
    headers = {"content-disposition": f'inline; filename="{name}.pdf"', "cache-control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)


class JsonAnswer(Response[T]):
    """Litestar's response, and, for Structs without cookies or other extras, a shorter way out with the same bytes."""

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **given: Any) -> ASGIResponse:
        """What is sent."""
        asked = given.get
        status = self.status_code or asked("status_code") or 200
        plain = isinstance(self.content, _PLAIN) and status not in _WITHOUT_BODY
        of_json = (self.media_type or asked("media_type") or MediaType.JSON) == MediaType.JSON
        more = (
            self.cookies or asked("cookies") or self.background or asked("background") or asked("encoded_headers") or asked("type_encoders")
        )
        if more or not plain or not of_json or asked("is_head_response"):
            return super().to_asgi_response(app, request, **given)
        own = {**(asked("headers") or {}), **self.headers}
        return _Whole(status, own, _json.encode(self.content))  # type: ignore[return-value]  # Litestar calls it, no more


class _Whole:
    """A body and its headers, as an ASGI application."""

    __slots__ = ("body", "start")

    def __init__(self, status: int, own: dict[str, str], body: bytes) -> None:
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in own.items()] if own else []
        headers += ((b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()))
        self.start: Any = {"type": "http.response.start", "status": status, "headers": headers}
        self.body = body

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Sends it."""
        await send(self.start)
        await send({"type": "http.response.body", "body": self.body, "more_body": False})
