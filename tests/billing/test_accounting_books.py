"""The other side of the accounting link, as tests have it: what was said on the wire is written down and can be played again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from billing.service.accounting.port import AccountingUnavailable, Contact, Setup
from tests.billing import books
from tests.billing.books import Books, Failure, Plain, Replay

BAKERY = Contact(
    key="k-1", number="NRD-C-00001", name="Bakkerij De Korst", street="Dorpsstraat 1", postcode="1234 AB", city="Utrecht", country="NL"
)


def adapter(there: Books) -> Plain:
    return Plain(Setup(connection="boeken", url=there.url, administration="", credential=books.TOKEN, within=timedelta(seconds=0.5)))


async def test_a_talk_is_written_down_without_its_credential_and_answered_again_word_for_word(tmp_path: Path) -> None:
    file = tmp_path / "talk.json"
    async with books.serving(Books()) as there:
        ours = adapter(there)
        assert await ours.find(BAKERY) is None
        made = await ours.create(BAKERY)
        news = await ours.news(None)
        books.recorded(there, file)
    assert books.TOKEN not in file.read_text()

    async with books.serving(Replay(file)) as again:
        ours = adapter(again)
        assert await ours.find(BAKERY) is None
        assert await ours.create(BAKERY) == made
        assert await ours.news(None) == news
        assert isinstance(again, Replay)
        assert again.is_over


async def test_another_question_than_was_asked_then_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "talk.json"
    async with books.serving(Books()) as there:
        await adapter(there).find(BAKERY)
        books.recorded(there, file)

    async with books.serving(Replay(file)) as again:
        with pytest.raises(AccountingUnavailable) as raised:
            await adapter(again).create(BAKERY)

    assert raised.value.facts["detail"] == "599"


async def test_an_answer_that_takes_too_long_is_none_though_it_was_stored() -> None:
    async with books.serving(Books()) as there:
        there.failures = [Failure(method="POST", after_storing=True, seconds=1.5)]
        with pytest.raises(AccountingUnavailable):
            await adapter(there).create(BAKERY)

        assert (await adapter(there).find(BAKERY)) is not None
