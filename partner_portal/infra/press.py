"""What runs in a PDF process: WeasyPrint with our style sheet and fonts, warmed once. Imports nothing else of the portal, to stay small."""

from __future__ import annotations

import atexit
import hashlib
import io
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from weasyprint import CSS, Document
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcher

ASSETS = Path(__file__).with_name("assets")
"""The style sheet of letters and the fonts; the web serves this folder beside its own under /static."""

_CHANGED = "SOURCE_DATE_EPOCH"  # what fontTools writes instead of the time
_WARMING = '<html lang="nl"><title>-</title><body><p>Warm</p><table><tr><th>1</th><td>2</td></tr></table></body></html>'


class ForeignResource(RuntimeError):
    """A letter asked for something that is not in the bundled folder."""


class LibrariesMissing(RuntimeError):
    """WeasyPrint's system libraries are not there."""


class Enclosed(NamedTuple):
    """A file inside a PDF: how it relates to it (ISO 32000-2, 7.11.3), and what the PDF's own metadata say about it (RDF descriptions)."""

    name: str
    content: bytes
    description: str
    relationship: str
    at: datetime
    about: bytes


class _Tools(NamedTuple):
    styles: list[CSS]
    fonts: FontConfiguration
    fetcher: URLFetcher


_OTHER_SCRIPTS = re.compile("[\u0590-\u1dff\u2300-\ufffd\U00010000-\U0010ffff]")
"""What Source Sans, which has Latin, Greek and Cyrillic, does not draw: other scripts, signs and emoji."""
_kept: dict[bool, _Tools] = {}  # one per process, made by `warm`; a second one by the first letter with other scripts


def warm() -> None:
    """The first letter is as quick as any other; the process ends when its parent does, however that ended."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        write(_WARMING)
    except LibrariesMissing:
        return  # said by the first letter, to whoever asked for it


def write(page: str, enclosed: Enclosed | None = None, following: Sequence[str] = ()) -> bytes:
    """`page` as tagged PDF/A-3a, with what is enclosed, and the letters that follow it; the same words and file give the same bytes.

    Each letter counts its own pages.
    """
    tools = _tools(all_scripts=any(_OTHER_SCRIPTS.search(one) for one in (page, *following)))
    from weasyprint import HTML  # noqa: PLC0415  # 0.7 s and 40 MB that only this process pays
    from weasyprint.urls import FatalURLFetchingError  # noqa: PLC0415

    digest = hashlib.sha256("\0".join((page, *following)).encode())
    try:
        made, *others = (
            HTML(string=one, base_url=f"{ASSETS.as_uri()}/", url_fetcher=tools.fetcher).render(
                stylesheets=tools.styles, font_config=tools.fonts, pdf_variant="pdf/a-3a"
            )
            for one in (page, *following)
        )
        if others:
            made = made.copy([sheet for one in (made, *others) for sheet in one.pages])
        if enclosed is not None:
            digest.update(enclosed.content)
            _enclose(made, enclosed)
        content: bytes = made.write_pdf(pdf_variant="pdf/a-3a", pdf_identifier=digest.hexdigest()[:32].encode())
    except FatalURLFetchingError as refused:
        raise ForeignResource(str(refused)) from None
    return content


def _enclose(made: Document, enclosed: Enclosed) -> None:
    from weasyprint import Attachment  # noqa: PLC0415

    name, content, description, relationship, at, about = enclosed
    made.metadata.attachments.append(
        Attachment(file_obj=io.BytesIO(content), name=name, description=description, created=at, modified=at, relationship=relationship)
    )
    usual = made.metadata.generate_rdf_metadata
    # WeasyPrint would put foreign metadata beside its own; XMP knows one block (ISO 16684-1, 7.3.2).
    made.metadata.generate_rdf_metadata = lambda *asked: usual(*asked).replace(b"</rdf:RDF>", about + b"</rdf:RDF>")


def _tools(*, all_scripts: bool) -> _Tools:
    if all_scripts not in _kept:
        try:
            from weasyprint import CSS  # noqa: PLC0415
            from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415
        except OSError as why:
            raise LibrariesMissing(str(why).splitlines()[0]) from None
        atexit.register(_kept.clear)  # fonts must be let go while WeasyPrint is still there
        fonts, fetcher = FontConfiguration(), _bundled_only()
        # Six megabytes of fonts more, half a second once: letters that need none of them are made as if there were none.
        sheets = ("pdf.css", "pdf-all-scripts.css") if all_scripts else ("pdf.css",)
        with _of_no_time():
            _kept[all_scripts] = _Tools([CSS(ASSETS / name, font_config=fonts, url_fetcher=fetcher) for name in sheets], fonts, fetcher)
    return _kept[all_scripts]


@contextmanager
def _of_no_time() -> Iterator[None]:
    """Fonts that are unpacked inside say that they were changed in 1970, in every process, and not at this moment: letters are the same bytes."""
    environment = os.environ  # noqa: TID251  # no setting of ours: the one way to say it to fontTools
    before = environment.get(_CHANGED)
    environment[_CHANGED] = "0"
    try:
        yield
    finally:
        if before is None:
            del environment[_CHANGED]
        else:
            environment[_CHANGED] = before


def _bundled_only() -> URLFetcher:
    from weasyprint.urls import FatalURLFetchingError, URLFetcher  # noqa: PLC0415

    inside = f"{ASSETS.resolve().as_uri()}/"

    class BundledOnly(URLFetcher):
        """Opens what lies in the bundled folder, and data in the page itself; anything else ends the letter."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            if not url.startswith("data:") and (not url.startswith(inside) or ".." in url):
                raise FatalURLFetchingError(url)
            return super().fetch(url, headers)  # type: ignore[no-untyped-call]

    return BundledOnly(allowed_protocols=("file", "data"), allow_redirects=False)  # type: ignore[no-untyped-call]


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(0)
