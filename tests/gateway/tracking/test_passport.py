"""A passport tells the person concerned everything that is known of a message, and nothing of others'."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from archive.models import Store
from archive.services.evidence import checkpoint_now
from config.kit.templatetags.kit import exact_time
from domains.policy.facts import Authentication, AuthResult
from domains.policy.policy import Policy
from domains.policy.rules import RuleKind
from domains.services.rules import create_rule, update_rule
from gateway.filing import file_batch
from gateway.keeping.moving import Patience, keep_waiting
from gateway.models import Kept, Message, Recipient
from gateway.steps import Kind, step
from tests import factories
from tests.domains.factories import make_mailbox_in
from tests.gateway.flows import RAW, file_for, filed, route_to
from tests.stage import Cast

pytestmark = pytest.mark.django_db


def page(client: Client, row: Recipient) -> str:
    return client.get(reverse("gateway:passport", args=[row.pk])).content.decode()


def test_it_says_why_where_from_and_what_happened(cast: Cast, client: Client) -> None:
    box = make_mailbox_in(cast.domain, "ada")
    row = file_for(box, score=9.5)
    step(Kind.ATTEMPT, row.message, row, data={"host": "mx.example.net", "ok": False, "reply": "451 busy"}).save()
    client.force_login(cast.domain_administrator)
    text = page(client, row)
    for said in ("Its spam score is 9.5", "mail.friends.example", "192.0.2.7", "TLSv1.3", "bob@friends.example"):
        assert said in text
    assert "mx.example.net didn&#x27;t take it" in text and "451 busy" in text
    assert "In quarantine" in text or "in quarantine" in text
    assert reverse("gateway:quarantine-item", args=[row.pk]) in text
    assert box.user is not None
    client.force_login(box.user)
    assert reverse("gateway:own-item", args=[row.pk]) in page(client, row)


def test_what_is_broken_in_a_message_is_said_in_words(cast: Cast, client: Client) -> None:
    box = make_mailbox_in(cast.domain, "ada")
    row = file_for(box)
    row.message.facts |= {"bad_headers": ["repeated-from", "missing-date"], "bad_encoding": ["base64"]}
    row.message.save()
    client.force_login(cast.domain_administrator)
    text = page(client, row)
    for said in ("The field From stands there more than once.", "There is no date.", "A part is no correct base64."):
        assert said in text


def test_what_was_released_and_what_it_was_released_from_lead_to_each_other(cast: Cast, client: Client) -> None:
    box = factories.make_mailbox(cast.user)
    held, released = file_for(box, score=9.5), file_for(box)
    Message.objects.filter(pk=released.message_id).update(door=Message.Door.RELEASE)
    Recipient.objects.filter(pk=held.pk).update(followed_by=released.message_id)
    client.force_login(cast.user)
    assert reverse("gateway:passport", args=[released.pk]) in page(client, Recipient.objects.get(pk=held.pk))
    text = page(client, Recipient.objects.get(pk=released.pk))
    assert reverse("gateway:passport", args=[held.pk]) in text
    assert "DMARC" not in text and "not signed" not in text  # nobody outside is proved by what we send on


def test_the_other_recipients_are_told_to_whom_may_follow_them_only(cast: Cast, client: Client) -> None:
    ours, theirs = make_mailbox_in(cast.domain, "ada"), make_mailbox_in(cast.elsewhere, "eve")
    (message,) = file_batch([filed([route_to(ours), route_to(theirs)])])
    row = message.recipients.get(mailbox=ours)
    client.force_login(cast.domain_administrator)
    assert theirs.address not in page(client, row)
    client.force_login(cast.administrator)
    assert theirs.address in page(client, row)


def test_people_see_the_passports_of_their_own_mail_and_of_no_other(cast: Cast, client: Client) -> None:
    own = file_for(factories.make_mailbox(cast.user))
    other = file_for(make_mailbox_in(cast.domain, "ada"))
    client.force_login(cast.user)
    assert "The bridge" in page(client, own)
    assert client.get(reverse("gateway:passport", args=[other.pk])).status_code == 404
    assert "The bridge" in client.get(reverse("gateway:own-mail")).content.decode()
    assert client.get(reverse("gateway:tracking")).status_code == 403


def test_a_list_shows_only_what_one_may_follow(cast: Cast, client: Client) -> None:
    ours, theirs = make_mailbox_in(cast.domain, "ada"), make_mailbox_in(cast.elsewhere, "eve")
    file_for(ours, RAW.replace(b"The bridge", b"Ours-1"))
    file_for(theirs, RAW.replace(b"The bridge", b"Theirs-1"), score=8.0)
    client.force_login(cast.help_desk)
    text = client.get(reverse("gateway:tracking")).content.decode()
    assert "Ours-1" in text and "Theirs-1" not in text
    client.force_login(cast.administrator)
    assert "Ours-1" not in client.get(reverse("gateway:tracking"), {"q": "state:held"}).content.decode()
    found = client.get(reverse("gateway:tracking"), {"q": "to:eve@elsew"}).content.decode()
    assert ("Theirs-1" in found) == theirs.address.startswith("eve@elsew")
    assert "Theirs-1" in client.get(reverse("gateway:tracking"), {"q": f"to:{theirs.address[:8]}"}).content.decode()


def test_a_stored_reason_that_no_version_knows_is_shown_by_its_code(cast: Cast, client: Client) -> None:
    row = file_for(make_mailbox_in(cast.domain, "ada"), policy=Policy())
    finding = {"category": "clean", "action": "deliver", "decides": True, "why": {"code": "of_old", "data": {}}}
    Recipient.objects.filter(pk=row.pk).update(decision={"findings": [finding]})
    client.force_login(cast.administrator)
    assert "of_old" in page(client, row)


def test_a_rule_is_shown_as_it_was_when_the_message_came(cast: Cast, client: Client) -> None:
    creator, later = Actor.for_user(cast.domain_administrator), Actor.for_user(cast.administrator)
    rule = create_rule(creator, RuleKind.SENDER, cast.domain, {"type": "allow", "value": "friends.example"})
    row = file_for(make_mailbox_in(cast.domain, "ada"), policy=Policy())
    Message.objects.filter(pk=row.message_id).update(received_at=timezone.now())
    why = {"code": "sender_allowed", "data": {"piece": "friends.example"}}
    finding = {"category": "clean", "decides": True, "why": why, "rule": {"kind": "sender", "id": rule.pk}}
    Recipient.objects.filter(pk=row.pk).update(decision={"findings": [finding]})
    client.force_login(cast.domain_administrator)
    text = page(client, row)
    assert f"changed by {cast.domain_administrator}" in text and "changed again" not in text
    update_rule(later, rule, {"description": "Nobody asked"})
    text = page(client, row)
    assert f"changed by {cast.domain_administrator}" in text and "changed again since this message" in text


def test_it_tells_the_chain_the_links_and_where_what_is_kept_lies(cast: Cast, client: Client) -> None:
    known = Authentication(arc=AuthResult.PASS, arc_domains=("relay.example",))
    html = RAW.replace(b"\r\n\r\n", b"\r\n\r\nhttps://bridge.example/a https://bridge.example/b ", 1)
    one = filed([route_to(make_mailbox_in(cast.domain, "ada"))], html)
    facts = replace(one.inspection.facts, authentication=known)
    (message,) = file_batch([replace(one, inspection=replace(one.inspection, facts=facts))])
    row = message.recipients.get()
    Kept.objects.filter(recipient=row, folder="Archive").update(store_id=7, number=41, sha256=b"\xab" * 32)
    client.force_login(cast.domain_administrator)
    text = page(client, row)
    assert "relay.example" in text and text.count("bridge.example") == 1
    assert "Message 41 of store 7" in text and "ab" * 32 in text


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"virus_scanner": "none"}, "not looked for: no virus scanner is set"),
        ({"virus_scanner": "clamd"}, "none, says clamd"),
        ({"virus_scanner": "clamd", "missing": ("clamd",)}, "not looked for: clamd gave no answer"),
    ],
)
def test_it_says_whether_anybody_looked_for_viruses(
    cast: Cast, client: Client, found: dict[str, object], said: str
) -> None:
    one = filed([route_to(make_mailbox_in(cast.domain, "ada"))])
    (message,) = file_batch([replace(one, inspection=replace(one.inspection, **found))])  # type: ignore[arg-type]
    client.force_login(cast.domain_administrator)
    assert said in page(client, message.recipients.get())


def test_it_shows_the_archives_proof_to_who_may_follow_and_the_way_to_check_it_to_who_may_read(
    cast: Cast, client: Client
) -> None:
    box = make_mailbox_in(cast.domain, "ada")
    row = file_for(box)
    while keep_waiting(Patience()):
        pass
    kept = row.kept.get(folder="Archive")
    assert kept.store_id is not None
    store = Store.objects.get(pk=kept.store_id)
    client.force_login(cast.domain_administrator)
    text = page(client, row)
    assert f"of the store “{store.name}”" in text and "Not signed yet" in text
    signed, _is_new = checkpoint_now(Actor.system(), store)
    text = page(client, row)
    assert "Signed by this server" in text and exact_time(signed.made_at) in text and "Check the proof" not in text
    assert box.user is not None
    client.force_login(box.user)
    way = reverse("archive:message-proof", args=[f"{store.pk}:{kept.number}"])
    assert way in page(client, row) and client.get(way).status_code == 200
