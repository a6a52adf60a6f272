"""What people who come in do, and what they read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from typing import Any
from uuid import UUID

import httpx

from partner_portal.infra import db, outbox
from partner_portal.kernel.actor import Role
from tenants.service import contacts, members, passwords
from tenants.service.contacts import NewContact
from tenants.service.members import NewMember
from tests.conftest import browser
from tests.journeys.partner import newest
from tests.world import PASSWORD, STAFF_DOOR, Partner, World, _hashed

PAGE = {"accept": "text/html", "accept-language": "en"}


def read(answer: httpx.Response) -> str:
    """The words of a page, as a person reads them."""
    body = re.sub(r"<head.*?</head>|<template.*?</template>", "", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body))).strip()


def csrf(answer: httpx.Response) -> str:
    """The token that the page's forms send along."""
    found = re.search(r'name="csrf_token" value="([0-9a-f]*)"', answer.text)
    assert found, answer.text[:2000]
    return found[1]


async def open_page(client: httpx.AsyncClient, path: str, status: int = 200) -> httpx.Response:
    """The page at this path."""
    answer = await client.get(path, headers=PAGE)
    assert answer.status_code == status, (answer.status_code, answer.text[:2000])
    return answer


async def send(client: httpx.AsyncClient, path: str, on: str = "", **typed: str) -> httpx.Response:
    """The form of the page `on` is sent to `path`."""
    page = await open_page(client, on or path)
    found = re.search(r'name="version" value="(\d+)"', page.text)
    unseen = {"csrf_token": csrf(page)} | ({"version": found[1]} if found else {})
    return await client.post(path, data=unseen | typed, headers=PAGE)


async def sign_in_by_page(client: httpx.AsyncClient, email: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    """The sign-in form is filled in and sent."""
    await open_page(client, "/portal/sign-in")
    return await client.post("/portal/sign-in", data={"email": email, "password": password, **more}, headers=PAGE)


@asynccontextmanager
async def signed_in(email: str, password: str = PASSWORD, **more: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which this person is signed in."""
    async with browser() as client:
        answer = await sign_in_by_page(client, email, password, **more)
        assert answer.status_code == 303, answer.text
        yield client


def link_in(world: World, to: str, about: str) -> str:
    """The path of the link about this ("invitation", "password") in the newest mail to this address."""
    mail = newest(world.mailbox, to)
    found = re.search(rf"/portal/{about}/[A-Za-z0-9_-]{{43}}", mail.text)
    assert found, mail.text
    return found[0]


async def add_contact(partner: Partner, customer: UUID, email: str, *, accepts: bool = True, **rights: Any) -> UUID:
    """The customer has this contact, who has taken its account with everybody's password, or has only been entered."""
    async with db.unit_of_work(partner.principal()):
        contact = await contacts.add(partner.actor, customer, NewContact(name=f"Contact {email}", email=email, **rights))
    if accepts:
        await let_in("contact", contact)
    return contact


async def add_member(partner: Partner, email: str, role: Role, *, accepts: bool = True) -> UUID:
    """The partner has this member, who has taken its account with everybody's password, or was only invited."""
    async with db.unit_of_work(partner.principal()):
        member = await members.invite(partner.actor, NewMember(name=f"Member {email}", email=email, role=role))
    if accepts:
        await let_in("member", member)
    await outbox.drain()
    return member


async def main_user(partner: Partner, customer: str = "bakery") -> str:
    """The address of the customer's main user, who has taken its account."""
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one("SELECT id, email FROM contact WHERE customer = $1 AND is_main", partner.customers[customer])
    assert row is not None
    await let_in("contact", row["id"])
    email: str = row["email"]
    return email


async def let_in(table: str, account: UUID) -> None:
    """The person has taken the account; everybody's password is the same."""
    hashed = await _hashed()
    async with db.unit_of_work(STAFF_DOOR):
        row = await db.fetch_one(f"UPDATE {table} SET accepted_as = email WHERE id = $1 RETURNING email", account)  # noqa: S608  # ours
        assert row is not None
        await passwords.replace(row["email"], hashed)


async def rows(sql: str, *values: Any) -> list[Any]:
    """What the database has, seen by staff."""
    async with db.unit_of_work(STAFF_DOOR):
        return await db.fetch(sql, *values)
