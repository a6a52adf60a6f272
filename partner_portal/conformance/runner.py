"""Running case files: which cases agree, which differ, and which differences are deliberate and documented."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from . import heart, peers_charges, peers_counting, peers_reminding, peers_terms, peers_webhooks, rule_book
from .reading import Answer, BadCase, Case, agrees, answered

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"
PEERS: Mapping[str, Answer] = {
    **peers_terms.FAMILIES,
    **peers_charges.FAMILIES,
    **peers_counting.FAMILIES,
    **peers_reminding.FAMILIES,
    **peers_webhooks.FAMILIES,
}
LATER = frozenset({"sla", "sla-hd"})

_EXPECTED_FIELDS = {"collection_cost_cases": ("costs_ex_vat",), "interest_cases": ("days", "interest")}
_DOCUMENTED_ROW = re.compile(r"^\|\s*`([a-z-]+\.[\w-]+)`\s*\|\s*`?([\w.*-]*)`?\s*\|\s*(.+?)\s*\|\s*$")


class UnknownFamily(Exception):
    """A case of a kind the portal has no answer for."""


class Deliberate(msgspec.Struct, frozen=True):
    """A documented difference: a case's number, or a family with the expected field that gives our own answer."""

    name: str
    instead: str
    reason: str


class Difference(msgspec.Struct, frozen=True):
    """A case whose answer is not what the file expects; `reason` is set where that is deliberate."""

    case: Case
    got: Any
    reason: str = ""


class FamilyCount(msgspec.Struct):
    """How the cases of one family came out."""

    cases: int = 0
    agree: int = 0
    deliberate: int = 0


class Report(msgspec.Struct):
    """All counts and differences of a run."""

    families: dict[str, FamilyCount] = {}
    differences: list[Difference] = []
    later: dict[str, int] = {}

    @property
    def undocumented(self) -> list[Difference]:
        """The differences nobody has given a reason for."""
        return [difference for difference in self.differences if not difference.reason]

    @property
    def exit_status(self) -> int:
        """0 when every answer agrees or its difference is documented, else 1."""
        return 1 if self.undocumented else 0


def run(paths: Sequence[str | Path], documented: Iterable[Deliberate] | None = None) -> Report:
    """Return how the portal's rules answer every case in the files; what stands in docs/conformance.md is deliberate."""
    known = {entry.name: entry for entry in (deliberate_differences() if documented is None else documented)}
    report = Report()
    for path in paths:
        for case in cases_of(Path(path)):
            _judge(report, case, known)
    return report


def cases_of(path: Path) -> Iterator[Case]:
    """Yield the cases of a file; a file that is none yields one case, which says why nobody can answer it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        yield Case("file.unreadable", path.name, str(problem), None)
        return
    yield from cases_in(content)


def portal_conformance(paths: Sequence[str | Path]) -> tuple[int, list[str]]:
    """Return the exit status and the lines to print for a run over case files."""
    report = run(paths)
    return report.exit_status, list(lines_of(report))


def cases_in(content: Any) -> Iterator[Case]:
    """Yield the cases of a file, whichever of the three forms it has."""
    if isinstance(content, list):
        for number, entry in enumerate(content, start=1):
            yield _read("peers", entry, number, _peers_case)
        return
    for family, entries in content.items() if isinstance(content, Mapping) else ():
        if isinstance(entries, list):
            for number, entry in enumerate(entries, start=1):
                yield _read(family, entry, number, partial(_keyed_case, family))


def lines_of(report: Report) -> Iterator[str]:
    """Yield the report as lines of text: counts per family, then every difference in full."""
    for family, counted in sorted(report.families.items()):
        line = f"{family}: {counted.agree} of {counted.cases} agree"
        yield f"{line}, {counted.deliberate} deliberately different" if counted.deliberate else line
    for family, cases in sorted(report.later.items()):
        yield f"{family}: {cases} cases, not part of this version"
    for difference in report.differences:
        yield ""
        yield f"{difference.case.family} {difference.case.id}: {difference.reason or 'DIFFERENT'}"
        yield f"  inputs    {_text(difference.case.inputs)}"
        yield f"  expected  {_text(difference.case.expected)}"
        yield f"  got       {_text(difference.got)}"
    cases = sum(counted.cases for counted in report.families.values())
    agree = sum(counted.agree for counted in report.families.values())
    yield ""
    yield f"{agree} of {cases} agree, {len(report.differences) - len(report.undocumented)} deliberate differences, {len(report.undocumented)} undocumented"


def deliberate_differences(document: Path = DOCUMENT) -> list[Deliberate]:
    """Return the differences listed in the document's table; none where the document is not there."""
    if not document.exists():
        return []
    rows = map(_DOCUMENTED_ROW.match, document.read_text(encoding="utf-8").splitlines())
    return [Deliberate(*row.groups()) for row in rows if row]


def answer_to(case: Case) -> Any:
    """Return what the portal's rules answer to a case; refuses families nobody has written an answer for."""
    kind, name = case.family.split(".", 1)
    if kind == "file":
        raise BadCase(str(case.inputs))
    if kind == "rules" and name in rule_book.DATE_FUNCTIONS:
        return answered(partial(rule_book.DATE_FUNCTIONS[name], case.inputs))
    table: Mapping[str, Answer] = {"rules": rule_book.TABLES, "heart": heart.FAMILIES, "peers": PEERS}[kind]
    if name not in table:
        raise UnknownFamily(case.family)
    return answered(partial(table[name], case.inputs))


def _read(family: str, entry: Any, number: int, reads: Callable[[Any, int], Case]) -> Case:
    """Return the case; one that cannot be read is a case nobody can answer, and its neighbours are not lost with it."""
    try:
        case: Case = answered(partial(reads, entry, number))
    except BadCase as problem:
        return Case("file.case", f"{family} {number}", str(problem), None)
    return case


def _peers_case(entry: Mapping[str, Any], number: int) -> Case:
    inputs = {"case": entry.get("case") or "", **entry["inputs"]}
    return Case(f"peers.{entry['family']}", str(entry.get("id", number)), inputs, entry["expected"])


def _keyed_case(family: str, entry: Mapping[str, Any], number: int) -> Case:
    if "fn" in entry and "args" in entry:
        return Case(f"rules.{entry['fn']}", str(entry.get("id", number)), entry["args"], entry["expected"])
    if "inputs" in entry:
        return Case(f"heart.{family}", str(entry.get("id", number)), entry["inputs"], heart.plain_quantities(entry["expected"]))
    fields = _EXPECTED_FIELDS.get(family)
    expected = {name: value for name, value in entry.items() if fields is None or name in fields}
    if family == "buyout_cases":
        expected = _expected_buyout(entry)
    return Case(f"rules.{family}", str(entry.get("no", number)), entry, expected)


def _expected_buyout(entry: Mapping[str, Any]) -> dict[str, Any]:
    lines = [{name: line[name] for name in ("unrounded", "amount", "vat")} for line in entry["lines"]]
    return {"lines": lines, **{name: entry[name] for name in ("base_ex_vat", "vat", "vat_total", "total")}}


def _judge(report: Report, case: Case, known: Mapping[str, Deliberate]) -> None:
    if case.family.startswith("peers.") and case.family.removeprefix("peers.") in LATER:
        report.later[case.family] = report.later.get(case.family, 0) + 1
        return
    counted = report.families.setdefault(case.family, FamilyCount())
    counted.cases += 1
    try:
        got = answer_to(case)
    except Exception as problem:  # noqa: BLE001 - a case nobody can answer is a difference, and the run goes on
        report.differences.append(Difference(case, f"{type(problem).__name__}: {problem}"))
        return
    if agrees(case.expected, got):
        counted.agree += 1
        return
    reason = _deliberate_reason(case, got, known)
    counted.deliberate += bool(reason)
    report.differences.append(Difference(case, got, reason))


def _deliberate_reason(case: Case, got: Any, known: Mapping[str, Deliberate]) -> str:
    kind = case.family.split(".", 1)[0]
    named = known.get(f"{kind}.{case.id}")
    if named is not None:
        return named.reason
    instead = known.get(case.family)
    if instead is None or not isinstance(case.expected, Mapping) or instead.instead not in case.expected:
        return ""
    ours = isinstance(got, Mapping) and agrees(case.expected[instead.instead], got.get(instead.instead))
    return instead.reason if ours else ""


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
