"""Deadlines as an iCalendar file (RFC 5545), as Google, Apple and Outlook subscribe to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from icalendar import Alarm, Calendar, Event

from partner_portal.infra import catalogue, settings
from partner_portal.infra.catalogue import sentence
from partner_portal.kernel.dates import ONE_DAY
from partner_portal.kernel.money import Money

from ..service.deadline_readers import Entry

_NAME = sentence("Deadlines of services")
_SUMMARY = sentence("Last day to give notice: %(service)s, %(customer)s")
_ENDS = sentence("Notice received on this day at the latest ends %(service)s (%(number)s) of %(customer)s on %(day)s.")
_RENEWS = sentence("Later it is renewed for %(months)s months, which cost %(amount)s.")
_RUNS_ON = sentence("Later it runs on, and can be ended at any time.")
_REFRESHED = timedelta(hours=6)
_NINE = timedelta(hours=9)
"""When on its day a calendar warns: an event of a whole day begins at midnight."""


def written(entries: Sequence[Entry], language: str, *, alarm_days: int) -> bytes:
    """The calendar, the same bytes for the same deadlines: one event of a whole day each, with an alarm so many days before."""
    calendar = Calendar()
    name = catalogue.text(_NAME, language)
    calendar.add("prodid", f"-//{settings.current().provider_name}//Partner portal//{language.upper()}")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    # The name and how often to look, as RFC 7986 has them and as clients from before it read them.
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", _REFRESHED, parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", "PT6H")
    for entry in entries:
        calendar.add_component(_event(entry, language, alarm_days))
    made: bytes = calendar.to_ical()
    return made


def _event(entry: Entry, language: str, alarm_days: int) -> Event:
    base = settings.current().public_url
    link, summary = f"{base}/portal/services/{entry.service}", _summary(entry, language)
    event = Event()
    # The service's own, so that a deadline that moves is moved, not doubled.
    event.add("uid", f"deadline-{entry.service}@{urlsplit(base).hostname}")
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("sequence", entry.sequence)
    event.add("dtstart", entry.notice_by)
    event.add("dtend", entry.notice_by + ONE_DAY)
    event.add("summary", summary)
    event.add("description", f"{_about(entry, language)}\n{link}")
    event.add("url", link)
    event.add("transp", "TRANSPARENT")
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", _NINE - timedelta(days=alarm_days))
    event.add_component(alarm)
    return event


def _summary(entry: Entry, language: str) -> str:
    return catalogue.text(_SUMMARY, language, service=entry.label, customer=entry.customer_name)


def _about(entry: Entry, language: str) -> str:
    ends = catalogue.text(_ENDS, language, service=entry.label, number=entry.number, customer=entry.customer_name, day=entry.ends_on)
    if not entry.renewal_months:
        return f"{ends} {catalogue.text(_RUNS_ON, language)}"
    return f"{ends} {catalogue.text(_RENEWS, language, months=entry.renewal_months, amount=Money(entry.renewal_cents))}"
