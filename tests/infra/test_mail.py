"""Mails are queued with their cause, leave once, and look the same whenever they are sent."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any
from uuid import UUID

import pytest

from partner_portal.infra import db, files, mail, mail_message, outbox, settings, smtp, tokens
from partner_portal.infra.brand import Brand
from partner_portal.mailcatcher.catcher import Catcher
from partner_portal.mailcatcher.receiving import Failure
from tests import letters
from tests.infra.conftest import NOORD, ZUID, as_tenant

TO = "marit@korenbloem.example.com"


async def queued(
    key: str = "case 42", *, to: str = TO, name: str = "terminations/scheduled", envelope: mail.Envelope = mail.PLAIN, **other: Any
) -> Any:
    """The mail, queued in a unit of work of its own."""
    async with db.unit_of_work(as_tenant()):
        return await mail.queue(key, name, to=to, language="nl", envelope=envelope, **letters.words("nl", **other))


async def deliver(mail_id: UUID, principal: db.Principal | None = None) -> None:
    async with db.unit_of_work(principal or as_tenant()):
        await mail.deliver(mail_id)


async def test_a_queued_mail_leaves_and_bears_what_was_said(catcher: Catcher) -> None:
    assert await queued() is not None
    assert await outbox.drain() == 1
    (seen,) = catcher.mailbox.mails(TO)
    assert seen.subject == "Bevestigd: Glasvezel Zakelijk stopt op 15 december 2026 (NRD-2026-0042)"
    assert seen.sender == "Noord ICT via Kadetel <portal@kadetel.example.com>"
    assert seen.reply_to == "service@noord-ict.example.com"
    headers = message_from_bytes(catcher.mailbox.raw(seen.id), policy=policy.default)
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Content-Language"] == "nl"
    assert headers.get_content_type() == "multipart/alternative"
    assert "EUR 536,45 incl. btw" in seen.text
    assert "EUR&nbsp;536,45 incl. btw" in seen.html, "an amount stays on one line"


async def test_the_same_key_is_queued_once_and_a_second_delivery_sends_nothing(catcher: Catcher) -> None:
    first = await queued()
    assert await queued() is None
    await outbox.drain()
    await deliver(first)
    assert len(catcher.mailbox.arrivals) == 1


async def test_a_mail_of_work_that_was_rolled_back_is_never_sent(catcher: Catcher) -> None:
    with pytest.raises(RuntimeError, match="after all not"):  # the unit of work rolls back inside
        async with db.unit_of_work(as_tenant()):
            await mail.queue("case 43", "terminations/ended", to=TO, language="nl", **letters.words("nl"))
            raise RuntimeError("after all not")
    assert await outbox.drain() == 0
    assert catcher.mailbox.arrivals == []


async def test_a_mail_sent_again_after_a_lost_answer_is_the_same_mail_and_shown_once(catcher: Catcher) -> None:
    mail_id = await queued()
    catcher.receiver.fail(Failure.HANG_UP)
    with pytest.raises(smtp.MailServerUnavailable):
        await deliver(mail_id)
    await deliver(mail_id)
    first, second = sorted(catcher.mailbox._folder.glob("*.eml"))
    assert first.read_bytes() == second.read_bytes()
    (seen,) = catcher.mailbox.mails(TO)
    assert seen.arrivals == 2
    assert seen.message_id == mail_message.message_id("case 42", "kadetel.example.com")


async def test_a_refusal_for_now_leaves_the_mail_waiting_and_the_next_attempt_succeeds(catcher: Catcher) -> None:
    mail_id = await queued()
    catcher.receiver.fail(Failure.REFUSE_FOR_NOW)
    with pytest.raises(smtp.MailServerUnavailable) as refused:
        await deliver(mail_id)
    assert refused.value.facts == {"code": 451}
    await deliver(mail_id)
    assert len(catcher.mailbox.arrivals) == 1


async def test_a_refusal_for_good_says_so(catcher: Catcher) -> None:
    mail_id = await queued()
    catcher.receiver.fail(Failure.REFUSE_FOR_GOOD)
    with pytest.raises(smtp.MailRefused) as refused:
        await deliver(mail_id)
    assert refused.value.facts == {"code": 550}


@pytest.mark.usefixtures("catcher")
async def test_a_server_that_is_not_there_is_unavailable() -> None:
    mail_id = await queued()
    with settings.use(smtp_url="smtp://127.0.0.1:1?tls=none"), pytest.raises(smtp.MailServerUnavailable):
        await deliver(mail_id)
    with settings.use(smtp_url=""), pytest.raises(smtp.MailServerUnavailable):
        await deliver(mail_id)


async def test_another_tenants_mail_is_not_there(catcher: Catcher) -> None:
    mail_id = await queued()
    with pytest.raises(mail.NoSuchMail):
        await deliver(mail_id, as_tenant(ZUID))
    assert catcher.mailbox.arrivals == []


@pytest.mark.usefixtures("catcher")
async def test_a_mail_belongs_to_a_tenant() -> None:
    async with db.unit_of_work(db.Principal(db.Door.STAFF)):
        with pytest.raises(mail.NobodysMail):
            await mail.queue("nobody's", "terminations/ended", to=TO, language="nl", **letters.words("nl"))


async def test_the_document_on_file_is_what_arrives(catcher: Catcher) -> None:
    async with db.unit_of_work(as_tenant()):
        document = await files.store("confirmation", "opzegbevestiging.pdf", b"%PDF-1.7 as on file", "application/pdf")
    await queued(envelope=mail.Envelope(attach=[mail.Attachment(document.id, "Opzegbevestiging NRD-2026-0042 – kopie.pdf")]))
    await outbox.drain()
    (seen,) = catcher.mailbox.mails(TO)
    (file,) = seen.attachments
    assert file.filename == "Opzegbevestiging NRD-2026-0042 – kopie.pdf"
    assert file.media_type == "application/pdf"
    assert bytes.fromhex(file.sha256) == document.sha256


@pytest.mark.parametrize(
    ("written", "arrives_at"),
    [
        ("zoë@bäckerei.example", "zoë@xn--bckerei-5wa.example"),
        ("info@bäckerei.example", "info@xn--bckerei-5wa.example"),
        ("  Jan+test@Example.COM ", "Jan+test@example.com"),
    ],
)
async def test_addresses_of_any_script_are_reached(catcher: Catcher, written: str, arrives_at: str) -> None:
    await queued(to=written)
    await outbox.drain()
    assert catcher.mailbox.arrivals[0].recipients == (arrives_at,)


@pytest.mark.usefixtures("catcher")
@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "jan",
        "jan@",
        "@example.com",
        "jan@example.com\r\nBcc: piet@example.com",
        "jan piet@example.com",
        "a@b@c.example.com",
        "jan@localdomain",
        "<jan@example.com>",
        f"{'j' * 65}@example.com",
        "jan..piet@example.com",
        ".jan@example.com",
        "jan,piet@example.com",
        f"jan@{'a' * 64}.example.com",
        'j"an@example.com',
        "jan@exa mple.com",
    ],
)
async def test_what_can_be_no_address_is_refused_before_it_is_queued(wrong: str) -> None:
    with pytest.raises(mail_message.NotAnAddress):
        await queued(to=wrong)


async def test_no_name_can_add_a_header(catcher: Catcher) -> None:
    nasty = "Noord\r\nBcc: piet@example.com\r\n\r\n<script>"
    brand = Brand(name=nasty, email="service@noord-ict.example.com")
    await queued(brand=brand, lines=[letters.line("nl", service="Glas\nBcc: piet@example.com")])
    await outbox.drain()
    (seen,) = catcher.mailbox.mails()
    headers = message_from_bytes(catcher.mailbox.raw(seen.id), policy=policy.default)
    assert headers["Bcc"] is None
    assert catcher.mailbox.arrivals[0].recipients == (TO,)
    assert seen.subject.startswith("Bevestigd: Glas Bcc: piet@example.com stopt op")
    assert headers["From"].addresses[0].display_name == "Noord Bcc: piet@example.com <script> via Kadetel"


async def test_a_secret_is_filled_in_where_the_portal_put_it_and_nowhere_else(catcher: Catcher) -> None:
    mine, other = UUID(int=7), UUID(int=8)
    link = f"https://portal.example.com/confirm/{tokens.placeholder('token', mine)}"
    typed = f"Kijk: {tokens.placeholder('token', other)} {tokens.placeholder('code', mine, 1)}"
    mail_id = await queued(name="terminations/case_refused", link=link, reason=typed, reader="partner")
    async with db.unit_of_work(as_tenant()):
        row = await db.fetch_one("SELECT text, html FROM infra_mail WHERE id = $1", mail_id)
    assert row is not None
    assert tokens.token(mine) not in row["text"] + row["html"]
    await outbox.drain()
    (seen,) = catcher.mailbox.mails(TO)
    for said in (seen.text, seen.html):
        assert f"/confirm/{tokens.token(mine)}" in said
        assert tokens.token(other) not in said
        assert tokens.code(mine, 1) not in said


async def test_very_long_names_fit_in_lines_that_mail_servers_take(catcher: Catcher) -> None:
    long = "Stichting Samenwerkingsverband Ångström & Zonen voor Duurzame Telecommunicatie " * 2
    await queued(brand=Brand(name=long.strip(), email="s@noord-ict.example.com"), lines=[letters.line("nl", service=long * 3)])
    await outbox.drain()
    raw = catcher.mailbox.raw(catcher.mailbox.mails()[0].id)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert "Ångström" in catcher.mailbox.mails()[0].sender


async def test_without_a_partner_between_the_provider_signs_alone(catcher: Catcher) -> None:
    await queued(brand=Brand(name=letters.PROVIDER, email="hallo@kadetel.example.com"))
    await outbox.drain()
    (seen,) = catcher.mailbox.mails()
    assert seen.sender == "Kadetel <portal@kadetel.example.com>"
    assert "namens" not in seen.text


def test_the_servers_address_says_how_to_reach_it() -> None:
    assert smtp.Server.of("smtp://us%40er:p%3Aw@mail.example.com:587?tls=starttls") == smtp.Server(
        "mail.example.com", 587, "us@er", "p:w", "starttls"
    )
    assert smtp.Server.of("smtp://mail.example.com?tls=implicit").port == 465
    assert smtp.Server.of("smtp://mail.example.com").port == 25


@pytest.mark.usefixtures("catcher")
async def test_the_wording_of_a_mail_is_on_file_with_it() -> None:
    mail_id = await queued()
    async with db.unit_of_work(as_tenant(NOORD)):
        row = await db.fetch_one("SELECT template_version, sent_at FROM infra_mail WHERE id = $1", mail_id)
    assert row is not None
    assert row["template_version"] == mail.version("terminations/scheduled", "nl")
    assert row["sent_at"] is None
    await outbox.drain()


async def test_answers_go_to_the_desk_that_the_envelope_names(catcher: Catcher) -> None:
    await queued(envelope=mail.Envelope(reply_to="finance@kadetel.example.com"))
    await outbox.drain()
    assert catcher.mailbox.mails(TO)[0].reply_to == "finance@kadetel.example.com"


async def test_a_digest_says_how_to_stop_it_by_one_click_and_other_mails_do_not(catcher: Catcher) -> None:
    address = "https://portal.example.com/portal/digest/" + "x" * 120
    await queued("digest 1", to="stop@klant.example.com", envelope=mail.Envelope(unsubscribe=address))
    await queued("case 44")
    await outbox.drain()
    digest, plain = (
        message_from_bytes(catcher.mailbox.raw(catcher.mailbox.mails(to)[0].id), policy=policy.compat32) for to in ("stop@klant", TO)
    )
    assert digest["List-Unsubscribe"] == f"<{address}>", "as it stands, encoded in no way"
    assert digest["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert plain["List-Unsubscribe"] is None


async def test_the_secret_in_the_address_that_stops_a_digest_is_not_on_file(catcher: Catcher) -> None:
    mine = UUID(int=9)
    mail_id = await queued(envelope=mail.Envelope(unsubscribe=f"https://portal.example.com/stop/{tokens.placeholder('token', mine)}"))
    async with db.unit_of_work(as_tenant()):
        row = await db.fetch_one("SELECT unsubscribe FROM infra_mail WHERE id = $1", mail_id)
    assert row is not None
    assert tokens.token(mine) not in row["unsubscribe"]
    await outbox.drain()
    assert tokens.token(mine) in catcher.mailbox.raw(catcher.mailbox.mails(TO)[0].id).decode()


async def test_a_picture_of_the_brand_travels_in_the_mail_beside_the_files(catcher: Catcher) -> None:
    async with db.unit_of_work(as_tenant()):
        picture = await files.store("logo", "logo.png", b"\x89PNG picture", "image/png")
        letter = await files.store("confirmation", "bevestiging.pdf", b"%PDF-1.7", "application/pdf")
    brand = Brand(name="Noord ICT", email="service@noord-ict.example.com", logo=picture.id)
    await queued(brand=brand, envelope=mail.Envelope(attach=[mail.Attachment(letter.id, "bevestiging.pdf")]))
    await outbox.drain()
    message = message_from_bytes(catcher.mailbox.raw(catcher.mailbox.mails(TO)[0].id), policy=policy.default)
    shown = next(part for part in message.walk() if part["Content-ID"])
    assert (shown["Content-ID"], shown.get_content_disposition(), shown.get_content()) == ("<logo>", "inline", b"\x89PNG picture")
    assert 'src="cid:logo"' in next(part for part in message.walk() if part.get_content_type() == "text/html").get_content()
    assert [part.get_filename() for part in message.iter_attachments()] == ["bevestiging.pdf"]


async def test_the_mails_about_a_thing_are_found_with_what_became_of_them(catcher: Catcher) -> None:
    case, other = UUID(int=42), UUID(int=43)
    await queued("42:1", envelope=mail.Envelope(about=case))
    await outbox.drain()
    catcher.receiver.fail(Failure.REFUSE_FOR_GOOD)
    await queued("42:2", envelope=mail.Envelope(about=case))
    await outbox.drain()
    await queued("42:3", envelope=mail.Envelope(about=case))
    await queued("43:1", envelope=mail.Envelope(about=other))
    async with db.unit_of_work(as_tenant()):
        found = await mail.about(case)
    async with db.unit_of_work(as_tenant(ZUID)):
        assert await mail.about(case) == []
    assert [(posted.key, posted.sent_at is not None, posted.given_up) for posted in found] == [
        ("42:1", True, False),
        ("42:2", False, True),
        ("42:3", False, False),
    ]


async def test_a_mail_is_repeated_word_for_word_as_a_mail_of_its_own_and_not_without_end(catcher: Catcher) -> None:
    first = await queued("42:1", envelope=mail.Envelope(about=UUID(int=42)))
    await outbox.drain()

    async def again(mail_id: UUID) -> bool:
        async with db.unit_of_work(as_tenant()):
            return await mail.repeat(mail_id)

    assert await again(first)
    assert not await again(first), "the one before is still on its way"
    await outbox.drain()
    one, two = catcher.mailbox.mails(TO)
    assert (one.subject, one.text, one.html) == (two.subject, two.text, two.html)
    assert one.message_id != two.message_id
    for _time in range(mail.MOST_REPEATS - 1):
        assert await again(first)
        await outbox.drain()
    with pytest.raises(mail.RepeatedEnough):
        await again(first)
    with pytest.raises(mail.NoSuchMail):
        async with db.unit_of_work(as_tenant(ZUID)):
            await mail.repeat(first)
