"""The one place that fills templates: pages, mails and letters share its rules, its filters and its words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache

import jinja2_fragments
from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined, Undefined, pass_context, select_autoescape
from jinja2.meta import find_referenced_templates
from jinja2.runtime import Context
from markupsafe import Markup, escape

from . import catalogue, formats
from .who import who

_FOLDERS = {
    "infra": "partner_portal/infra/templates",
    "web": "partner_portal/web/templates",
    "mailcatcher": "partner_portal/mailcatcher/templates",
    "overview": "partner_portal/overview/templates",
    **{domain: f"{domain}/templates" for domain in ("tenants", "billing", "terminations", "knowledge_base", "service_desk", "admin")},
}


_FORMS: dict[str, Callable[..., str]] = {
    "money": formats.money,
    "price": formats.price,
    "number": formats.number,
    "percent": formats.percent,
    "day": formats.day,
    "long_day": formats.long_day,
    "weekday": formats.weekday,
    "month": formats.month,
    "instant": formats.instant,
    "listing": formats.listing,
    "country": formats.country,
    "who": who,
}
_WHOLE = 24
"""So many signs fit on a line of 360 px, also in a heading."""
_OURS = re.compile(r"\b[A-Z0-9]{2,8}-[A-Z](?:\d{4})?-\d{4,}\b")
"""A number that the portal gave, as NRD-T-00001 or HUIS-F2026-000123."""
_SUM = re.compile(r"(?<=\bEUR) (?=-?\d)|(?<=\d) (?=%)")


def render(name: str, *, language: str, **words: object) -> str:
    """The template `name` ("terminations/confirm.html") in `language`; a word it needs and does not get is an error."""
    return environment().get_template(name).render(language=language, **words)


def parts(name: str, *, language: str, **words: object) -> object:
    """The macros of the template `name`, speaking `language` and knowing `words`; for pages of which only a block may be asked."""
    return environment().get_template(name).make_module({"language": language, **words})


def render_block(name: str, block: str, *, language: str, **words: object) -> str:
    """One block of the template, as it stands in the whole page."""
    return jinja2_fragments.render_block(environment(), name, block, language=language, **words)


class _Folder(FileSystemLoader):
    """A folder of templates; phrases kept in `x.jinja` serve pages as `x.jinja.html` (escaped) and plain text as `x.jinja.txt`."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        name, marked, _kind = template.rpartition(".jinja.")
        return super().get_source(environment, f"{name}.jinja" if marked else template)


@cache
def environment() -> Environment:
    """Jinja with our loaders, filters and sentences; HTML is escaped, a missing word is never silently empty."""
    made = Environment(
        loader=PrefixLoader({prefix: _Folder(catalogue.ROOT / folder) for prefix, folder in _FOLDERS.items()}),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update({"_": _translated, "ngettext": _plural})
    made.filters.update({name: _in_language(form) for name, form in _FORMS.items()})
    made.filters["together"] = together
    made.filters["whole"] = whole
    made.filters["whole_within"] = whole_within
    return made


def together(text: str) -> str:
    """The words with each "EUR" on one line with its sum, and each "%" with its number; amounts that HTML templates write stand so by themselves."""
    return _SUM.sub("\N{NO-BREAK SPACE}", text)


def whole(number: str | None) -> Markup:
    """A number that people know something by, for HTML: one word, also where it has hyphens; one that is too long for a telephone may break all the same."""
    said = escape(number or "")
    return Markup('<span class="whole">{}</span>').format(said) if 0 < len(said) <= _WHOLE else said


def whole_within(text: str) -> Markup:
    """The text, for HTML, with each number in it that the portal gave as one word."""
    return Markup(_OURS.sub(lambda found: whole(found[0]), escape(text)))  # noqa: S704  # escaped, and a number needs no escaping


@cache
def version(name: str, language: str) -> str:
    """Which wording a person saw: changes whenever the template, one it builds on, or a sentence of `language` changes."""
    digest = hashlib.sha256(catalogue.path(language).read_bytes())
    for source in _sources(name):
        digest.update(source.encode())
    return digest.hexdigest()[:12]


def _sources(name: str) -> list[str]:
    loader = environment().loader
    assert loader is not None  # noqa: S101  # for mypy: we gave it one above
    source, _file, _fresh = loader.get_source(environment(), name)
    used = find_referenced_templates(environment().parse(source))
    return [source, *(text for other in sorted(filter(None, used)) for text in _sources(other))]


def _in_language(form: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def filtered(context: Context, value: object) -> str:
        if isinstance(value, Undefined):
            str(value)  # raises, naming the word that is missing
        said = form(value, context["language"])
        return together(said) if context.eval_ctx.autoescape else said

    return filtered


@pass_context
def _translated(context: Context, msgid: str, **words: object) -> str:
    return _filled(context, catalogue.pattern(msgid, context["language"]), words)


@pass_context
def _plural(context: Context, singular: str, plural: str, count: int, **words: object) -> str:
    pattern = catalogue.plural_pattern(singular, plural, context["language"], count)
    return _filled(context, pattern, {"count": count, **words})


def _filled(context: Context, pattern: str, words: dict[str, object]) -> str:
    language = context["language"]
    if not context.eval_ctx.autoescape:
        said = {name: formats.plainly(value, language) for name, value in words.items()}
        return catalogue.one_full_stop(pattern, said) % said if words else pattern
    # The sentence is ours; the words come from people, so they are escaped unless a template made them.
    safe = {
        name: value if isinstance(value, Markup) else escape(together(formats.plainly(value, language))) for name, value in words.items()
    }
    return Markup(catalogue.one_full_stop(pattern, safe)) % safe if words else Markup(pattern)  # noqa: S704  # only our own catalogues
