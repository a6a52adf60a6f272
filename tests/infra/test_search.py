"""By which words a thing is found: however they are written, from each part of a number on, and with one mistake forgiven."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_portal.infra import db, search
from tests.world import World

SAID = {
    "Bakkerij De Korst": ["bakkerij", "de", "korst"],
    "CAFÉ Übergröße": ["cafe", "ubergrosse"],
    "Æbleskiver Øst Łódź": ["aebleskiver", "ost", "lodz"],
    "Noord-Holland": ["noordholland", "holland"],
    "O'Neill & Zn.": ["oneill", "neill", "zn"],
    "NRD-C-00042": ["nrdc42", "c42", "42"],
    "ida@inkt.example.com": ["idainktexamplecom", "inktexamplecom", "examplecom", "com"],
    "K000": ["k0", "0"],
    "Ελλάδα ΣΟΦΙΑ": ["ελλαδα", "σοφια"],
    "שלום \u202etrap": ["שלום", "trap"],
    "😀 mail": ["😀", "mail"],
    "ﬁnance １２": ["finance", "12"],
}


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(("said", "words"), SAID.items())
async def test_words_are_told_apart_from_how_they_are_written(world: World, said: str, words: list[str]) -> None:
    assert await _words(world, said) == words


@pytest.mark.parametrize("said", ["", "   ", "-- % _ ' \" \\", "\u202e\u200b", "…"])
async def test_what_holds_no_word_is_found_by_none(world: World, said: str) -> None:
    assert await _words(world, said) is None


async def test_no_word_is_longer_than_is_worth_keeping(world: World) -> None:
    words = await _words(world, "a" * 10_000 + " " + "b1" * 200)

    assert words is not None
    assert max(map(len, words)) == 60
    assert len(words) == 1 + 12


async def _words(world: World, said: str) -> list[str] | None:
    async with db.unit_of_work(world.noord.principal()):
        row = await db.fetch_one("SELECT portal_words($1) AS words", said)
    assert row is not None
    words: list[str] | None = row["words"]
    return words


@given(st.text("abcdefgh", min_size=4, max_size=10), st.data())
def test_every_single_mistake_is_one_that_is_forgiven(meant: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(meant) - 1))
    letter = data.draw(st.sampled_from("abcdefghxyz"))
    swapped = meant[:place] + meant[place : place + 2][::-1] + meant[place + 2 :]
    typed = data.draw(
        st.sampled_from(
            [
                meant[:place] + meant[place + 1 :],
                meant[:place] + letter + meant[place:],
                meant[:place] + letter + meant[place + 1 :],
                swapped,
            ]
        )
    )

    assert typed == meant or meant in search.mistaken(typed)


def test_a_question_is_never_its_own_mistake() -> None:
    assert "korst" not in search.mistaken("korst")
    assert len(list(search.mistaken("korst"))) < 350
