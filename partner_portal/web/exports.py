"""What is on screen, to take along: the same rows as a file, and files as they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from litestar import Response

from partner_portal.infra import catalogue, clock, spreadsheets_out
from partner_portal.infra.spreadsheets_out import Cell

Kind = Literal["csv", "xlsx"]
_MAKERS = {
    "csv": (spreadsheets_out.csv, spreadsheets_out.CSV_TYPE.partition(";")[0]),
    "xlsx": (spreadsheets_out.xlsx, spreadsheets_out.XLSX_TYPE),
}


async def table(kind: Kind, name: str, headings: Sequence[str], rows: Sequence[Sequence[Cell]], language: str) -> Response[bytes]:
    """The rows under their headings as a file that bears the day; `name` and `headings` are source sentences."""
    make, media_type = _MAKERS[kind]
    content = await asyncio.to_thread(make, [catalogue.text(heading, language) for heading in headings], rows)
    return attached(content, f"{catalogue.text(name, language)}-{clock.today().isoformat()}.{kind}", media_type)


def attached(content: bytes, filename: str, media_type: str) -> Response[bytes]:
    """The bytes as a file that is kept, not shown."""
    return Response(content, media_type=media_type, headers={"content-disposition": f'attachment; filename="{filename}"'})
