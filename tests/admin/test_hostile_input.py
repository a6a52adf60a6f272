"""Staff's own pages against whatever is typed in them: what is wrong is said, nothing breaks, and a bank's file is not believed."""

from __future__ import annotations

import re
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from partner_portal.kernel.actor import StaffRole
from tests.admin.conftest import SignsIn
from tests.attack import intruder, routes
from tests.attack.test_hostile_input import TYPED
from tests.billing.bank import Booking, camt
from tests.billing.money import issue, line
from tests.billing.test_statements import BOMB, rows
from tests.world import World

_NAMES, _DECISIONS = re.compile(r'name="([^"]+)"'), re.compile(r'(?:name="decision" value|value)="([a-z-]{3,20})"')
_TOKEN = re.compile(r'name="csrf_token" value="(\w+)"')
_BROKEN = 500
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest_asyncio.fixture(loop_scope="session")
async def everybody(staff: SignsIn) -> httpx.AsyncClient:
    """Somebody of staff with every role."""
    return await staff(*StaffRole, name="alles")


async def test_no_form_breaks_a_page_of_staffs(
    world: World, noord: httpx.AsyncClient, stranger: httpx.AsyncClient, everybody: httpx.AsyncClient
) -> None:
    await intruder.victim(world, noord, stranger)
    wrong, posted, refused = [], 0, 0
    for route in routes.all_routes():
        if not route.path.startswith("/admin/") or "POST" not in route.route_handler_map or "{" in route.path:
            continue
        seen = await everybody.get(route.path)
        token, names = _TOKEN.search(seen.text), set(_NAMES.findall(seen.text)) - {"csrf_token", "decision", "viewport"}
        for decision in {"nothing", *_DECISIONS.findall(seen.text)}:
            for bad in (*TYPED, str(uuid4())):
                typed = dict.fromkeys(sorted(names | {"id"}), bad) | {"decision": decision, "csrf_token": token[1] if token else ""}
                answer = await everybody.post(route.path, content=urlencode(typed, errors="surrogatepass"), headers=FORM)
                posted, refused = posted + 1, refused + (answer.status_code in {404, 409, 422})
                if answer.status_code >= _BROKEN:
                    wrong.append(f"{route.path} {decision} {bad[:20]!r}: {answer.status_code} {answer.text[-300:]}")

    assert wrong == []
    assert posted > 200
    assert refused > posted / 4, "most of them came as far as being read"


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 3000 + ".xml", "\u202elmx.exe", "x\r\ny: z.xml", "<script>.xml"])
async def test_a_files_name_is_only_a_name(world: World, everybody: httpx.AsyncClient, name: str) -> None:
    await issue(world.noord.id, world.noord.customers["bakery"], [line(10000)])
    token = _TOKEN.search((await everybody.get("/admin/statements")).text)
    assert token

    sent = {"csrf_token": token[1], "decision": "import"}
    taken = await everybody.post("/admin/statements", data=sent, files={"file": (name, camt([Booking(cents=1)], closing=1))})
    page = (await everybody.get("/admin/statements")).text

    assert taken.status_code == 303, taken.text[:300]
    assert "<script>.xml" not in page
    (kept,) = await rows("SELECT file_name FROM billing_statement")
    assert len(kept["file_name"]) <= 200


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "leeg"),
        (b"PK\x03\x04", "ZIP"),
        (camt([Booking(cents=1)]).replace(b"<Document", BOMB.encode() + b"<Document", 1), "DOCTYPE"),
        (camt([Booking(cents=1)]).replace(b"camt.053", b"camt.052"), "Kies CAMT.053"),
        (camt([Booking(cents=1)], iban="NL91ABNA0417164300"), "rekening NL91ABNA0417164300"),
        (camt([Booking(cents=1)]).replace(b'Ccy="EUR">0.01', b'Ccy="USD">0.01'), "USD"),
        (camt([Booking(cents=1)]).replace(b">0.01<", b">&#60;b&#62;<"), "Bedrag op regel"),
    ],
)
async def test_what_is_wrong_with_a_file_is_said_at_its_field_and_what_to_do(
    everybody: httpx.AsyncClient, content: bytes, says: str
) -> None:
    token = _TOKEN.search((await everybody.get("/admin/statements")).text)
    assert token

    sent = {"csrf_token": token[1], "decision": "import"}
    answer = await everybody.post("/admin/statements", data=sent, files={"file": ("bank.xml", content)})

    assert answer.status_code == 422
    assert says.lower() in answer.text.lower()
    assert "<b>" not in answer.text
    assert await rows("SELECT 1 FROM billing_statement") == []
