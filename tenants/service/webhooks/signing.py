"""Signatures by the Standard Webhooks specification: who has the secret can tell that a webhook is ours, whole, and not an old one."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from standardwebhooks import Webhook

from partner_portal.infra import tokens

PREFIX = "whsec_"


def secret(row: UUID) -> str:
    """The secret of a row of webhook_secret as partners get it: 256 bits that no table holds, the same for as long as SECRET_KEY is."""
    return PREFIX + base64.b64encode(tokens.key(row)).decode()


def message_id(message: UUID) -> str:
    """What names a message to its receivers: the same for each try and each endpoint, so that they can tell what they had before."""
    return f"msg_{message.hex}"


def signature(key: str, name: str, at: int, body: str) -> str:
    """`v1,` and the HMAC-SHA256 of id, seconds since 1970 and body, with dots between, under the secret `key`."""
    return Webhook(key).sign(name, datetime.fromtimestamp(at, UTC), body)


def headers(message: UUID, body: str, at: int, rows: Sequence[UUID]) -> dict[str, str]:
    """What a webhook bears beside its body; one signature for each secret in force, so that a receiver may change to the new one in its own time."""
    name = message_id(message)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signature(secret(row), name, at, body) for row in rows),
    }
