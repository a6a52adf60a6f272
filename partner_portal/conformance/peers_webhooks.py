"""Other systems' cases about signatures of webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenants.service.webhooks import signing

from .reading import Answer, Inputs


def signed(inputs: Inputs) -> dict[str, Any]:
    """The signature of a body under one secret, or under several while they change."""
    secrets = inputs.get("secrets") or [inputs["secret"]]
    made = (signing.signature(secret, inputs["id"], int(inputs["timestamp"]), inputs["body"]) for secret in secrets)
    return {"signature": " ".join(made)}


FAMILIES: Mapping[str, Answer] = {"webhook": signed}
