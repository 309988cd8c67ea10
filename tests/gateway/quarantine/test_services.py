"""Releasing, deleting, allowing, blocking, reporting, asking: who may, and what is true afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core import mail as outbox
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, OptionValue, User
from accounts.permissions import Level
from archive.services.holds import HoldTerms, place_hold
from domains.models import Mailbox
from domains.models import SenderRule as SenderRow
from domains.policy.attachments import AttachmentAction, AttachmentRule, Check
from domains.policy.book import RuleBook
from domains.policy.facts import Direction
from domains.policy.policy import QuarantineProps, RelayProps
from domains.policy.senders import SenderRule, SenderType
from gateway import content, learning
from gateway.errors import BadRelease, NotReleasable, RequestNeeded
from gateway.keeping.expiring import expire_due
from gateway.keeping.moving import Patience, keep_waiting
from gateway.learning import Verdict
from gateway.models import Kept, Message, QueueItem, Recipient, ReleaseRequest, Step
from gateway.release_options import ON_REQUEST, THEMSELVES, Way, way_for
from gateway.services import quarantine, release_requests, sender_marks
from jobs.models import Alert
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.factories import make_administrator
from tests.gateway.factories import HELD, arrive, held_for, spam

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(db: None) -> Mailbox:
    return make_mailbox_in(make_domain("example.org"), "ada")


@pytest.fixture
def desk(ada: Mailbox) -> Actor:
    return Actor.for_user(make_delegate(ada.domain, role="help_desk"))


def own(box: Mailbox) -> Actor:
    assert box.user is not None
    return Actor.for_user(box.user)


def kinds(message: Message) -> list[str]:
    return list(Step.objects.filter(message=message).order_by("pk").values_list("kind", flat=True))


@pytest.mark.parametrize("in_store", [False, True])
def test_a_released_message_is_the_same_bytes_on_their_way_to_the_same_recipient(ada: Mailbox, in_store: bool) -> None:
    raw = spam(files=[("a.bin", bytes(range(256)) * 8000)])
    row = held_for(ada, raw=raw)
    if in_store:
        keep_waiting(Patience())
        assert Kept.objects.get(recipient=row).content_id is None
    sent = quarantine.release(own(ada), row, reason="I know them")
    row.refresh_from_db()
    assert (row.state, row.followed_by, sent.door) == ("released", sent, "release")
    item = QueueItem.objects.get()
    assert (item.address, item.sender, item.subject_prefix) == (ada.address, "bounces@lottery.example", "")
    assert b"".join(content.chunks_of(item.content)) == raw
    assert item.headers == [f"X-Postkeep-Released: {row.message.key}"]
    assert kinds(row.message)[-1] == "released"
    assert kinds(sent) == ["received", "judged"]
    assert (
        "ada@example.org released it"
        in sent.recipients.get().decision["findings"][0]["why"]["data"]["who"] + " released it"
    )
    event = AuditEvent.objects.get(action="quarantine.release")
    assert event.reason == "I know them" and event.details["message"] == row.message.key
    with pytest.raises(NotReleasable, match="already"):
        quarantine.release(own(ada), row)
    assert QueueItem.objects.count() == 1
    quarantine.release(own(ada), row, again=True)
    assert QueueItem.objects.count() == 2


def test_nobody_releases_what_is_foreign_and_the_help_desk_what_is_in_its_domain(ada: Mailbox, desk: Actor) -> None:
    other = make_mailbox_in(make_domain("example.net"), "bob")
    row = held_for(ada)
    for stranger in (own(other), own(make_mailbox_in(ada.domain, "eve"))):
        with pytest.raises(Forbidden):
            quarantine.release(stranger, row)
    with pytest.raises(Forbidden):
        quarantine.release(desk, held_for(other))
    assert quarantine.release(desk, row).door == "release"


def test_infected_mail_needs_its_own_right_and_a_reason_and_never_goes_to_who_it_is_for(
    ada: Mailbox, desk: Actor
) -> None:
    row = held_for(ada, virus="Eicar-Test")
    assert row.category == "virus"
    with pytest.raises(NotReleasable):
        quarantine.release(own(ada), row)
    with pytest.raises(Forbidden):
        quarantine.release(desk, row, reason="they said it is fine")
    administrator = Actor.for_user(make_delegate(ada.domain))
    with pytest.raises(BadRelease):
        quarantine.release(administrator, row)
    quarantine.release(administrator, row, reason="a sample for the laboratory")
    assert "virus" in QueueItem.objects.get().headers[1]
    assert AuditEvent.objects.get(action="quarantine.release").details["infected"] is True


def test_a_blocked_senders_forbidden_file_stays_with_an_administrator(ada: Mailbox) -> None:
    rules = RuleBook(
        [SenderRule(1, SenderType.BLOCK, "bounces@lottery.example", ada.address)],
        [AttachmentRule(2, AttachmentAction.DENY, Check.FILENAME, r"\.exe$")],
    )
    files = [("bill.exe", b"MZ")]
    row = held_for(ada, raw=spam(files=files), score=0.0, book=rules)
    assert row.category == "blocked_sender"  # the worst decides, and people may release that themselves
    assert way_for(row, infected=False) is Way.REQUEST
    with pytest.raises(RequestNeeded):
        quarantine.release(own(ada), row)
    OptionValue.objects.create(level=Level.DOMAIN, object_id=ada.domain_id, name=ON_REQUEST, value=["virus"])
    assert way_for(row, infected=False) is Way.NOT
    plain = held_for(ada, score=0.0, book=rules)
    assert way_for(plain, infected=False) is Way.ITSELF
    allowed = replace(HELD, relay_props=RelayProps(relay_bad_attachments=True))
    relayed = held_for(ada, raw=spam(files=files), score=0.0, book=rules, policy=allowed)
    assert way_for(relayed, infected=False) is Way.ITSELF  # the policy delivers such files


def test_what_people_may_release_themselves_is_the_domains_choice(ada: Mailbox, desk: Actor) -> None:
    OptionValue.objects.create(level=Level.DOMAIN, object_id=ada.domain_id, name=THEMSELVES, value=["advert"])
    row = held_for(ada)
    with pytest.raises(NotReleasable):
        quarantine.release(own(ada), row)
    assert not release_requests.may_request(own(ada), row)
    OptionValue.objects.create(level=Level.DOMAIN, object_id=ada.domain_id, name=ON_REQUEST, value=["spam"])
    with pytest.raises(RequestNeeded):
        quarantine.release(own(ada), row)
    with pytest.raises(BadRelease):
        release_requests.request_release(own(ada), row, why=" ")
    asked = release_requests.request_release(own(ada), row, why="It is a bill")
    assert release_requests.request_release(own(ada), row, why="again").pk == asked.pk
    assert Alert.objects.get(kind=release_requests.ALERT).acknowledged_at is None
    with pytest.raises(Forbidden):
        release_requests.grant(own(ada), asked)
    release_requests.grant(desk, asked, answer="Looks fine")
    row.refresh_from_db()
    asked.refresh_from_db()
    assert (row.state, asked.state, asked.answer) == ("released", "granted", "Looks fine")
    assert kinds(row.message)[-3:] == ["requested", "released", "granted"]
    assert Alert.objects.get(kind=release_requests.ALERT).acknowledged_at is not None
    with pytest.raises(NotReleasable):
        release_requests.decline(desk, asked, answer="too late")


def test_who_asked_reads_why_it_was_declined_and_deleting_ends_the_request(ada: Mailbox, desk: Actor) -> None:
    OptionValue.objects.create(level=Level.DOMAIN, object_id=ada.domain_id, name=THEMSELVES, value=[])
    OptionValue.objects.create(level=Level.DOMAIN, object_id=ada.domain_id, name=ON_REQUEST, value=["spam"])
    first, second = held_for(ada), held_for(ada)
    asked = release_requests.request_release(own(ada), first, why="Please")
    with pytest.raises(BadRelease):
        release_requests.decline(desk, asked, answer="")
    release_requests.decline(desk, asked, answer="This is phishing")
    asked.refresh_from_db()
    assert (asked.state, asked.answer) == ("declined", "This is phishing") and first.state == "held"
    other = release_requests.request_release(own(ada), second, why="Please")
    quarantine.delete(own(ada), second)
    other.refresh_from_db()
    assert other.state == ReleaseRequest.State.ENDED
    assert not outbox.outbox


def test_a_deleted_message_is_gone_for_its_owner_at_once_and_a_hold_keeps_its_bytes(ada: Mailbox) -> None:
    row = held_for(ada)
    keep_waiting(Patience())
    hold = place_hold(Actor.system(), HoldTerms("Ada's", "a lawsuit", mailboxes=[ada]))
    quarantine.delete(own(ada), row, reason="spam")
    row.refresh_from_db()
    assert row.state == "deleted" and kinds(row.message)[-1] == "deleted"
    assert expire_due().staying == 1 and Kept.objects.get().state == "kept"
    with pytest.raises(NotReleasable):
        quarantine.release(own(ada), row, again=True)
    hold.state = hold.State.RELEASED
    hold.save()
    assert expire_due().expired == 1
    row.refresh_from_db()
    assert row.state == "deleted", "its owner deleted it; it did not expire"


def test_allowing_and_blocking_make_rules_that_replace_each_other(ada: Mailbox) -> None:
    row = held_for(ada)
    assert sender_marks.block_sender(own(ada), row) == "prizes@lottery.example"
    assert SenderRow.objects.get().type == "block"
    sender_marks.release_and_allow(own(ada), row)
    rule = SenderRow.objects.get()
    assert (rule.type, rule.value, rule.mailbox, rule.spf_required) == ("allow", "prizes@lottery.example", ada, True)
    sender_marks.allow_sender(own(ada), row)
    assert SenderRow.objects.count() == 1, "allowing twice is allowing"
    again = held_for(ada)
    sender_marks.block_sender(own(ada), again, whole_domain=True, delete=True)
    again.refresh_from_db()
    assert again.state == "deleted" and SenderRow.objects.filter(value="lottery.example", type="block").exists()
    steps = Step.objects.filter(message=row.message, kind__in=("blocked", "allowed"))
    assert [step.data["sender"] for step in steps.order_by("pk")] == ["prizes@lottery.example"] * 3


def test_a_report_is_noted_once_and_infected_mail_is_never_clean(ada: Mailbox) -> None:
    row = held_for(ada)
    quarantine.report(own(ada), row, Verdict.CLEAN)
    quarantine.report(own(ada), row, Verdict.CLEAN)
    assert kinds(row.message).count("reported") == 1
    learning.learn(row.pk, Verdict.CLEAN.value)  # nobody learns here, and nothing breaks
    with pytest.raises(BadRelease):
        quarantine.report(own(ada), held_for(ada, virus="Eicar"), Verdict.CLEAN)


def test_recent_mail_can_be_delivered_again(ada: Mailbox) -> None:
    message = arrive(ada, score=0.0, policy=replace(HELD, retention=True))
    row = message.recipients.get()
    keep_waiting(Patience())
    quarantine.release(own(ada), row)
    row.refresh_from_db()
    assert row.state == "queued" and row.followed_by is not None
    assert QueueItem.objects.count() == 2


def test_each_recipient_of_outgoing_mail_that_was_held_is_released_by_itself(ada: Mailbox) -> None:
    policy = replace(HELD, name="out", outgoing=True, quarantine_props=QuarantineProps(store_virus=True))
    message = arrive(
        ada, to=("a@far.example", "b@far.example"), direction=Direction.OUTGOING, virus="Eicar", sender=ada.address,
        policy=policy,
    )  # fmt: skip
    administrator = Actor.for_user(make_administrator("root@example.org"))
    first, second = message.recipients.select_related("message", "mailbox").order_by("pk")
    quarantine.release(administrator, second, reason="a false alarm")
    assert QueueItem.objects.get().address == "b@far.example"
    quarantine.delete(administrator, first)
    due = Kept.objects.get()
    assert due.until is not None and due.until <= timezone.now()


def test_quarantine_of_a_domain_without_mailboxes_is_its_administrators(ada: Mailbox) -> None:
    row = held_for((ada.domain, "relayed"))
    administrator = Actor.for_user(make_delegate(ada.domain))
    with pytest.raises(Forbidden):
        quarantine.release(own(ada), row)
    quarantine.release(administrator, row)
    item = QueueItem.objects.get()
    assert item.address == "relayed@example.org"
    sender_marks.block_sender(administrator, row)
    assert SenderRow.objects.get().mailbox is None


def test_who_acts_as_somebody_handles_nothing_of_theirs(ada: Mailbox, administrator: User) -> None:
    assert ada.user is not None
    row = held_for(ada)
    acting = Actor.for_user(administrator).acting_as(ada.user, "helping")
    with pytest.raises(Forbidden):
        quarantine.release(acting, row)
    assert Recipient.objects.get().state == "held"
