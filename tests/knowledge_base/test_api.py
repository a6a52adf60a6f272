"""Articles: published ones, in the reader's language, for the reader's eyes."""

from __future__ import annotations

import httpx

from partner_portal.infra import clock, db
from partner_portal.infra.ids import new_id
from tests.world import STAFF_DOOR, World


async def write(question: str, audience: str, *, language: str = "nl", published: bool = True) -> None:
    async with db.unit_of_work(STAFF_DOOR):
        await db.execute(
            "INSERT INTO knowledge_base_article (id, language, audience, question, answer, published_at) VALUES ($1, $2, $3, $4, 'Zo.', $5)",
            *(new_id(), language, audience, question, clock.now() if published else None),
        )


async def questions(client: httpx.AsyncClient, **query: str) -> set[str]:
    return {item["question"] for item in (await client.get("/api/v1/articles", params=query)).json()["items"]}


async def test_everybody_reads_what_is_meant_for_them(world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    await write("Voor iedereen?", "public")
    await write("Voor klanten?", "customers")
    await write("Voor behandelaars?", "handlers")
    await write("Nog niet af?", "public", published=False)
    await write("In English?", "public", language="en")

    assert await questions(stranger) == {"Voor iedereen?"}
    assert await questions(noord) == {"Voor iedereen?", "Voor klanten?", "Voor behandelaars?"}
    assert await questions(stranger, language="en") == {"In English?"}


async def test_a_list_of_articles_is_paged(world: World, stranger: httpx.AsyncClient) -> None:
    for nth in range(3):
        await write(f"Vraag {nth}?", "public")

    first = (await stranger.get("/api/v1/articles", params={"limit": 2})).json()
    second = (await stranger.get("/api/v1/articles", params={"limit": 2, "after": first["next"]})).json()

    assert len({item["id"] for item in first["items"] + second["items"]}) == 3
