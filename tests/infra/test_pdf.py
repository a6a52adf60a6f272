"""Letters: as approved, tagged, for ever the same, from local files only, and from processes that may die."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from partner_portal.infra import formats, pdf, press
from tests import letters
from tests.approved import assert_approved

ROOT = Path(__file__).parents[2]
MILLIMETRE = 72 / 25.4
SCRIPTS = "北京科技有限公司 · 峠の茶屋 · 한국통신 · 三塭電信 · شركة الاتصالات · חברת תקשורת · Ελληνική · Телеком · 😀"

# WeasyPrint leaves closing its own colour profile to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")


@pytest.fixture(scope="module")
def letter() -> bytes:
    return press.write(pdf.html("terminations/confirmation", language="nl", **letters.letter("nl")))


@pytest.fixture(scope="module")
def read(letter: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(letter))


@pytest.mark.parametrize("language", formats.LANGUAGES)
def test_the_confirmation_reads_as_it_was_approved(language: str) -> None:
    assert_approved(
        f"pdf/confirmation.{language}.html", pdf.html("terminations/confirmation", language=language, **letters.letter(language))
    )


def test_it_is_an_archive_copy_that_a_screen_reader_can_read(read: PdfReader) -> None:
    root: Any = read.trailer["/Root"]  # pypdf types what it reads no closer than an object
    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712  # a PDF boolean, not Python's
    assert root["/Lang"] == "nl"
    assert root["/StructTreeRoot"]
    metadata = root["/Metadata"].get_data().decode()
    assert 'pdfaid:part="3"' in metadata or "<pdfaid:part>3</pdfaid:part>" in metadata
    assert 'pdfaid:conformance="A"' in metadata or "<pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert read.metadata is not None
    assert read.metadata.title == "Bevestiging van opzegging NRD-2026-0042"


def test_it_says_everything_a_confirmation_must_say(read: PdfReader) -> None:
    said = " ".join(" ".join(page.extract_text() for page in read.pages).split())
    for fact in (
        "NRD-2026-0042",
        "beëindig Glasvezel Zakelijk op 15 december 2026",
        "22 november 2026, 14:05",
        "Opzegtermijn een maand",
        "dinsdag 15 december 2026",
        "dinsdag 22 december 2026",
        "EUR 536,45",
        "6 mnd x EUR 89,95 x 75 %",
        "Contract artikel 7.2",
        "Telefoonnummer 0592 012 346",
        "korenbloem.test",
        "reservekopie",
        "router",
        "Akkoord gegeven via de link",
        "3f9a51c07be2",
        "service@noord-ict.example.com",
        "Bladzijde 1 van 2",
        "Bladzijde 2 van 2",
    ):
        assert fact in said


def fonts_of(reader: PdfReader) -> set[str]:
    """The names of the fonts in use, without the mark of a subset."""
    resources: list[Any] = [page["/Resources"] for page in reader.pages]
    used = (font.get_object() for one in resources for font in one["/Font"].values())
    return {str(font["/BaseFont"]).rpartition("+")[2].strip(",") for font in used}


def test_the_address_stands_in_the_window_of_the_envelope(read: PdfReader) -> None:
    places: dict[str, tuple[float, float]] = {}

    def note(text: str, page: list[float], line: list[float], _font: object, _size: float) -> None:
        places.setdefault(text.strip(), (line[4] * page[0] + page[4], line[5] * page[3] + page[5]))

    read.pages[0].extract_text(visitor_text=note)
    x, y = next(place for text, place in places.items() if text.startswith("t.a.v. Marit"))
    height = float(read.pages[0].mediabox.height)
    assert 18 < x / MILLIMETRE < 25
    assert 50 < (height - y) / MILLIMETRE < 75


def test_only_our_own_fonts_are_in_it(read: PdfReader) -> None:
    assert fonts_of(read) == {"Source-Sans-3", "Source-Sans-3-Semi-Bold"}


@pytest.mark.usefixtures("own_pool")
async def test_the_same_words_give_the_same_bytes_in_whatever_process(letter: bytes) -> None:
    assert await pdf.render("terminations/confirmation", language="nl", **letters.letter("nl")) == letter
    pdf.close()
    assert await pdf.render("terminations/confirmation", language="nl", **letters.letter("nl")) == letter


def test_names_in_other_scripts_are_printed_in_our_font() -> None:
    page = pdf.html("terminations/confirmation", language="en", **letters.letter("en", payer="Žofia Łukasz & Ελένη Иванова"))
    reader = PdfReader(io.BytesIO(press.write(page)))
    assert "Žofia Łukasz & Ελένη Иванова" in reader.pages[0].extract_text()
    assert {name[:13] for name in fonts_of(reader)} == {"Source-Sans-3"}


def test_a_long_bill_runs_over_pages_with_its_head_on_each() -> None:
    sheet = letters.sheet("en")
    sheet.lines = sheet.lines * 20
    reader = PdfReader(io.BytesIO(press.write(pdf.html("terminations/confirmation", language="en", **letters.letter("en", sheet=sheet)))))
    assert len(reader.pages) > 4
    assert all("For the account of" in page.extract_text() for page in reader.pages[:4])
    assert f"Page {len(reader.pages)} of {len(reader.pages)}" in reader.pages[-1].extract_text()


def test_very_long_names_leave_the_letter_whole() -> None:
    long = "Samenwerkingsverbandvoorduurzametelecommunicatie" * 4
    brand = letters.BRAND.__class__(name=long, colour="#e07b00", email="s@example.com", address=long)
    page = pdf.html(
        "terminations/confirmation", language="nl", **letters.letter("nl", brand=brand, lines=[letters.line("nl", service=long)])
    )
    assert len(PdfReader(io.BytesIO(press.write(page))).pages) <= 3


@pytest.mark.parametrize(
    "wanted", ["http://127.0.0.1:9/x.png", "https://example.com/x.png", "file:///etc/passwd", "../../settings.py", "ftp://example.com/x"]
)
def test_a_letter_that_asks_for_anything_foreign_is_not_made(wanted: str) -> None:
    with pytest.raises(press.ForeignResource):
        press.write(f'<html lang="en"><title>x</title><body><img src="{wanted}" alt="x"></body></html>')


@pytest.mark.usefixtures("own_pool")
async def test_a_crashed_process_is_replaced() -> None:
    page = '<html lang="en"><title>x</title><body>x</body></html>'
    before = await pdf.write(page)
    executor = pdf._pool.executor
    assert executor is not None
    for process in list(executor._processes):
        os.kill(process, signal.SIGKILL)
    assert await pdf.write(page) == before
    assert pdf._pool.executor is not executor


@pytest.mark.usefixtures("own_pool")
async def test_a_letter_that_does_not_end_is_given_up_and_the_next_one_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    page = '<html lang="en"><title>x</title><body>x</body></html>'
    await pdf.write(page)
    executor = pdf._pool.executor
    assert executor is not None
    (stuck,) = list(executor._processes)[:1]
    for process in executor._processes:
        os.kill(process, signal.SIGSTOP)
    monkeypatch.setattr(pdf, "SECONDS", 0.3)
    with pytest.raises(pdf.PdfTookTooLong):
        await pdf.write(page)
    monkeypatch.setattr(pdf, "SECONDS", 30.0)
    assert await pdf.write(page)
    assert _gone(stuck)


def test_names_in_every_script_are_drawn_can_be_read_out_and_leave_other_letters_as_they_were() -> None:
    ordinary = pdf.html("terminations/confirmation", language="nl", **letters.letter("nl"))
    before = press.write(ordinary)

    reader = PdfReader(io.BytesIO(press.write(_saying(SCRIPTS))))

    assert {name.partition("+")[2] for name in _fonts(reader)} >= {
        f"Noto-{name}" for name in ("Sans-SC", "Sans-JP", "Sans-KR", "Sans-TC", "Sans-Arabic", "Sans-Hebrew", "Emoji")
    }
    told = reader.pages[0].extract_text()
    for said in ("北京科技有限公司", "峠の茶屋", "한국통신", "三塭電信", "Ελληνική", "Телеком", "😀"):
        assert said in told
    metadata = reader.trailer["/Root"]["/Metadata"].get_data().decode()  # type: ignore[index]
    assert 'pdfaid:part="3" pdfaid:conformance="A"' in " ".join(metadata.split())
    assert press.write(ordinary) == before
    assert not any("Noto" in name for name in _fonts(PdfReader(io.BytesIO(before))))


def test_letters_in_every_script_are_the_same_bytes_in_every_process() -> None:
    code = f"import hashlib; from partner_portal.infra import press; print(hashlib.sha256(press.write({_saying(SCRIPTS)!r})).hexdigest())"

    made = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, env=os.environ | {"TZ": "Asia/Tokyo"}
    )

    assert made.stdout.strip() == hashlib.sha256(press.write(_saying(SCRIPTS))).hexdigest()


def _saying(words: str) -> str:
    return f'<html lang="nl"><title>Namen</title><body><p>{words}</p></body></html>'


def _fonts(reader: PdfReader) -> set[str]:
    return {str(font["/BaseFont"]) for page in reader.pages for font in page["/Resources"]["/Font"].values()}  # type: ignore[index]


def test_letters_that_follow_another_keep_their_own_page_numbers_and_stay_readable_by_ear() -> None:
    one = pdf.html("terminations/confirmation", language="nl", **letters.letter("nl"))
    other = '<html lang="nl"><title>Ander</title><body><div class="foot-right">Bladzijde <span class="page"></span></div><h1>Ander</h1></body></html>'

    together = press.write(one, None, [other, other])

    reader = PdfReader(io.BytesIO(together))
    assert [page.extract_text().split()[-1] for page in reader.pages[-2:]] == ["1", "1"]
    assert len(reader.pages) == len(PdfReader(io.BytesIO(press.write(one))).pages) + 2
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712  # a PDF boolean, not Python's
    assert sorted(int(str(page["/StructParents"])) for page in reader.pages) == list(range(len(reader.pages)))
    assert press.write(one, None, [other, other]) == together


async def test_missing_libraries_are_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_pango(*_asked: object) -> None:
        raise press.LibrariesMissing("cannot load library 'pango-1.0-0'")

    class Here:
        def get(self) -> tuple[None, asyncio.Semaphore]:
            return None, asyncio.Semaphore(1)  # None: the event loop's own threads

        def drop(self, _broken: object) -> None:
            """Nothing to drop."""

    monkeypatch.setattr(press, "write", no_pango)
    monkeypatch.setattr(pdf, "_pool", Here())
    with pytest.raises(pdf.PdfUnavailable) as told:
        await pdf.write("<html></html>")
    assert "pango" in told.value.facts["why"]
    assert "apt-get install libpango-1.0-0" in told.value.facts["remedy"]


def test_who_makes_no_letter_starts_nothing_and_loads_nothing() -> None:
    code = "import sys; from partner_portal.infra import pdf; assert pdf._pool.executor is None; sys.exit('weasyprint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_processes_end_with_their_parent_even_when_it_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent("""
        import asyncio, sys, time
        sys.path.insert(0, sys.argv[1])
        from partner_portal.infra import pdf

        async def main():
            await pdf.write('<html lang="en"><title>x</title><body>x</body></html>')
            print(*pdf._pool.executor._processes, flush=True)
            await asyncio.sleep(60)

        if __name__ == "__main__":
            asyncio.run(main())
        """)
    )
    with subprocess.Popen([sys.executable, str(script), str(ROOT)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = [int(number) for number in parent.stdout.readline().split()]
        assert children
        parent.kill()
    assert all(_gone(child) for child in children)


def _gone(process: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.usefixtures("own_pool")
async def test_letters_are_made_side_by_side_without_holding_up_anything_else() -> None:
    page = pdf.html("terminations/confirmation", language="nl", **letters.letter("nl"))
    await pdf.write(page)
    longest, stop = 0.0, asyncio.Event()

    async def pulse() -> None:
        nonlocal longest
        while not stop.is_set():
            before = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - before)

    beating = asyncio.create_task(pulse())
    for _ in range(3):
        await pdf.write(page)
    stop.set()
    await beating
    assert longest < 0.08, "the event loop stood still while a letter was made"


@pytest.mark.usefixtures("own_pool")
async def test_waiting_for_ones_turn_is_not_on_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    page = pdf.html("terminations/confirmation", language="nl", **letters.letter("nl"))
    await pdf.write(page)
    began = time.monotonic()
    await pdf.write(page)
    monkeypatch.setattr(pdf, "SECONDS", max(4 * (time.monotonic() - began), 1.0))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(pdf.write(page)) for _ in range(12 * pdf.size())]
    assert len({task.result() for task in tasks}) == 1


def test_a_letter_for_readers_who_may_not_see_the_sums_says_who_settles_them() -> None:
    page = pdf.html("terminations/confirmation", language="nl", **letters.letter("nl", sheet=None, payer="Noord ICT"))
    assert "Kosten en tegoeden worden verrekend tussen Noord ICT en Kadetel." in page
    assert "EUR" not in page
