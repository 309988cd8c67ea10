"""Stores: made once, shown with their figures, verified, and kept findable by the indexer's loop."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from archive import engines, health, overview, selectors
from archive.errors import BadArguments, StoreUnavailable
from archive.indexing import IndexerLoop
from archive.models import Store, StoreState
from archive.services.stores import create_store, current_store
from config.kit import nav
from jobs.commands import list_commands
from jobs.models import Task
from jobs.services import run_waiting
from tests.archive.django.factories import archive, make_mails, make_raw, make_store

pytestmark = pytest.mark.django_db
ClientFor = Callable[..., Client]
SYSTEM = Actor.system()


def test_the_current_store_is_made_once() -> None:
    first, second = current_store(SYSTEM), current_store(SYSTEM)
    assert first == second
    assert (first.name, first.state, first.identity) == ("Main", "current", engines.open_store(first).identity)
    assert create_store(SYSTEM, name="Two").state == "normal"


@pytest.mark.django_db(transaction=True)
def test_two_first_importers_at_once_get_the_same_store() -> None:
    from django.db import connection

    made: list[int] = []

    def make() -> None:
        made.append(current_store(SYSTEM).pk)
        connection.close()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4 and len(set(made)) == 1


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb\x00"])
def test_a_stores_name_is_printable_and_bounded(name: str) -> None:
    with pytest.raises(BadArguments):
        create_store(SYSTEM, name=name)


def test_a_user_makes_no_store(user: User) -> None:
    with pytest.raises(Forbidden):
        create_store(Actor.for_user(user), name="Mine")


def test_the_pages_show_figures_and_start_a_verification(
    client_for: ClientFor, administrator: User, user: User
) -> None:
    archive(user, make_mails(4))
    store, client = Store.objects.get(), client_for(administrator)
    listed = client.get(reverse("archive:store-list")).content.decode()
    assert "Main" in listed and 'data-label="Messages">4<' in listed
    detail = client.get(reverse("archive:store-detail", args=[store.pk])).content.decode()
    assert "never verified" in detail
    mailboxes = client.get(reverse("archive:store-mailboxes", args=[store.pk])).content.decode()
    assert user.email in mailboxes
    assert client.post(reverse("archive:store-action", args=[store.pk, "verify"])).status_code == 303
    task = run_waiting(Task.objects.get(state="waiting").pk)
    assert task is not None and task.result is not None and task.result["ok"] is True, task and task.error
    assert b"All is well" in client.get(reverse("jobs:task-detail", args=[task.pk])).content
    assert b"all well" in client.get(reverse("archive:store-detail", args=[store.pk])).content


def test_a_missing_folder_is_said_and_breaks_no_other_page(
    client_for: ClientFor, administrator: User, user: User
) -> None:
    archive(user, make_mails(2))
    store = Store.objects.get()
    engines.close_all()
    shutil.rmtree(store.root)
    client = client_for(administrator)
    assert b"can&#x27;t be opened" in client.get(reverse("archive:store-detail", args=[store.pk])).content
    assert client.get(reverse("archive:store-list")).status_code == 200
    assert [report.state for report in health.check_stores()] == ["error"]
    assert client.get("/").status_code == 200
    answer = client_for(user).get(reverse("archive:search"))
    assert answer.status_code == 503
    assert str(store.root).encode() not in answer.content
    with pytest.raises(StoreUnavailable):
        engines.open_store(store)


def test_a_store_that_is_switched_off_takes_no_part(client_for: ClientFor, user: User) -> None:
    (public_id,) = archive(user, [make_raw("Hidden")])
    Store.objects.update(state=StoreState.DISABLED)
    assert selectors.search(selectors.console_scope(SYSTEM, None), "hidden").total == 0
    assert client_for(user).get(reverse("archive:message", args=[public_id])).status_code == 404
    assert b"Hidden" not in client_for(user).get(reverse("archive:search")).content


def test_several_stores_are_one_list_with_exact_pages(user: User) -> None:
    from archive.store import Ingest
    from tests.factories import make_mailbox

    mails, mailbox = make_mails(30), make_mailbox(user)
    for name, some in (("A", mails[::2]), ("B", mails[1::2])):
        make_store()
        opened = engines.open_store(create_store(SYSTEM, name=name))
        with Ingest(opened, mailbox.pk) as ingest:
            for raw in [*some, make_raw("Same second")]:
                ingest.put("Inbox", content=raw)
    scope = selectors.Scope(frozenset([mailbox.pk]))
    whole = selectors.search(scope, "", limit=50)
    assert whole.total == 32
    order = [hit.public_id for hit in whole.hits]
    seen, cursor = [], ""
    while True:
        page = selectors.search(scope, "", limit=3, before=cursor)
        seen += [hit.public_id for hit in page.hits]
        cursor = page.older
        if not cursor:
            break
    assert seen == order
    back: list[str] = []
    cursor = selectors.search(scope, "", limit=3, before=whole.hits[28].cursor).hits[0].cursor
    while cursor:
        page = selectors.search(scope, "", limit=3, after=cursor)
        back = [hit.public_id for hit in page.hits] + back
        cursor = page.newer
    assert back == order[: len(back)] and len(back) == 29


def test_the_indexers_loop_brings_an_index_up_to_its_journal(user: User) -> None:
    archive(user, make_mails(7), index=False)
    scope, beats = selectors.console_scope(SYSTEM, user.email), []
    assert selectors.search(scope, "budget").total == 0
    loop = IndexerLoop(lambda: False, beat=lambda: beats.append(1))
    assert loop.run_once() == 7
    assert selectors.search(scope, "budget").total == 7
    assert loop.run_once() == 0
    assert beats
    assert next(iter(health.check_stores())).state in ("ok", "warning")


def test_the_indexers_loop_goes_on_past_a_store_it_cant_open(user: User) -> None:
    make_store()
    broken = create_store(SYSTEM, name="Broken")
    archive(user, make_mails(2), index=False)
    engines.close_all()
    shutil.rmtree(broken.root)
    loop = IndexerLoop(lambda: False, beat=lambda: None)
    assert loop.run_once() == 2
    assert loop.run_once() == 0


def test_the_overview_counts_what_there_is(client_for: ClientFor, administrator: User, user: User) -> None:
    assert overview.first_step(Actor.for_user(administrator)) is not None
    archive(user, make_mails(3))
    assert overview.first_step(Actor.for_user(administrator)) is None
    figure = overview.messages_figure(Actor.for_user(administrator))
    assert figure is not None and figure.value == 3
    own = overview.messages_figure(Actor.for_user(user))
    assert own is not None and own.value == 3
    card = overview.arrivals_card(Actor.for_user(administrator))
    assert card is not None and card["chart"].bars[-1].text == "3"
    assert overview.arrivals_card(Actor.for_user(user)) is None
    assert client_for(administrator).get("/").status_code == 200


def test_the_archive_registers_its_commands_and_its_lines_in_the_navigation(user: User, administrator: User) -> None:
    names = {command.name for command in list_commands()}
    assert {"ImportMail", "ExportMail", "VerifyStore", "RecoverStore", "RebuildIndex", "CompactStore"} <= names
    shown = {item.url_name for item in nav.items_for(Actor.for_user(user))}
    assert {"archive:search", "archive:import", "archive:export", "archive:access-log"} <= shown
    assert not {"archive:store-list", "archive:open-archive"} & shown
    assert {"archive:store-list", "archive:open-archive"} <= {
        item.url_name for item in nav.items_for(Actor.for_user(administrator))
    }
