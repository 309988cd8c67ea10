"""Writing on these pages: it leaves like any other mail, as oneself, with its files, in its thread."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from domains.errors import Invalid, LimitReached
from domains.models import DlpRule, Mailbox
from domains.services import policies
from domains.services.aliases import add_alias
from domains.services.domain_settings import update_domain
from domains.services.throttles import set_throttle
from gateway import content
from gateway.models import Attachment, Content, Message, QueueItem, Recipient
from gateway.services import attachments
from gateway.services.origins import origin_of
from gateway.services.routes import create_route
from gateway.services.writing import Draft, send_mail
from tests.domains.factories import make_delegate, make_mailbox_in
from tests.gateway.factories import held_for, spam
from tests.gateway.intake.test_intake import served
from tests.gateway.outgoing.test_dkim import leaving, signing, verified
from tests.gateway.queue.conftest import reacher, run_until
from tests.smtp_server import Behaviour, running_server

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()
ClientFor = Callable[[User | None], Client]


@pytest.fixture
def ada(db: None) -> Mailbox:
    return make_mailbox_in(served(), "ada", first_name="Ada", last_name="Okafor")


def own(box: Mailbox) -> Actor:
    assert box.user is not None
    return Actor.for_user(box.user, address="192.0.2.9")


def read(raw: bytes) -> email.message.EmailMessage:
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, email.message.EmailMessage)
    return found


@pytest.mark.django_db(transaction=True)
def test_a_mail_written_on_the_page_arrives_signed_with_its_file(client_for: ClientFor) -> None:
    domain = served()
    signing(domain, "rsa", "ed25519")
    box = make_mailbox_in(domain, "ada")
    add_alias(SYSTEM, box, email="lovelace@example.org")
    client = client_for(box.user)
    with running_server(Behaviour()) as server:
        create_route(SYSTEM, {"pattern": "*@far.example", "kind": "relay", "target": f"127.0.0.1:{server.port}"})
        page = client.post("/mail/write/", {"more": SimpleUploadedFile("plan.txt", b"the plan\n", "text/plain")})
        uid = str(Attachment.objects.get().pk)
        assert page.status_code == 200 and uid in page.content.decode() and not Message.objects.exists()
        fields = {
            "author": "lovelace@example.org", "to": "Bob <bob@far.example>", "bcc": "eve@far.example",
            "subject": "The plan", "text": "See there.", "files": uid, "send": "1",
        }  # fmt: skip
        sent = client.post("/mail/write/", fields)
        assert sent.status_code == 303 and sent["Location"].startswith("/messages/")
        run_until(lambda: bool(server.mails), reacher(server.port))
    raw = (server.mails[0].replace("\n", "\r\n") + "\r\n").encode()
    assert verified(raw) == [("example.org", "rsa"), ("example.org", "ed25519")]
    assert b"eve@" not in raw and b"with HTTP id" in raw and b"from [" not in raw
    mail = read(raw)
    assert "lovelace@example.org" in mail["From"] and mail["To"] == "Bob <bob@far.example>"
    (file,) = mail.iter_attachments()
    assert file.get_filename() == "plan.txt" and file.get_content() == "the plan\n"
    assert not Attachment.objects.exists()
    again = client.post("/mail/write/", fields)  # a second click: the file is gone, and nothing goes without it
    assert again.status_code == 422 and "no longer here" in again.content.decode()
    odd = client.post("/mail/write/", fields | {"files": "-" * 36})
    assert odd.status_code == 422 and Message.objects.filter(door="console").count() == 1
    passport = client.get(sent["Location"]).content.decode()
    assert "Signed with DKIM for example.org (rsa, ed25519)" in passport and "written here" in passport
    assert AuditEvent.objects.get(action="mail.send").details["recipients"] == 2


def test_an_answer_quotes_what_it_answers_and_stands_in_its_thread(ada: Mailbox, client_for: ClientFor) -> None:
    row = held_for(ada, raw=spam("Dinner?", sender="bob@friends.example", name="Bob", body="Shall we\n> meet?\n"))
    page = client_for(ada.user).get(f"/mail/write/?reply={row.message.key}").content.decode()
    assert "Re: Dinner?" in page and "Bob &lt;bob@friends.example&gt;" in page
    assert "Bob wrote:\n&gt; Shall we\n&gt;&gt; meet?" in page
    origin = origin_of(own(ada), row.message.key)
    send_mail(own(ada), Draft(to="bob@friends.example", subject=origin.reply_subject, text="Yes", origin=origin))
    mail = read(leaving()[-1])
    assert mail["In-Reply-To"] == mail["References"] == origin.message_id != ""
    other = make_mailbox_in(ada.domain, "ben")
    for who in (own(other), Actor.for_user(make_delegate(ada.domain))):
        with pytest.raises(Http404):
            origin_of(who, row.message.key)


def test_nobody_writes_as_somebody_else_or_where_their_domain_forbids_it(ada: Mailbox) -> None:
    with pytest.raises(Invalid, match="may not write as") as refused:
        send_mail(own(ada), Draft(to="x@far.example", author="ben@example.org"))
    assert refused.value.field == "author"
    acting = Actor.for_user(make_delegate(ada.domain)).acting_as(ada.user, "help")  # type: ignore[arg-type]
    with pytest.raises(Forbidden):
        send_mail(acting, Draft(to="x@far.example"))
    update_domain(SYSTEM, ada.domain, {"end_user_rights": ["sign_in"]})
    with pytest.raises(Forbidden):
        send_mail(own(ada), Draft(to="x@far.example"))
    with pytest.raises(Forbidden):
        attachments.add_attachment(own(ada), name="a", data=b"x")


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (Draft(), "to"),
        (Draft(to="nonsense"), "to"),
        (Draft(to="a@far.example", cc="nobody@example.org"), "cc"),
        (Draft(to=", ".join(f"a{n}@far.example" for n in range(300))), "to"),
        (Draft(to="a@far.example", bcc="b c@far.example"), "bcc"),
    ],
)
def test_what_cant_go_is_said_at_its_field_and_nothing_is_sent(ada: Mailbox, draft: Draft, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        send_mail(own(ada), draft)
    assert refused.value.field == field and not Message.objects.exists()


def test_it_is_judged_and_throttled_like_all_outgoing_mail(ada: Mailbox) -> None:
    DlpRule.objects.create(domain=ada.domain, identifier="plan", expression="secret plan", targets_content=True)
    sent = send_mail(own(ada), Draft(to="x@far.example", text="The secret plan"))
    row = Recipient.objects.get(message=sent)
    assert (row.category, row.state) == ("dlp", "held") and not QueueItem.objects.exists()
    assert ada.domain.default_policy is not None
    policies.update_policy(SYSTEM, ada.domain.default_policy, {"outgoing": False})
    assert Recipient.objects.get(message=send_mail(own(ada), Draft(to="x@far.example"))).state == "refused"
    limits = {"max_messages": 1, "max_message_bytes": None}
    set_throttle(SYSTEM, ada.domain, direction="outbound", period_s=600, limits=limits)
    send_mail(own(ada), Draft(to="x@far.example, y@far.example"))  # more than it allows: then nothing for the period
    with pytest.raises(LimitReached):
        send_mail(own(ada), Draft(to="x@far.example"))


def test_mail_to_people_of_ours_comes_in_for_them(ada: Mailbox) -> None:
    ben = make_mailbox_in(ada.domain, "ben")
    send_mail(own(ada), Draft(to=ben.address, text="Hello"))
    rows = [(row.direction, row.mailbox, row.state) for row in Recipient.objects.order_by("direction")]
    assert rows == [("incoming", ben, "queued"), ("outgoing", ada, "delivered")]


def test_files_are_ones_own_limited_and_gone_after_a_day(ada: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    big = attachments.add_attachment(own(ada), name="../../etc/a\u202eb.pdf", data=b"x" * 700_000)
    assert (big.name, big.content_type) == ("ab.pdf", "application/pdf")
    other = own(make_mailbox_in(ada.domain, "ben"))
    with pytest.raises(Http404):
        attachments.get_attachment(other, big.pk)
    with pytest.raises(Forbidden):
        attachments.delete_attachment(other, big)
    kind = attachments.add_attachment(own(ada), name="x", data=b"", content_type="multipart/mixed; boundary=x")
    assert kind.content_type == "application/octet-stream"
    monkeypatch.setattr(attachments, "MOST_WAITING", 2)
    with pytest.raises(LimitReached):
        attachments.add_attachment(own(ada), name="c", data=b"")
    monkeypatch.setattr(attachments, "MOST_BYTES", 10)
    with pytest.raises(Invalid):
        attachments.add_attachment(own(ada), name="c", data=b"x" * 11)
    with pytest.raises(Invalid) as refused:
        send_mail(own(ada), Draft(to="x@far.example", files=(big, kind)))
    assert refused.value.field == "files"
    old = timezone.now() - timedelta(hours=25)
    Content.objects.update(created_at=old)
    assert content.sweep() == 0
    Attachment.objects.filter(pk=big.pk).update(created_at=old)
    assert attachments.sweep() == 1 and content.sweep() == 1
    assert list(Attachment.objects.all()) == [kind]


def test_a_test_message_shows_what_the_rules_make_of_it_and_goes_to_ones_own_domains_only(
    ada: Mailbox, client_for: ClientFor
) -> None:
    client = client_for(make_delegate(ada.domain))
    fields = {"to": ada.address, "subject": "Is the relay awake?", "with_virus": "on"}
    sent = client.post("/gateway/test-message/", fields)
    row = Recipient.objects.select_related("message").get()
    assert sent.status_code == 303 and sent["Location"] == f"/messages/{row.pk}/"
    assert (row.direction, row.state, row.message.door, row.mailbox) == ("incoming", "queued", "console", ada)
    assert row.message.facts["attachments"][0]["names"] == ["EICAR.COM"]
    other = make_mailbox_in(served("other.example"), "eve")
    assert client.post("/gateway/test-message/", {"to": other.address}).status_code == 422
    assert client.post("/gateway/test-message/", {"to": "nobody@example.org"}).status_code == 422
    assert Message.objects.count() == 1
