"""Moving messages to another folder of their archive: by who may, never out of a hold, over several stores."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from archive import engines
from archive.errors import ArchiveClosed, BadArguments, FolderProtected, FolderRefused, FolderUnknown, MessageUnknown
from archive.models import LegalHold, Store, StoreState
from archive.services import folder_notes
from archive.services.message_moves import MOST, move_messages, plan_move
from archive.services.sharing import set_folder_privileges
from archive.services.stores import create_store
from archive.store import Ingest
from archive.store.contract import bring_index, check_invariants
from domains.models import Mailbox
from tests.archive.django.factories import archive, folder_of, make_raw
from tests.archive.django.test_folders import actor_of, finds, shown
from tests.factories import make_mailbox, make_user
from tests.stage import Cast

SYSTEM = Actor.system()
ClientFor = Callable[..., Client]


@pytest.fixture
def mailbox(cast: Cast) -> Mailbox:
    return Mailbox.objects.get(user=cast.user)


@pytest.fixture
def ids(cast: Cast, mailbox: Mailbox) -> list[str]:
    """Two messages in Inbox of the first store, one in Work of the second; the second has no other folder."""
    made = archive(cast.user, [make_raw("Budget", number=n) for n in (1, 2)])
    engines.open_store(Store.objects.get()).ensure_folder(mailbox.pk, "Projects/2004")
    second = create_store(SYSTEM, name="Second")
    opened = engines.open_store(second)
    opened.mailbox(mailbox.pk, mailbox.address)
    with Ingest(opened, mailbox.pk) as ingest:
        ingest.put("Work", content=make_raw("Budget later", number=3))
    return [*made, *(f"{second.pk}:{outcome.number}" for outcome in ingest.outcomes())]


def test_messages_of_several_stores_come_into_one_folder_and_search_finds_them_there(
    cast: Cast, mailbox: Mailbox, ids: list[str]
) -> None:
    plan = plan_move(SYSTEM, mailbox, ids)
    assert (plan.messages, dict(plan.sources)) == (3, {"Inbox": 2, "Work": 1})
    folder_notes.set_aliases(SYSTEM, mailbox, {"Current": "Projects/2004"})
    done = move_messages(actor_of(cast.administrator), mailbox, [*ids, ids[0]], "Current")
    assert (done.messages, done.unmoved, done.target) == (3, 0, "Projects/2004")
    assert shown(mailbox) == {"Inbox": 0, "Projects": 0, "Projects/2004": 3, "Work": 0}
    event = AuditEvent.objects.get(action="mail.move")
    assert event.details["messages"] == ids and event.details["sources"] == {"Inbox": 2, "Work": 1}
    for store in Store.objects.all():
        bring_index(engines.open_store(store))
        check_invariants(engines.open_store(store), index=True)
    assert finds(cast.user, mailbox, "Projects/2004") == 3 and finds(cast.user, mailbox, "Inbox") == 0
    again = move_messages(SYSTEM, mailbox, ids, "Projects/2004")  # a second run does no harm, and is no event
    assert (again.messages, again.unmoved) == (0, 3)
    assert AuditEvent.objects.filter(action="mail.move").count() == 1


def test_a_message_leaves_the_folder_that_was_said_or_all_of_this_archive_and_stays_in_others(
    cast: Cast, mailbox: Mailbox
) -> None:
    raw = make_raw("Budget")
    (first,) = archive(cast.user, [raw])
    archive(cast.user, [raw], folder="Copies")
    theirs = make_mailbox(cast.stranger)
    archive(cast.stranger, [raw], folder="Inbox")
    engines.open_store(Store.objects.get()).ensure_folder(mailbox.pk, "Target")
    move_messages(SYSTEM, mailbox, [first], "Target", source="Inbox")
    assert shown(mailbox) == {"Inbox": 0, "Copies": 1, "Target": 1}
    with pytest.raises(MessageUnknown):
        move_messages(SYSTEM, mailbox, [first], "Target", source="Inbox")
    move_messages(SYSTEM, mailbox, [first], "Inbox")
    assert shown(mailbox) == {"Inbox": 1, "Copies": 0, "Target": 0}
    assert shown(theirs) == {"Inbox": 1}


def test_who_may_move_what(cast: Cast, mailbox: Mailbox, ids: list[str]) -> None:
    user = actor_of(cast.user)
    with pytest.raises(Forbidden):  # people read their own archive; organising it is given
        move_messages(user, mailbox, ids[:1], "Work")
    set_folder_privileges(SYSTEM, cast.user, mailbox, "Inbox", ["read", "write"])
    with pytest.raises(Forbidden):
        move_messages(user, mailbox, ids[:1], "Work")
    set_folder_privileges(SYSTEM, cast.user, mailbox, "Work", ["read", "write"])
    assert move_messages(user, mailbox, ids[:1], "Work").messages == 1
    with pytest.raises((ArchiveClosed, Forbidden)):
        move_messages(actor_of(cast.stranger), mailbox, ids, "Work")
    reader = make_user()
    set_folder_privileges(SYSTEM, reader, mailbox, "Work", ["read", "write"])
    with pytest.raises(MessageUnknown):  # what they can't read isn't there
        move_messages(actor_of(reader), mailbox, [ids[1]], "Work")
    foreign = archive(cast.stranger, [make_raw("Theirs", number=9)])
    with pytest.raises(MessageUnknown):
        move_messages(actor_of(cast.administrator), mailbox, foreign, "Work")
    for wrong in (["x"], ["999:1"], [f"{ids[0].partition(':')[0]}:999"]):
        with pytest.raises(MessageUnknown):
            move_messages(SYSTEM, mailbox, wrong, "Work")
    with pytest.raises(BadArguments):
        move_messages(SYSTEM, mailbox, [f"1:{n}" for n in range(1, MOST + 2)], "Work")
    with pytest.raises(FolderUnknown) as unknown:
        move_messages(SYSTEM, mailbox, ids, "Nowhere")
    assert unknown.value.field == "target"


def test_what_must_not_move_stays_and_nothing_of_the_rest_moves(cast: Cast, mailbox: Mailbox, ids: list[str]) -> None:
    before = shown(mailbox)
    hold = LegalHold.objects.create(name="Case 7", query="in:Inbox", reason="The court asks")
    for target, chosen in (("Projects/2004", ids), ("Inbox", ids[2:])):
        with pytest.raises(FolderRefused, match="Case 7"):
            move_messages(SYSTEM, mailbox, chosen, target)
    hold.delete()
    reader, other = make_user(), make_user()
    set_folder_privileges(SYSTEM, reader, mailbox, "Projects", ["read"])
    set_folder_privileges(SYSTEM, other, mailbox, "", ["read", "write"])
    with pytest.raises(FolderRefused, match="could then read"):
        move_messages(actor_of(other), mailbox, ids, "Projects/2004")
    second = Store.objects.get(name="Second")
    second.state = StoreState.WRITE_PROTECTED
    second.save()
    with pytest.raises(FolderProtected, match="Second"):
        move_messages(SYSTEM, mailbox, ids, "Projects/2004")
    assert shown(mailbox) == before
    assert not AuditEvent.objects.filter(action="mail.move").exists()


def test_the_page_moves_what_was_chosen_in_a_list_and_leads_back(
    client_for: ClientFor, cast: Cast, mailbox: Mailbox, ids: list[str]
) -> None:
    client, inbox = client_for(cast.user), reverse("archive:folder", args=folder_of(ids[0]))
    assert "chosen" not in client.get(inbox).content.decode()
    for folder in ("Inbox", "Projects"):
        set_folder_privileges(SYSTEM, cast.user, mailbox, folder, ["read", "write"])
    listed = client.get(inbox).content.decode()
    assert listed.count('name="chosen"') == 2 and "Move…" in listed
    key = ".".join(str(part) for part in folder_of(ids[0]))
    url = f"{reverse('archive:messages-move', args=[mailbox.pk])}?chosen={ids[0]}&chosen={ids[1]}&folder={key}&q=budget"
    asked = client.get(url).content.decode()
    assert "Move 2 messages" in asked and 'value="Projects/2004"' in asked and 'value="Work"' not in asked
    assert client.post(url, {"target": "Work"}).status_code == 422
    moved = client.post(url, {"target": "Projects/2004"})
    assert (moved.status_code, moved["Location"]) == (303, f"{inbox}?q=budget")
    assert "2 messages are moved to “Projects/2004”." in client.get(inbox).content.decode()
    assert shown(mailbox)["Projects/2004"] == 2
    assert client.get(url).status_code == 404  # they lie there no more
    single = client.get(reverse("archive:message", args=[ids[0]])).content.decode()
    assert f"{reverse('archive:messages-move', args=[mailbox.pk])}?chosen={ids[0].replace(':', '%3A')}" in single
    assert client_for(cast.stranger).get(url).status_code == 404
