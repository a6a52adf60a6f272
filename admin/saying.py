"""What staff read when something is refused: the problem's own words, in the language of the screen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import Request

from partner_portal.infra import catalogue
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.errors import FieldError, Invalid, NotAllowed, NotFound, Problem, Refused
from partner_portal.web import errors, problems
from partner_portal.web.problems import Words
from terminations.workflow import IllegalStep

from . import access, labels


class NotDead(Refused):
    """The background task is not one that was given up, so it cannot be run again."""


class LastAdministrator(Refused):
    """Somebody must be able to let others in: the last administrator keeps the role."""


class OwnAccount(NotAllowed):
    """Nobody blocks the account they are signed in with."""


def explain() -> None:
    """People read our sentences for what staff can be refused."""
    problems.explain(
        {
            NotDead: Words(sentence("Nothing to run again"), sentence("This task was not given up; it is done, or still on its way.")),
            LastAdministrator: Words(
                sentence("The last administrator"), sentence("Give somebody else the role of administrator before you take this one away.")
            ),
            OwnAccount: Words(
                sentence("Your own account"), sentence("Ask another administrator to change the account you are signed in with.")
            ),
        }
    )
    problems.explain_fields(
        {
            "not-an-amount": sentence("This is not an amount in euros, for example 350,00."),
            "not-changed-here": sentence("This is not changed here: money, history and terms in force change by a decision only."),
            "unknown-field": sentence("A service has no terms of this name."),
            "several": sentence("Several partners have a service of this number; change its terms through the partner."),
            "not-a-colour": sentence("A colour is # and six hexadecimal digits, for example #1f4e79."),
            "out-of-order": sentence("The bands begin at rising months, each with its percentage."),
        }
    )


def text(problem: Problem, language: str, titles: Mapping[str, str] = MappingProxyType({})) -> str:
    """The problem in words: which fields are wrong and why, or what stands in the way; `titles` are the fields' own words in the form that was typed."""
    if isinstance(problem, Invalid) and problem.fields:
        return " ".join(f"{_called(fault, language, titles)}: {errors.sentence_typed(fault, language)}" for fault in problem.fields)
    if isinstance(problem, NotFound):
        return errors.say(
            sentence("“%(what)s” was not found."), language, {"what": problem.facts.get("number") or problem.facts.get("id") or ""}
        )
    if isinstance(problem, IllegalStep):
        stands = labels.value("termination", "state", problem.facts["state"], language)
        return errors.say(
            sentence("This step is not possible: the case stands at “%(state)s”. Somebody may just have decided."),
            language,
            {"state": stands},
        )
    said = problems.words(type(problem))
    return f"{errors.say(said.title, language, {})}. {errors.say(said.detail, language, problem.facts)}".strip()


def refusal(problem: Problem, request: Request) -> HTTPException:
    """The same as the generated screens take it: 422 with a sentence per field."""
    language = access.spoken(request)
    if isinstance(problem, Invalid) and problem.fields:
        told = [{"loc": [_called(fault, language)], "msg": errors.sentence_typed(fault, language)} for fault in problem.fields]
    else:
        told = [{"loc": [""], "msg": text(problem, language)}]
    return HTTPException(422, told)  # type: ignore[arg-type]  # FastAPI sends any detail as JSON, and the screens expect a list


def _called(fault: FieldError, language: str, titles: Mapping[str, str] = MappingProxyType({})) -> str:
    *outer, last = fault.pointer.strip("/").split("/")
    for name in ("_".join([*outer, last]), f"{outer[0].removeprefix('main_')}_{last}" if outer else "", last):
        if name in titles:
            # What stands in brackets or behind a colon explains the field where it is typed; here its name is enough.
            return re.split(r"[(,;]" if outer else r"[(:,;]", catalogue.text(titles[name], language))[0].strip()
    return labels.column(last, language)
