"""The main job, played through the running portal four times, each with another end: real HTTP, worker, mail, PDF and admin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
from rich.console import Console

from partner_portal.infra import clock, settings
from partner_portal.kernel.dates import add_months, last_of_month

from . import people
from .actors import Customer, Mailboxes, Partner, StepFailed, hold
from .finance import Finance

_BRAM = "bram@dekorst.example.com"
_DAM = "dam@vandam.example.com"


def play(url: str) -> int:
    """Plays the stories and prints each step; 0 only if every step held."""
    out = Console(highlight=False, soft_wrap=True)
    try:
        with Partner(url, people.NOORDERLICHT.members[0].email) as nora, Customer(url) as someone, Mailboxes() as mail:
            scene = Scene(out, nora, someone, mail)
            scene.ordinary_end()
            with Finance(url) as fien:
                scene.buyout(fien)
            scene.refusal()
            scene.withdrawal()
    except (StepFailed, httpx.HTTPError) as problem:
        out.print(f"   [red]This step did not hold: {problem}[/red]")
        return 1
    out.print("\n[green]Every step held.[/green]")
    return 0


class Scene:
    """The four stories, with the people in them."""

    def __init__(self, out: Console, nora: Partner, someone: Customer, mail: Mailboxes) -> None:
        self.out, self.nora, self.someone, self.mail = out, nora, someone, mail

    def _title(self, text: str) -> None:
        self.out.print(f"\n[bold]{text}[/bold]")

    def _tell(self, text: str) -> None:
        self.out.print(f"   [green]✓[/green] {text}")

    def ordinary_end(self) -> None:
        """Preview, quote, case, the customer's yes, the same PDF to three."""
        self._title("An ordinary end: Bakkerij De Korst leaves, at no extra cost")
        service = self.nora.service("De Korst", "Internet winkel")
        seen = self.nora.preview(service)
        end = seen["customer"]["services"][0]["first_possible_end"]
        self._tell(
            f"{self.nora.name} sees before asking: {service['label']} can end on {end}; final bill EUR {seen['customer']['bill']['total']['amount']}"
        )
        case = self.nora.file(service)
        self._tell(f"The quote is filed as {case['number']}; the customer is asked")
        self.someone.answer(self.mail.about(case, _BRAM, "/confirm/"), "approve")
        self._tell("Bram opens the link in the mail (looking decides nothing) and presses yes")
        self.nora.waits_for(case, "scheduled")
        self._same_proof(case, _BRAM)

    def _same_proof(self, case: dict[str, Any], customer: str) -> None:
        content = self.nora.confirmation(case)
        for to in (customer, people.NOORDERLICHT.members[0].email, settings.current().finance_email):
            mail = self.mail.about(case, to, with_file=True)
            hold(self.mail.attachment(mail) == content, f"{to} got another PDF")
        self._tell(f"Scheduled: customer, partner and provider each have the same PDF ({len(content)} bytes)")

    def buyout(self, fien: Finance) -> None:
        """A wish before the contract's end: computed, adjusted in the admin, accepted."""
        self._title("A buyout, adjusted by finance: Van Dam wants to leave early")
        service = self.nora.service("Van Dam", "Dossierserver")
        wish = last_of_month(add_months(clock.today(), 2))
        offer = self.nora.preview(service, wished_on=wish.isoformat())["customer"]["services"][0]["early_offer"]
        self._tell(f"The contract binds; leaving on {wish} would cost EUR {offer['extra_cost']['amount']}, explained per line:")
        for line in offer["lines"]:
            self.out.print(f"       {line['explanation']['en']}: {line['formula']['en']} = EUR {line['amount']['amount']}")
        case = self.nora.file(service, wished_on=wish.isoformat(), early=True)
        self.mail.about(case, settings.current().finance_email)
        self._tell(f"Filed as {case['number']}; finance got an alert and has it on the work list")
        agreed, why = _less(case["computed"]["amount"]), "Stapt over naar een groter pakket"
        fien.adjusts(case, agreed, why)
        self._tell(f"Finance adjusts it in the admin to EUR {agreed}, with a reason")
        if self.nora.case(case)["state"] != "proposed":
            with Finance(fien.url, "frits") as frits:
                frits.adjusts(case, agreed, "Akkoord")
            self._tell("It is above the limit of one person: a second one agrees")
        self.nora.waits_for(case, "proposed")
        self._accept(case)
        self.nora.waits_for(case, "scheduled")
        self._same_proof(case, _DAM)

    def _accept(self, case: dict[str, Any]) -> None:
        mail = self.mail.about(case, _DAM, "/confirm/")
        page = self.someone.answer(mail, "accept")
        if 'name="code"' in page:
            self.someone.types_code(mail, page, self.mail.code_for(case, _DAM))
            self._tell("So much money needs more than a click: Van Dam types the code from a second mail")
        self._tell("Van Dam accepts on the page behind the link")

    def refusal(self) -> None:
        """The customer says no, and nothing ends."""
        self._title("The customer refuses: nothing ends")
        service = self.nora.service("De Korst", "dekorst.example.com")
        case = self.nora.file(service)
        self.someone.answer(self.mail.about(case, _BRAM, "/confirm/"), "refuse", reason="Wij blijven toch")
        self.nora.waits_for(case, "refused")
        self.mail.about(case, people.NOORDERLICHT.members[0].email, "Wij blijven toch")
        self._tell(f"{case['number']} is refused; Nora is told why, and {service['label']} runs on")

    def withdrawal(self) -> None:
        """A scheduled end, taken back by a new step."""
        self._title("Withdrawn: the service goes on after all")
        service = self.nora.service("Achterwiel", "telefoonnummers")
        case = self.nora.file(service)
        self.someone.answer(self.mail.about(case, "aad@achterwiel.example.com", "/confirm/"), "approve")
        self.nora.waits_for(case, "scheduled")
        self.nora.confirmation(case)
        self.nora.post(f"/api/v1/terminations/{case['id']}/withdrawal", {"note": "Klant blijft"})
        self.nora.waits_for(case, "withdrawn")
        runs_on = self.nora.service("Achterwiel", "telefoonnummers")
        hold(runs_on["ends_on"] is None, "the service still has an end")
        self._tell(f"{case['number']} was scheduled and is withdrawn; every step stays on record: " + ", ".join(self._steps(case)))

    def _steps(self, case: dict[str, Any]) -> list[str]:
        return [step["action"] for step in self.nora.case(case)["steps"]]


def _less(amount: str) -> str:
    """Nine tenths of an amount, in whole euros."""
    return f"{int(Decimal(amount) * 9 / 10)}.00"
