"""Taking delivered mail out of mailboxes: a real Dovecot, what is recognised, what stays, who may, what is told."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from archive.remote.imap import Imap
from archive.services.profiles import keeping
from domains.models import Mailbox
from gateway.delivery.tracing import received_line
from gateway.models import Message, Recipient, Step
from gateway.remediating.looking import Wanted, is_same
from gateway.services.remediation import NotRemediable, find_recipients, remediate
from jobs.models import Task
from jobs.services import run_waiting
from tests.archive.django.profiles.conftest import open_gate
from tests.archive.django.profiles.ground import server_values
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.dovecot_server import MASTER, MASTER_PASSWORD, Dovecot, needs_dovecot, running_dovecot
from tests.gateway.factories import EVERYTHING, arrive, spam

pytestmark = pytest.mark.django_db
SHARED = """
namespace team {
  type = public
  separator = /
  prefix = Shared/
  location = maildir:~/../public
}
"""
_numbers = itertools.count(1)  # a domain for each test: the server keeps its mailboxes


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot(extra=SHARED) as running:
        yield running


@pytest.fixture(autouse=True)
def gate(settings: Settings, request: pytest.FixtureRequest) -> None:
    if "dovecot" in request.fixturenames:
        open_gate(settings, request.getfixturevalue("dovecot"))


@pytest.fixture
def boxes(db: None) -> list[Mailbox]:
    domain = make_domain(f"remediated{next(_numbers)}.example")
    return [make_mailbox_in(domain, name) for name in ("ada", "bob")]


@pytest.fixture
def reached(boxes: list[Mailbox], dovecot: Dovecot) -> list[Mailbox]:
    """Their mailboxes at the server, and the profile that says how they are reached."""
    for box in boxes:
        dovecot.add_user(box.address)
    values = server_values(
        dovecot, user_name=MASTER, password=MASTER_PASSWORD, login_format="{address}*{master}",
        domains=[boxes[0].domain.name],
    )  # fmt: skip
    keeping.create_profile(Actor.system(), name="All mailboxes", kind="imapUsers", values=values)
    return boxes


@pytest.fixture
def desk(boxes: list[Mailbox]) -> User:
    return make_delegate(boxes[0].domain)


def delivered(*boxes: Mailbox, raw: bytes) -> Message:
    message = arrive(*boxes, raw=raw, score=0.0, policy=EVERYTHING)
    message.recipients.update(state="delivered")
    return message


def with_our_line(message: Message, raw: bytes) -> bytes:
    return f"Return-Path: <x@y.example>\r\n{received_line(message)}\r\n".encode() + raw


@needs_dovecot
def test_it_is_found_in_every_folder_compared_deleted_and_told(
    reached: list[Mailbox], dovecot: Dovecot, desk: User
) -> None:
    ada, bob = reached
    raw = spam("Urgent: your account")
    message = delivered(ada, bob, raw=raw)
    forged = raw.replace(b"Click here.", b"Something else of this Message-ID")
    other = spam("Another message")
    for folder in ("INBOX", "Käse & Wein"):
        dovecot.deliver(ada.address, with_our_line(message, raw), folder=folder)
    dovecot.deliver(ada.address, forged)
    dovecot.deliver(ada.address, other)
    dovecot.deliver(bob.address, raw, folder="Trash")  # without our line: known by what is kept of it
    actor = Actor.for_user(desk)
    rows = find_recipients(actor, message.key)
    looked = remediate(actor, rows, reason="phishing", dry_run=True)
    assert [(each.outcome, len(each.folders)) for each in looked] == [("found", 2), ("found", 1)]
    assert len(dovecot.files(ada.address)) == 3 and not Step.objects.filter(kind="remediated").exists()
    done = remediate(actor, find_recipients(actor, message.message_id), reason="phishing")
    assert [each.outcome for each in done] == ["removed", "removed"]
    inbox = next(each for each in done[0].folders if each["folder"] == "INBOX")
    assert (inbox["same"], inbox["other"], inbox["deleted"]) == (1, 1, 1)
    assert dovecot.files(ada.address, "Käse & Wein") == [] and dovecot.files(bob.address, "Trash") == []
    assert sorted(dovecot.files(ada.address)) == sorted([forged, other])
    step = Step.objects.get(kind="remediated", recipient__mailbox=ada)
    assert step.data["why"] == "phishing" and step.data["copies"] == 2 and step.person == desk
    events = AuditEvent.objects.filter(action="message.remediate").order_by("pk")
    assert [event.details["dry_run"] for event in events] == [True, True, False, False]
    assert events[3].reason == "phishing"
    again = remediate(actor, rows, reason="phishing")
    assert [each.outcome for each in again] == ["differs", "missing"]


@needs_dovecot
def test_a_mailbox_that_cannot_be_opened_is_named_and_the_next_goes_on(
    boxes: list[Mailbox], dovecot: Dovecot, desk: User
) -> None:
    ada, bob = boxes
    values = server_values(dovecot, user_name=ada.address, password="wrong", mailbox=ada.address)
    keeping.create_profile(Actor.system(), name="Ada's", kind="imap", values=values)
    message = delivered(ada, bob, raw=spam())
    actor = Actor.for_user(desk)
    results = remediate(actor, find_recipients(actor, message.key), reason="phishing")
    assert [(each.outcome, each.profile) for each in results] == [("unreachable", "Ada's"), ("no_account", "")]
    assert "Authentication" in results[0].problem or "AUTHENTICATIONFAILED" in results[0].problem
    assert AuditEvent.objects.filter(action="message.remediate").count() == 2


def test_only_who_has_the_right_takes_mail_back_and_only_of_those_they_look_after(
    boxes: list[Mailbox], desk: User
) -> None:
    elsewhere = make_mailbox_in(make_domain("elsewhere.example"), "eve")
    message = delivered(boxes[0], elsewhere, raw=spam())
    assert [row.mailbox for row in find_recipients(Actor.for_user(desk), message.key)] == [boxes[0]]
    theirs = Recipient.objects.get(mailbox=elsewhere)
    helper = Actor.for_user(make_delegate(boxes[0].domain, role="help_desk"))
    owner = boxes[0].user
    assert owner is not None
    for actor in (helper, Actor.for_user(owner)):
        with pytest.raises(NotRemediable):
            find_recipients(actor, message.key)
        with pytest.raises(Forbidden):
            remediate(actor, [Recipient.objects.get(mailbox=boxes[0])], reason="phishing")
    with pytest.raises(Forbidden):
        remediate(Actor.for_user(desk), [theirs], reason="phishing")
    held = arrive(boxes[1], raw=spam("Held"))
    with pytest.raises(NotRemediable):
        find_recipients(Actor.for_user(desk), held.key)


def test_what_only_looks_alike_is_not_the_message() -> None:
    raw = spam("The subject", body="One\nTwo\n")
    wanted = Wanted("<x@y>", ("KEY1",), raw)
    stored = b"Received: from a by b;\r\n now\r\nX-Spam: no\r\n" + raw
    assert is_same(stored, wanted) and is_same(stored.replace(b"\r\n", b"\n"), wanted)
    assert is_same(b"Received: from a by us id KEY1;\r\n\tnow\r\n\r\nquite another body", wanted)
    for change in ((b"Two", b"Three"), (b"The subject", b"Another"), (b"prizes@", b"prices@")):
        assert not is_same(stored.replace(*change), wanted)
    assert not is_same(b"Received: by us id KEY10;\r\n\r\nbody", wanted)
    assert not is_same(stored, Wanted("<x@y>", ("KEY1",), None))
    assert not is_same(b"\xff\xfe", wanted)


@needs_dovecot
def test_it_is_begun_on_the_passport_and_by_a_task_of_the_api(
    reached: list[Mailbox], dovecot: Dovecot, desk: User, client_for: Callable[[User | None], Client]
) -> None:
    ada, _bob = reached
    message = delivered(*reached, raw=(raw := spam()))
    dovecot.deliver(ada.address, with_our_line(message, raw))
    page, row = client_for(desk), Recipient.objects.get(mailbox=ada)
    url = f"/messages/{row.pk}/remove/"
    assert url in page.get(f"/messages/{row.pk}/").content.decode()
    form = page.get(url).content.decode()
    assert "All mailboxes" in form and "all 2 mailboxes that got it" in form
    assert page.post(url, {"whose": "one", "reason": "", "do": "remove"}).status_code == 422
    for do, outcome in (("look", "found"), ("remove", "removed")):
        answer = page.post(url, {"whose": "one", "reason": "phishing", "do": do})
        assert answer.status_code == 303
        task = Task.objects.latest("pk")
        run_waiting(task.pk)
        task.refresh_from_db()
        result: dict[str, Any] = task.result or {}
        assert (task.state, result["counts"]) == ("completed", {outcome: 1}), task.error
        assert ada.address in page.get(answer["Location"]).content.decode()
    assert "Taken out of the mailbox: removed" in page.get(f"/messages/{row.pk}/").content.decode()
    assert dovecot.files(ada.address) == []


def bearing(message_id: str, subject: str) -> bytes:
    """A message with a Message-ID of somebody's choice."""
    lines = spam(subject).split(b"\r\n")
    return b"\r\n".join(
        f"Message-ID: {message_id}".encode() if line.startswith(b"Message-ID:") else line for line in lines
    )


@needs_dovecot
def test_what_lies_in_a_shared_folder_stays(reached: list[Mailbox], dovecot: Dovecot, desk: User) -> None:
    ada, _bob = reached
    message = delivered(ada, raw=(raw := spam()))
    stored = with_our_line(message, raw)
    dovecot.deliver(ada.address, stored)
    dovecot.deliver("public", stored, folder="Team")
    actor = Actor.for_user(desk)
    (result,) = remediate(actor, find_recipients(actor, message.key), reason="phishing")
    assert (result.outcome, result.not_looked_into) == ("removed", 1)
    assert [each["folder"] for each in result.folders] == ["INBOX"]
    assert dovecot.files(ada.address) == [] and dovecot.files("public", "Team") == [stored]
    dovecot.remove_folder("public", "Team")


def test_of_several_messages_of_one_message_id_the_key_says_which(boxes: list[Mailbox], desk: User) -> None:
    ada, bob = boxes
    first = delivered(ada, raw=bearing("<same@x.example>", "Minutes"))
    second = delivered(ada, bob, raw=bearing("<same@x.example>", "Phishing"))
    actor = Actor.for_user(desk)
    with pytest.raises(NotRemediable, match="Several messages bear this Message-ID"):
        find_recipients(actor, "<same@x.example>")
    for message, count in ((first, 1), (second, 2)):
        assert {row.message for row in find_recipients(actor, message.key)} == {message}
        assert len(find_recipients(actor, message.key)) == count


def test_what_a_message_was_released_as_is_the_same_message(boxes: list[Mailbox], desk: User) -> None:
    ada, bob = boxes
    held = delivered(ada, bob, raw=bearing("<held@x.example>", "Held"))
    released = delivered(ada, raw=b"X-Added: yes\r\n" + bearing("<held@x.example>", "Held"))
    held.recipients.filter(mailbox=ada).update(followed_by=released, state="released")
    rows = find_recipients(Actor.for_user(desk), "<held@x.example>")
    assert [(row.message, row.mailbox) for row in rows] == [(held, ada), (held, bob)]


def test_too_many_are_refused_before_any_is_left_out(
    boxes: list[Mailbox], desk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = boxes
    message = delivered(ada, ada, bob, raw=spam())
    assert len(find_recipients(Actor.for_user(desk), message.key)) == 2 < message.recipients.count()
    monkeypatch.setattr("gateway.services.remediation.MOST_RECIPIENTS", 2)
    with pytest.raises(NotRemediable, match="More than"):
        find_recipients(Actor.for_user(desk), message.key)


@needs_dovecot
@pytest.mark.parametrize(("message_id", "has_our_line"), [("@", False), ("<popular@x.example>", True)])
def test_no_crowd_of_other_messages_hides_it(
    reached: list[Mailbox], dovecot: Dovecot, desk: User, message_id: str, has_our_line: bool
) -> None:
    ada, _bob = reached
    raw = bearing(message_id, "Phishing")
    message = delivered(ada, raw=raw)
    crowd = [bearing("<plain@x.example>" if message_id == "@" else message_id, f"Decoy {n}") for n in range(60)]
    for each in crowd[:55]:
        dovecot.deliver(ada.address, each)
    dovecot.deliver(ada.address, with_our_line(message, raw) if has_our_line else raw)
    for each in crowd[55:] * 11:
        dovecot.deliver(ada.address, each)
    actor = Actor.for_user(desk)
    (result,) = remediate(actor, find_recipients(actor, message.key), reason="phishing")
    assert (result.outcome, result.problem) == ("removed", "")
    assert len(left := dovecot.files(ada.address)) == 110 and not any(b"Phishing" in each for each in left)


@needs_dovecot
def test_more_that_look_alike_than_are_compared_are_said(reached: list[Mailbox], dovecot: Dovecot, desk: User) -> None:
    ada, _bob = reached
    message = delivered(ada, raw=bearing("<many@x.example>", "Phishing"))
    for number in range(51):
        dovecot.deliver(ada.address, bearing("<many@x.example>", f"Decoy {number}"))
    actor = Actor.for_user(desk)
    (result,) = remediate(actor, find_recipients(actor, message.key), reason="phishing")
    assert result.outcome == "partly" and "More messages bear its Message-ID" in result.problem
    assert len(dovecot.files(ada.address)) == 51


@needs_dovecot
@pytest.mark.parametrize(("breaks_after", "outcome", "copies"), [(1, "partly", 1), (0, "unreachable", 0)])
def test_what_was_deleted_before_the_connection_broke_is_on_record(
    reached: list[Mailbox], dovecot: Dovecot, desk: User, monkeypatch: pytest.MonkeyPatch,
    breaks_after: int, outcome: str, copies: int,
) -> None:  # fmt: skip
    ada, _bob = reached
    message = delivered(ada, raw=(raw := spam()))
    for folder in ("INBOX", "Work"):
        dovecot.deliver(ada.address, with_our_line(message, raw), folder=folder)
    real, asked = Imap.delete, itertools.count()

    def breaks(client: Imap, uids: list[int]) -> bool:
        if next(asked) == breaks_after:
            client._lines.close()
        return real(client, uids)

    monkeypatch.setattr(Imap, "delete", breaks)
    actor = Actor.for_user(desk)
    (result,) = remediate(actor, find_recipients(actor, message.key), reason="phishing")
    assert (result.outcome, len(result.folders)) == (outcome, copies + 1) and result.problem
    assert result.folders[-1]["problem"] == result.problem
    assert [len(dovecot.files(ada.address, folder)) for folder in ("INBOX", "Work")] == [1 - copies, 1]
    assert Step.objects.get(kind="remediated").data["copies"] == copies
    assert AuditEvent.objects.get(action="message.remediate").details["copies"] == copies
