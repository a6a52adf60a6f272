"""The API as software reads it was approved: a change of it shows as a difference."""

from __future__ import annotations

import json

from partner_portal.infra.settings import Settings
from tests.approved import assert_approved


def test_the_description_of_the_api_is_the_approved_one(running: Settings) -> None:  # the application is made under its settings
    from partner_portal.app import app  # noqa: PLC0415  # reads the settings

    described = app.app.openapi_schema.to_schema()  # type: ignore[attr-defined]  # the shell knows its application as any ASGI
    described["info"].pop("version")

    assert_approved("openapi.json", json.dumps(described, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
