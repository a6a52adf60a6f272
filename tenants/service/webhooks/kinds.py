"""Which kinds of events a partner's software can be told of: the domains above offer theirs, nobody here knows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from partner_portal.kernel.errors import FieldError, Invalid

TEST = "webhook.test"
"""What the test button sends, to whoever listens to whatever."""

_offered: dict[str, str] = {}
_subjects: dict[str, list[str]] = {}


def offer(kinds: Mapping[str, str], *, about: str) -> None:
    """These kinds of events can be chosen from now on; each with a source sentence that says when it happens, all of them about one subject."""
    listed = _subjects.setdefault(about, [])
    for name in kinds:
        _offered[name] = kinds[name]
        if name not in listed:
            listed.append(name)


def offered() -> Mapping[str, str]:
    """Every kind that can be chosen, in the order of being offered."""
    return _offered


def by_subject() -> Mapping[str, Mapping[str, str]]:
    """The same by subject, a source sentence each."""
    return {about: {name: _offered[name] for name in names} for about, names in _subjects.items()}


def chosen(types: Collection[str] | None) -> str:
    """The chosen kinds as an endpoint keeps them, nothing for all of them, those that are yet to come as well; Invalid for one that nobody offers."""
    if types is None:
        return ""
    if not types:
        raise Invalid(FieldError("/types", "empty"))
    for name in sorted(types):
        if name not in _offered:
            raise Invalid(FieldError("/types", "choice", {"allowed": sorted(_offered)}))
    return " ".join(sorted(types))
