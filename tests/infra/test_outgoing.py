"""What the portal sends to addresses that others name never reaches a private network, however the address is dressed."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
import pytest_asyncio

from partner_portal.infra import outgoing, settings
from partner_portal.infra.outgoing import NotReached, UnfitAddress, Why
from tests.infra.receiver import Receiver, Said, receiver

TLS = Path(__file__).parent / "tls"
NAME = "hooks.example.test"  # what the certificate in tls/ is made out to
LOOPBACK = "127.0.0.0/8,::1/128"


@pytest.fixture(autouse=True)
def outside() -> Iterator[settings.Settings]:
    """A portal that may reach nothing private."""
    with settings.use(settings.load({"PORTAL_ENV": "test", "SECRET_KEY": "x" * 32})) as chosen:
        yield chosen


@pytest.fixture
def on_this_machine() -> Iterator[None]:
    """Loopback is allowed, as in the demo."""
    with settings.use(outgoing_networks=LOOPBACK):
        yield


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Receiver]:
    async with receiver() as running:
        yield running


async def send(url: str, body: bytes = b"{}", *, within: float = 3.0, **headers: str) -> outgoing.Answer:
    return await outgoing.post(outgoing.target(url), body, headers, within=within)


async def why(url: str, **how: float) -> Why:
    with pytest.raises((UnfitAddress, NotReached)) as refusal:
        await send(url, **how)  # type: ignore[arg-type]
    return Why(refusal.value.facts["why"])


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """The name server answers so, one list after the other, the last one again and again; returns what it was asked."""
    asked: list[str] = []
    waiting = list(answers)

    async def look_up(host: str, _port: int) -> list[str]:
        asked.append(host)
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    monkeypatch.setattr(outgoing, "look_up", look_up)
    return asked


# --- Addresses that are refused as soon as they are typed


@pytest.mark.parametrize(
    ("url", "because"),
    [
        ("", Why.NOT_HTTPS),
        ("hooks.example.com/x", Why.NOT_HTTPS),
        ("ftp://hooks.example.com/x", Why.NOT_HTTPS),
        ("file:///etc/passwd", Why.NOT_HTTPS),
        ("gopher://hooks.example.com:443/_x", Why.NOT_HTTPS),
        ("javascript:alert(1)", Why.NOT_HTTPS),
        ("https://", Why.NOT_AN_ADDRESS),
        ("https:///x", Why.NOT_AN_ADDRESS),
        ("https://hooks.example.com/x#part", Why.NOT_AN_ADDRESS),
        ("https://hooks.example.com/\r\nHost: evil", Why.NOT_AN_ADDRESS),
        ("https://hooks.example.com/a b", Why.NOT_AN_ADDRESS),
        ("https://hooks.example.com\\@127.0.0.1/", Why.NOT_AN_ADDRESS),
        ("https://hooks.example.com:443443/", Why.NOT_AN_ADDRESS),
        ("https://hooks.example.com:x/", Why.NOT_AN_ADDRESS),
        ("https://hooks..example.com/", Why.NOT_AN_ADDRESS),
        ("https://-hooks.example.com/", Why.NOT_AN_ADDRESS),
        ("https://[fe80::1%25eth0]/", Why.NOT_AN_ADDRESS),
        ("https://[::1/", Why.NOT_AN_ADDRESS),
        (f"https://hooks.example.com/{'x' * 1000}", Why.NOT_AN_ADDRESS),
        ("https://user:secret@hooks.example.com/", Why.CREDENTIALS),
        ("https://user@hooks.example.com/", Why.CREDENTIALS),
        ("https://hooks.example.com@127.0.0.1/", Why.CREDENTIALS),
        ("https://hooks.example.com:22/", Why.PORT),
        ("https://hooks.example.com:0/", Why.PORT),
        ("https://hooks.example.com:6379/", Why.PORT),
        ("https://93.184.215.14:5432/", Why.PORT),
        ("https://localhost/", Why.PRIVATE),
        ("https://intranet/", Why.PRIVATE),
        ("https://127.0.0.1/", Why.PRIVATE),
        ("https://10.0.0.8/", Why.PRIVATE),
        ("https://169.254.169.254/latest/meta-data", Why.PRIVATE),
        ("https://[::1]/", Why.PRIVATE),
        ("https://[::ffff:10.0.0.1]/", Why.PRIVATE),
        ("https://[64:ff9b::a00:1]/", Why.PRIVATE),
        # Spellings that some resolvers take for 127.0.0.1, and people never write.
        ("https://2130706433/", Why.NOT_AN_ADDRESS),
        ("https://0x7f000001/", Why.NOT_AN_ADDRESS),
        ("https://0x7f.1/", Why.NOT_AN_ADDRESS),
        ("https://0177.0.0.1/", Why.NOT_AN_ADDRESS),
        ("https://127.1/", Why.NOT_AN_ADDRESS),
        ("https://127.0.0.1./", Why.PRIVATE),
        ("https://１２７.０.０.１/", Why.PRIVATE),
        ("https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", Why.PRIVATE),
    ],
)
def test_what_can_never_be_asked_is_refused_with_its_reason(url: str, because: Why) -> None:
    with pytest.raises(UnfitAddress) as refusal:
        outgoing.target(url)

    assert refusal.value.why is because


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://hooks.example.com", "hooks.example.com", 443, "/"),
        ("HTTPS://Hooks.Example.COM./a/b?c=d%20e", "hooks.example.com", 443, "/a/b?c=d%20e"),
        ("https://hooks.example.com:8443/é", "hooks.example.com", 8443, "/%C3%A9"),
        ("https://bücher.example/x", "xn--bcher-kva.example", 443, "/x"),
        ("https://93.184.215.14/x", "93.184.215.14", 443, "/x"),
        ("https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/x", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", 443, "/x"),
    ],
)
def test_an_ordinary_address_is_read_as_people_mean_it(url: str, host: str, port: int, path: str) -> None:
    assert outgoing.target(url) == outgoing.Target("https", host, port, path)


def test_plain_http_is_for_a_demo_and_for_loopback_only(on_this_machine: None) -> None:
    assert outgoing.target("http://127.0.0.1:5000/hook").port == 5000
    with pytest.raises(UnfitAddress):
        outgoing.target("http://93.184.215.14/hook")
    with settings.use(env=settings.Env.PRODUCTION), pytest.raises(UnfitAddress) as refusal:
        outgoing.target("http://127.0.0.1:5000/hook")
    assert refusal.value.why is Why.NOT_HTTPS


# --- Addresses as the name server tells them

NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104  # nothing listens here
    "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1",
    "100::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1", "3fff::1", "5f00::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "4000::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.255",
          "2606:4700:4700::1111", "2a00:1450:400e:80c::200e", "2001:200::1"]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_a_name_that_leads_to_a_private_or_reserved_address_is_not_asked(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, [address])

    assert not outgoing.is_public(ip_address(address))
    assert await why("https://hooks.example.com/") is Why.PRIVATE


@pytest.mark.parametrize("address", PUBLIC)
def test_ordinary_addresses_are_public(address: str) -> None:
    assert outgoing.is_public(ip_address(address))


async def test_one_private_address_among_public_ones_spoils_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["93.184.215.14", "10.0.0.1"])

    assert await why("https://hooks.example.com/") is Why.PRIVATE


async def test_a_zone_does_not_make_a_link_local_address_public(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["fe80::1%eth0"])

    assert await why("https://hooks.example.com/") is Why.PRIVATE


async def test_a_name_that_nobody_knows_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await why("https://nobody.invalid/") is Why.UNKNOWN_HOST
    resolving(monkeypatch, [])
    assert await why("https://hooks.example.com/") is Why.UNKNOWN_HOST


async def test_a_second_answer_of_the_name_server_changes_nothing(
    server: Receiver, on_this_machine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: harmless when judged, private when connected. The name is asked once, and the connection goes where was judged."""
    asked = resolving(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])

    answer = await send(f"http://rebinding.example:{server.port}/hook")

    assert answer.status == 204
    assert asked == ["rebinding.example"]
    assert server.received[0].headers["host"] == f"rebinding.example:{server.port}"


async def test_without_leave_nothing_is_even_connected(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["127.0.0.1"])

    assert await why(f"https://hooks.example.com:8443/{server.port}") is Why.PRIVATE
    with settings.use(outgoing_ports=str(server.port)):
        assert await why(f"https://hooks.example.com:{server.port}/") is Why.PRIVATE
        assert await why(f"http://hooks.example.com:{server.port}/") is Why.PRIVATE
    assert server.connections == 0


async def test_leave_for_one_network_is_no_leave_for_another(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["127.0.0.1"])

    with settings.use(outgoing_networks="10.1.0.0/16, fd00:1::/32"):
        assert await why(f"https://hooks.example.com:{server.port}/") is Why.PRIVATE

    assert server.connections == 0


async def test_with_leave_for_loopback_plain_http_still_goes_nowhere_else(on_this_machine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["93.184.215.14"])

    assert await why("http://hooks.example.com/") is Why.NOT_HTTPS


# --- What is sent, and what is read


async def test_body_and_headers_arrive_as_they_were_given(server: Receiver, on_this_machine: None) -> None:
    server.answers = [Said(200, body=b"thank you")]

    answer = await outgoing.post(
        outgoing.target(f"{server.url}?a=b"),
        '{"naam": "é"}'.encode(),
        {"webhook-id": "msg_1", "content-type": "application/json"},
        within=3,
    )

    assert answer == outgoing.Answer(200, b"thank you", "")
    [came] = server.received
    assert came.line == "POST /hook?a=b HTTP/1.1"
    assert came.body == '{"naam": "é"}'.encode()
    assert came.headers["webhook-id"] == "msg_1"
    assert came.headers["accept-encoding"] == "identity"


async def test_a_redirect_is_an_answer_and_is_not_followed(server: Receiver, on_this_machine: None) -> None:
    server.answers = [Said(302, headers=[("Location", server.url)])]

    assert (await send(server.url)).status == 302
    assert server.connections == 1


async def test_no_proxy_of_the_environment_is_asked(server: Receiver, on_this_machine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")

        assert (await send(server.url)).status == 204

        assert proxy.connections == 0


async def test_of_a_long_answer_only_the_beginning_is_read(server: Receiver, on_this_machine: None) -> None:
    server.answers = [Said(200, headers=[("Content-Length", str(2**40))], body=b"x" * 65536, pieces=200)]

    answer = await send(server.url)

    assert (answer.status, answer.body) == (200, b"x" * outgoing.MOST_READ)


async def test_an_answer_whose_words_never_end_counts_by_its_status(server: Receiver, on_this_machine: None) -> None:
    server.answers = [Said(200, body=b"so", pieces=600, then=0.1)]
    began = time.monotonic()

    answer = await send(server.url)

    assert answer.status == 200
    assert answer.body.startswith(b"soso")
    assert time.monotonic() - began < 10


async def test_retry_after_is_handed_on_as_it_came(server: Receiver, on_this_machine: None) -> None:
    server.answers = [Said(503, headers=[("RETRY-AFTER", "120")])]

    assert (await send(server.url)).retry_after == "120"


async def test_who_does_not_answer_in_time_is_too_slow(server: Receiver, on_this_machine: None) -> None:
    server.answers = [Said(after=30)]

    assert await why(server.url, within=0.3) is Why.TOO_SLOW


async def test_a_name_server_that_does_not_answer_is_not_waited_for(on_this_machine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_host: str, _port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr(outgoing, "look_up", never)

    assert await why("https://hooks.example.com/", within=0.3) is Why.TOO_SLOW


async def test_nobody_at_home(server: Receiver, on_this_machine: None) -> None:
    async with receiver() as gone:
        pass

    assert await why(gone.url) is Why.NO_CONNECTION


async def test_of_several_addresses_the_first_that_is_at_home_is_taken(
    server: Receiver, on_this_machine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, ["::1", "127.0.0.1"])

    assert (await send(f"http://two.example:{server.port}/hook")).status == 204


@pytest.mark.parametrize(
    "raw", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", b"\x16\x03\x01\x00"]
)
async def test_what_is_no_http_is_a_broken_answer(server: Receiver, on_this_machine: None, raw: bytes) -> None:
    server.answers = [Said(raw=raw or b"\n")]

    assert await why(server.url) is Why.BROKEN


async def test_ten_thousand_headers_are_a_broken_answer(server: Receiver, on_this_machine: None) -> None:
    server.answers = [Said(headers=[(f"X-{n}", "y" * 100) for n in range(10_000)])]

    assert await why(server.url) is Why.BROKEN


# --- TLS


@pytest_asyncio.fixture
async def secure() -> AsyncIterator[Receiver]:
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(TLS / "hooks.crt", TLS / "hooks.key")
    async with receiver(trust) as running:
        yield running


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The certificate of the tests is trusted, as a company trusts its own: by SSL_CERT_FILE."""
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "hooks.crt"))
    outgoing._trust.cache_clear()
    yield
    outgoing._trust.cache_clear()


async def test_the_certificate_is_checked_against_the_name_and_not_the_address(
    secure: Receiver, on_this_machine: None, trusting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, ["127.0.0.1"])
    secure.told = lambda came: Said(200, body=came.headers["host"].encode())

    answer = await send(f"https://{NAME}:{secure.port}/hook")

    assert (answer.status, answer.body) == (200, f"{NAME}:{secure.port}".encode())
    assert await why(f"https://other.example.test:{secure.port}/hook") is Why.CERTIFICATE
    assert await why(f"https://127.0.0.1:{secure.port}/hook") is Why.CERTIFICATE


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    secure: Receiver, on_this_machine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    outgoing._trust.cache_clear()
    resolving(monkeypatch, ["127.0.0.1"])

    assert await why(f"https://{NAME}:{secure.port}/hook") is Why.CERTIFICATE
    assert secure.received == []


async def test_a_port_that_speaks_no_tls_gets_nothing_to_read(
    server: Receiver, on_this_machine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, ["127.0.0.1"])

    assert await why(f"https://{NAME}:{server.port}/hook", within=0.5) is Why.TOO_SLOW
    assert server.received == []
