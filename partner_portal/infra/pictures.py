"""Pictures that people send in: read with suspicion, and drawn anew, so that nothing of the file itself is ever shown to anybody."""

from __future__ import annotations

import asyncio
import io
from typing import Any

from partner_portal.kernel.errors import Refused

LARGEST_FILE = 2 * 1024 * 1024
MOST_PIXELS = 16_000_000
SMALLEST_SIDE = 16
_HEAVY = 48 * 1024  # bytes; above, fewer colours will do
_FORMATS = ("PNG", "JPEG", "WEBP")


class NotAPicture(Refused):
    """The file cannot be used as a picture; `why` is one of no-file, not-a-picture, picture-too-large, picture-too-small."""

    def __init__(self, why: str) -> None:
        super().__init__(why=why)
        self.why = why


async def as_png(content: bytes, *, width: int, height: int) -> bytes:
    """The picture on white, no larger than `width` by `height` pixels, as a PNG of our own making; NotAPicture for anything but PNG, JPEG or WebP.

    The same bytes give the same picture. What was hidden in the file (places, names, programs) is gone.
    """
    if not content:
        raise NotAPicture("no-file")
    if len(content) > LARGEST_FILE:
        raise NotAPicture("picture-too-large")
    return await asyncio.to_thread(_drawn, content, (width, height))


def _drawn(content: bytes, box: tuple[int, int]) -> bytes:
    from PIL import Image, ImageFile  # noqa: PLC0415  # 20 MB that only a process pays that draws

    # WeasyPrint allows half pictures for its whole process when it is imported; what it prints of ours was drawn here, whole.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as found:
            _measure(found.size)
            return _encoded(_on_white(found, box))
    except NotAPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NotAPicture("picture-too-large") from error
    except Exception as error:  # whatever a file made to break its reader brings about
        raise NotAPicture("not-a-picture") from error


def _measure(size: tuple[int, int]) -> None:
    # Before a pixel is unpacked: a small file can claim to be as large as a field.
    if size[0] * size[1] > MOST_PIXELS:
        raise NotAPicture("picture-too-large")
    if min(size) < SMALLEST_SIDE:
        raise NotAPicture("picture-too-small")


def _on_white(found: Any, box: tuple[int, int]) -> Any:
    from PIL import Image, ImageOps  # noqa: PLC0415

    turned = ImageOps.exif_transpose(found).convert("RGBA")
    turned.thumbnail(box, Image.Resampling.LANCZOS)
    paper = Image.new("RGB", turned.size, "white")
    paper.paste(turned, mask=turned.getchannel("A"))
    return paper


def _encoded(picture: Any) -> bytes:
    made = _png(picture)
    return made if len(made) <= _HEAVY else _png(picture.quantize(256))


def _png(picture: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
