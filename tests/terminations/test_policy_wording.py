"""Every key the rules can return has a sentence, and every fact the sentence names is returned with it."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from terminations.policy import buyout, grounds, wording
from terminations.policy.cost_sheet import CostLine
from terminations.policy.facts import Applied, Asked, Ground, ServiceFacts
from terminations.policy.preview import preview
from terminations.policy.protection import LAW_SOURCES
from tests.terminations.facts import requests, service, services

NAMED = re.compile(r"{(\w+)}")


def _is_said(key: str, parameters: dict[str, str | int | bool]) -> None:
    assert set(NAMED.findall(wording.WORDING[key])) <= parameters.keys(), key


def test_every_rule_cap_ground_and_proof_has_a_sentence() -> None:
    proofs = {rule.evidence for rule in grounds.GROUND_RULES.values() if rule.evidence}
    said = {f"ground.{ground.value.lower()}" for ground in Ground} | {cap.value for cap in buyout.CapKey} | set(LAW_SOURCES) | proofs
    assert said <= wording.WORDING.keys()
    assert grounds.GROUND_RULES.keys() == set(Ground)


def test_every_key_written_in_the_rules_has_a_sentence() -> None:
    folder = Path(wording.__file__).parent
    key = re.compile(r'"((?:line|formula|ground|evidence|cap)\.[a-z_0-9.]+)"')
    written = {match for path in folder.glob("*.py") for match in key.findall(path.read_text(encoding="utf-8"))}
    assert written <= wording.WORDING.keys()


def test_a_sentence_marked_for_translation_is_returned_unchanged() -> None:
    assert wording.N_("as it is") == "as it is"


@given(services(), requests, st.sampled_from([None, *Ground]))
def test_a_sentence_names_only_facts_it_gets(facts: ServiceFacts, request: Asked, ground: Ground | None) -> None:
    asked = Asked(received_on=request.received_on, today=request.today, wished_on=request.wished_on, early=request.early, ground=ground)
    (seen,) = preview([facts], asked).services
    explained: list[Applied] = [*seen.applied, *seen.notes, *seen.ending.sheet.caps]
    lines: list[CostLine] = [*seen.ending.sheet.lines, *seen.ending.sheet.fees]
    for reason in explained:
        _is_said(reason.key, reason.parameters)
    for line in lines:
        _is_said(line.rule, line.parameters)
        _is_said(line.formula, line.parameters)


def test_p10_is_said_with_its_day() -> None:
    assert NAMED.findall(wording.WORDING["P10"]) == ["last_on"]
    assert preview([service()], Asked(received_on=service().terms.start, today=service().terms.start)).bundles == ()
