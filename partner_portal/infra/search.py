"""Finding things by the beginnings of their words, however they are written, with one typing mistake forgiven.

The words of whatever can be found stand in `infra_search_word`, kept there by the database itself (`portal_findable`), behind the wall of their
tenant. A look-up is a range of its primary key: row-level security lets PostgreSQL use an index only for comparisons that leak nothing, which text
equality and order are, and LIKE, full-text search and expressions are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_lowercase
from typing import Any

import msgspec

from . import db

LONGEST = 100
"""Characters of a question that are looked at."""
MOST_WORDS = 5

_FORGIVING = range(4, 25)  # shorter words are one mistake away from everything
# U+10FFFF comes after everything that begins with the same letters.
_ASK = """
SELECT word, EXISTS (SELECT FROM unnest($2::text[]) k
                       JOIN infra_search_word w ON w.kind = k AND w.word >= asked.word AND w.word < asked.word || chr(1114111)) AS known
  FROM (SELECT nth, (portal_words(said))[1] AS word FROM unnest($1::text[]) WITH ORDINALITY AS a(said, nth)) asked
 WHERE word IS NOT NULL ORDER BY nth
"""
_ASK_CLOSE = """
SELECT c.word FROM unnest($1::text[]) WITH ORDINALITY AS c(word, nth)
 WHERE EXISTS (SELECT FROM unnest($2::text[]) k JOIN infra_search_word w ON w.kind = k AND w.word >= c.word AND w.word < c.word || chr(1114111))
 ORDER BY nth LIMIT 20
"""


class Sought(msgspec.Struct, frozen=True):
    """What is looked for: for each word of the question the beginnings that answer it, in the tenant that asks."""

    words: tuple[tuple[str, ...], ...] = ()
    is_close: bool = False
    """Whether a word was found only by forgiving a mistake."""

    @property
    def is_hopeless(self) -> bool:
        """Whether nothing can be found: no word was asked for, or nothing begins like one of them."""
        return not self.words or not all(self.words)


async def understand(question: str, kinds: Sequence[str]) -> Sought:
    """The question as it can be asked of things of these kinds; a word with which nothing begins is taken with one mistake, where that helps."""
    said = question[:LONGEST].split()[:MOST_WORDS]
    if not said:
        return Sought()
    words: list[tuple[str, ...]] = []
    is_close = False
    for row in await db.fetch(_ASK, said, list(kinds)):
        close = [] if row["known"] else await _close(row["word"], kinds)
        is_close = is_close or bool(close)
        words.append((row["word"],) if row["known"] else tuple(close))
        if not words[-1]:
            break  # the other words would not help
    return Sought(tuple(words), is_close)


async def _close(word: str, kinds: Sequence[str]) -> list[str]:
    # A number is right or wrong: its neighbour is another customer.
    if len(word) not in _FORGIVING or any(letter.isdecimal() for letter in word):
        return []
    return [row["word"] for row in await db.fetch(_ASK_CLOSE, list(mistaken(word)), list(kinds))]


def mistaken(word: str) -> Iterable[str]:
    """Every word from which `word` comes by one mistake of the keyboard: a letter wrong, missing, too many, or two swapped; the likeliest first."""
    letters = ascii_lowercase + "".join(letter for letter in dict.fromkeys(word) if letter not in ascii_lowercase)
    parts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    found = [head + tail[1] + tail[0] + tail[2:] for head, tail in parts if len(tail) > 1]
    found += [head + letter + tail for head, tail in parts for letter in letters]
    found += [head + tail[1:] for head, tail in parts if tail]
    found += [head + letter + tail[1:] for head, tail in parts if tail for letter in letters]
    return dict.fromkeys(one for one in found if one != word)


def rows(sought: Sought, kind: str, values: list[Any]) -> str:
    """The SQL of the ids of all rows of `kind` that answer every word; what it needs is added to `values`, the first of which is $1."""
    return " INTERSECT ".join(one(beginnings, kind, values) for beginnings in sought.words)


def one(beginnings: Sequence[str], kind: str, values: list[Any]) -> str:
    """The SQL of the ids of all rows of `kind` with a word that begins like one of these."""
    values += [list(beginnings), kind]
    return (
        f'SELECT w."row" FROM unnest(${len(values) - 1}::text[]) b JOIN infra_search_word w ON w.kind = ${len(values)}'  # noqa: S608  # places of values
        f" AND w.word >= b AND w.word < b || chr(1114111)"
    )


def findable(table: str, kind: str, *columns: str) -> list[str]:
    """SQL for migrations: rows of `table` are found as `kind` by the words of these columns, those that are there as well. What it returns never changes."""
    names = ", ".join(f"'{name}'" for name in (kind, *columns))
    listens = f"CREATE TRIGGER {table}_findable AFTER INSERT OR UPDATE OF {', '.join(columns)} OR DELETE ON {table}"
    fills = f"SELECT t.tenant, '{kind}', w, t.id FROM {table} t, unnest(portal_words(concat_ws(' ', {', '.join(columns)}))) w"  # noqa: S608  # our own names
    return [
        f"{listens} FOR EACH ROW EXECUTE FUNCTION portal_findable({names})",
        f'INSERT INTO infra_search_word (tenant, kind, word, "row") {fills} ON CONFLICT DO NOTHING',
    ]
