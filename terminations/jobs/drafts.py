"""What follows a filed draft, and what time does to the others."""

from __future__ import annotations

from partner_portal.infra import files, outbox, pdf
from partner_portal.kernel.events import Event

from ..events import FilingLetterWanted
from ..service import drafts, filings, letters
from ..tables import Termination


async def write_filing(event: FilingLetterWanted) -> None:
    """What was filed is on file as a letter, made once."""
    case = await Termination.get(event.termination_id)
    if await filings.letter(case.number) is None:
        said = await filings.words(await letters.dossier(case), event.language)
        content = await pdf.render("terminations/filing", language=event.language, **said)
        await files.store(filings.LETTER, filings.filename(case.number), content, "application/pdf")


ON_EVENT: dict[type[Event], list[outbox.Handler]] = {FilingLetterWanted: [write_filing]}
DAILY = [drafts.remove_old]
