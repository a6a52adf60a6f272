"""Every sentence a person reads: English in the source, other languages from the catalogues in `partner_portal/locale`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import cache
from gettext import c2py
from pathlib import Path

import msgspec
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from . import formats

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "partner_portal" / "locale"
_PLACES = ("partner_portal", "tenants", "billing", "terminations", "knowledge_base", "service_desk", "admin")
_METHODS = [*((f"**/templates/**.{kind}", "jinja2") for kind in ("html", "txt", "jinja")), ("**.py", "python")]
_KEYWORDS: dict[str, tuple[int, ...] | None] = {**dict.fromkeys(("_", "N_", "text", "sentence")), "ngettext": (1, 2), "texts": (1, 2)}
# Other functions are called `text` too, with the name of a column.
_NO_SENTENCE = re.compile(r"[a-z]+(_[a-z]+)+")
_HEADER = "# The sentences of the partner portal.\n"


_form_of = cache(c2py)  # which compiles Python


class _Sentences(msgspec.Struct, frozen=True):
    """One language: what each source string becomes."""

    said: Mapping[str, str | tuple[str, ...]]
    plural_expression: str

    def one(self, msgid: str) -> str:
        found = self.said.get(msgid, msgid)
        return found if isinstance(found, str) else found[0]

    def many(self, singular: str, plural: str, count: int) -> str:
        found = self.said.get(singular)
        form: int = _form_of(self.plural_expression)(count)
        if isinstance(found, tuple):
            return found[form]
        return plural if form else singular


def text(msgid: str, language: str, **words: object) -> str:
    """The sentence in `language` with `words` in it (`%(name)s`); money, days and numbers are written as that language does."""
    return _filled(pattern(msgid, language), language, words)


def texts(singular: str, plural: str, language: str, *, count: int, **words: object) -> str:
    """As `text`, in the form that belongs to `count`, which the sentence names as `%(count)s`."""
    return _filled(plural_pattern(singular, plural, language, count), language, {"count": count, **words})


def sentence(msgid: str) -> str:
    """The source string itself, marked so that the catalogues learn it; for sentences kept in tables and shown later through `text`."""
    return msgid


def pattern(msgid: str, language: str) -> str:
    """The sentence in `language`, its words still open; the source string where `language` has no other."""
    return _sentences(language).one(msgid)


def plural_pattern(singular: str, plural: str, language: str, count: int) -> str:
    """The form of the sentence that belongs to `count`, its words still open."""
    return _sentences(language).many(singular, plural, count)


def _filled(open_sentence: str, language: str, words: Mapping[str, object]) -> str:
    # Without words the sentence stands as it is written: a lone per cent sign is no mistake then.
    said = {name: formats.plainly(value, language) for name, value in words.items()}
    return one_full_stop(open_sentence, said) % said if words else open_sentence


_AT_ITS_END = re.compile(r"%\((\w+)\)s\.(?=\s|$)")


def one_full_stop(open_sentence: str, words: Mapping[str, str]) -> str:
    """The sentence without its full stop where the word before it brings one: "Voorbeeld B.V." ends a sentence by itself."""
    return _AT_ITS_END.sub(lambda end: end[0][:-1] if words.get(end[1], "").endswith(".") else end[0], open_sentence)


def path(language: str) -> Path:
    """Where the sentences of `language` are kept."""
    return LOCALE / language / "LC_MESSAGES" / "portal.po"


def read(language: str) -> Catalog:
    """The catalogue of `language` as it is on file, with comments and marks."""
    with path(language).open("rb") as file:
        return read_po(file, locale=language)


@cache
def _sentences(language: str) -> _Sentences:
    catalogue = read(language)
    said = {_singular(message): _translated(message) for message in catalogue if message.id and _is_usable(message)}
    return _Sentences(said, catalogue.plural_expr)


def _singular(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _translated(message: Message) -> str | tuple[str, ...]:
    return message.string if isinstance(message.string, str) else tuple(message.string or ())


def _is_usable(message: Message) -> bool:
    forms = (message.string,) if isinstance(message.string, str) else message.string
    return forms is not None and all(forms) and not message.fuzzy


def source() -> Catalog:
    """Every sentence that the code and the templates use now."""
    catalogue = Catalog(project="partner portal", charset="utf-8", header_comment=_HEADER)
    for place in _PLACES:
        if not (ROOT / place).is_dir():
            continue
        options = {"**": {"trimmed": "true", "silent": "false"}}
        for file, _line, msgid, _comments, context in extract_from_dir(
            ROOT / place, _METHODS, options_map=options, keywords=_KEYWORDS, strip_comment_tags=True
        ):
            if isinstance(msgid, str) and _NO_SENTENCE.fullmatch(msgid):
                continue
            catalogue.add(msgid, locations=[(f"{place}/{file}", 0)], context=context)
    return catalogue


def missing(language: str) -> list[str]:
    """The sentences in use that `language` does not have, or has only as a guess; English is its own translation."""
    known = {_singular(message): message for message in read(language) if message.id}
    used = [_singular(message) for message in source() if message.id]
    return [msgid for msgid in used if msgid not in known or not _is_usable(known[msgid])]


def update() -> None:
    """The catalogue files name exactly the sentences in use; translations are kept, sentences no longer used are dropped."""
    template = source()
    for language in formats.LANGUAGES:
        catalogue = read(language) if path(language).exists() else Catalog(locale=language, header_comment=_HEADER)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        path(language).parent.mkdir(parents=True, exist_ok=True)
        with path(language).open("wb") as file:
            write_po(file, catalogue, width=140, sort_by_file=True, include_lineno=False, omit_header=False)


if __name__ == "__main__":
    update()
    sys.stdout.writelines(f"nl: {msgid!r}\n" for msgid in missing("nl"))
