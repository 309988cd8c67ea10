"""Quarantine by a shell and by tasks: listing, releasing, deleting, and misjudged mail sent to the filters' keepers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.actors import Actor
from accounts.models import AuditEvent, OptionValue, User
from accounts.permissions import Level
from archive.services.access import open_archive
from domains.models import Mailbox
from gateway.keeping.moving import Patience, keep_waiting
from gateway.models import QueueItem, Recipient, Step
from gateway.quarantine_commands import DELETE, LIST, RELEASE, HandleArguments, ListArguments
from gateway.spamfight_commands import CLEAN, SPAM, SpamfightArguments
from jobs.errors import BadArguments
from jobs.services import run_here, submit
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.gateway.digests.mails import queued
from tests.gateway.factories import held_for, spam

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(db: None) -> Mailbox:
    return make_mailbox_in(make_domain("example.org"), "ada")


def ran(actor: Actor, name: str, arguments: object) -> dict[str, Any]:
    task = run_here(actor, name, arguments)
    assert task.state == "completed", task.error
    result: dict[str, Any] = task.result or {}
    return result


def test_quarantine_is_listed_released_and_deleted_from_a_shell(ada: Mailbox) -> None:
    first, second = held_for(ada, raw=spam("The first")), held_for(ada, raw=spam("The second", sender="x@shop.example"))
    held_for(make_mailbox_in(make_domain("example.net"), "eve"))
    out = io.StringIO()
    call_command("invoke", "--", LIST, "--recipient", "@example.org", "--json", stdout=out)
    listed = json.loads(out.getvalue())
    messages = listed.get("result", listed)["messages"]
    assert [each["subject"] for each in messages] == ["The second", "The first"]
    assert messages[1]["from"] == "prizes@lottery.example" and messages[1]["verdict"] == "spam"
    console = Actor.console()
    assert len(ran(console, LIST, ListArguments(sender="x@shop.example"))["messages"]) == 1
    assert ran(console, LIST, ListArguments(limit=1))["more"] is True
    assert ran(console, LIST, ListArguments(verdict="virus"))["messages"] == []
    looked = ran(console, RELEASE, HandleArguments([str(first.pk)], dry_run=True))
    assert len(looked["done"]) == 1 and not QueueItem.objects.exists()
    done = ran(console, RELEASE, HandleArguments([str(first.pk)], reason="It is a bill"))
    assert done["done"][0]["sent_as"] and QueueItem.objects.get().address == ada.address
    assert AuditEvent.objects.get(action="quarantine.release").actor_label.startswith("console:")
    ran(console, DELETE, HandleArguments([second.message.key]))
    assert set(Recipient.objects.filter(mailbox=ada, message__door="mx").values_list("state", flat=True)) == {
        "released", "deleted",
    }  # fmt: skip


def test_what_cannot_be_released_is_named_and_what_is_foreign_is_not_there(ada: Mailbox) -> None:
    person = make_delegate(ada.domain)
    actor = Actor.for_user(person)
    infected, clean = held_for(ada, virus="Eicar"), held_for(ada)
    done = ran(actor, RELEASE, HandleArguments([str(infected.pk), str(clean.pk)]))
    assert [each["id"] for each in done["done"]] == [clean.pk]
    assert "Say why" in done["failed"][0]["reason"]
    foreign = held_for(make_mailbox_in(make_domain("example.net"), "eve"))
    task = run_here(actor, RELEASE, HandleArguments([str(foreign.pk)]))
    assert task.state == "failed" and str(foreign.pk) in task.error
    assert run_here(actor, RELEASE, HandleArguments([])).state == "failed"


def test_misjudged_mail_goes_whole_to_who_keeps_the_filters(ada: Mailbox) -> None:
    raw = spam("Not spam at all", files=[("a.bin", bytes(range(256)))])
    row = held_for(ada, raw=raw)
    assert ada.user is not None
    me = Actor.for_user(ada.user)
    with pytest.raises(BadArguments, match="Nobody has said"):
        submit(me, CLEAN, SpamfightArguments(row.message.key))
    OptionValue.objects.create(
        level=Level.DOMAIN, object_id=ada.domain_id, name="SPAMFIGHT_CLEAN_ADDRESS", value="ham@filters.example"
    )
    result = ran(me, CLEAN, SpamfightArguments(row.message.key))
    assert result["to"] == "ham@filters.example"
    (mail,) = queued("ham@filters.example")
    assert mail["Subject"] == "No spam: Not spam at all" and mail["To"] == "ham@filters.example"
    (attached,) = mail.iter_attachments()
    assert attached.get_content() == raw
    assert Step.objects.get(message=row.message, kind="reported").data["as"] == "clean"
    assert AuditEvent.objects.get(action="quarantine.spamfight").details["to"] == "ham@filters.example"
    with pytest.raises(BadArguments, match="Nobody has said"):
        submit(me, SPAM, SpamfightArguments(row.message.key))


def test_others_mail_is_sent_only_by_who_may_read_it(ada: Mailbox, administrator: User) -> None:
    for name in ("SPAMFIGHT_CLEAN_ADDRESS", "SPAMFIGHT_SPAM_ADDRESS"):
        OptionValue.objects.create(level=Level.SERVER, object_id=0, name=name, value="post@filters.example")
    row, infected = held_for(ada), held_for(ada, virus="Eicar")
    keep_waiting(Patience())
    root = Actor.for_user(administrator)
    arguments = SpamfightArguments(row.message.key, ada.address)
    with pytest.raises(BadArguments, match="may read"):
        submit(root, SPAM, arguments)
    open_archive(root, address=ada.address, reason="They asked me to look")
    assert ran(root, SPAM, arguments)["to"] == "post@filters.example"
    task = run_here(root, SPAM, SpamfightArguments(infected.message.key, ada.address))
    assert task.state == "failed" and "Infected" in task.error
    assert len(queued()) == 1


def test_the_page_offers_it_where_somebody_keeps_the_filters(
    ada: Mailbox, client_for: Callable[[User | None], Client]
) -> None:
    row, mine = held_for(ada), client_for(ada.user)
    assert "Report it to" not in mine.get(f"/quarantine/{row.pk}/").content.decode()
    OptionValue.objects.create(
        level=Level.DOMAIN, object_id=ada.domain_id, name="SPAMFIGHT_CLEAN_ADDRESS", value="ham@filters.example"
    )
    assert "Report it to ham@filters.example as not spam" in mine.get(f"/quarantine/{row.pk}/").content.decode()
    chosen = {"as": "own", "verdict": "clean", "send": "1"}
    done = mine.post(f"/gateway/quarantine/{row.pk}/report/", chosen, follow=True)
    assert "on its way to those who look after the filters" in done.content.decode()
    assert len(queued("ham@filters.example")) == 1
