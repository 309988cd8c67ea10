"""Indexing again: what is chosen, what can't be read, mail that arrives meanwhile, a run that was killed; the doors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tantivy
from django.test import Client

from accounts.actors import Actor
from accounts.models import User
from archive import engines
from archive import store as engine
from archive.errors import ArchiveClosed, MessageUnknown
from archive.models import Store
from archive.services import reindexing
from archive.services.reindexing import ReindexArguments
from archive.store import Ingest
from archive.store.indexer import Indexer
from archive.store.operations import reindex
from archive.store.operations.reindex import Wanted
from jobs import services
from jobs.commands import get_command
from jobs.errors import BadArguments
from jobs.models import Task
from jobs.running import TaskRun
from tests.archive.django.factories import archive, make_mails, make_raw
from tests.archive.texts import makers
from tests.factories import make_mailbox

pytestmark = pytest.mark.django_db
ClientFor = Callable[..., Client]


def opened_store() -> engine.Store:
    return engines.open_store(Store.objects.get())


def empty_index(opened: engine.Store, *keep: int) -> None:
    """Lose all documents but some, as a fault of the index would."""
    writer = opened.index.raw_writer(15_000_000)
    for number in set(opened.catalogue.numbers()) - set(keep):
        writer.delete_documents_by_query(tantivy.Query.term_query(opened.index.schema, "number", number))
    writer.commit()
    writer.wait_merging_threads()


def indexed(opened: engine.Store) -> list[int]:
    return opened.index.numbers()


def spoil(opened: engine.Store, number: int) -> None:
    """Flip a bit of a message's bytes in its pack."""
    row = opened.row(number)
    assert row is not None
    path = next((opened.root / "packs").glob(f"*{row.place.pack}*"))
    data = bytearray(path.read_bytes())
    data[row.place.offset + row.place.length // 2] ^= 1
    path.write_bytes(data)
    opened.forget_readers()


def run(name: str, **values: Any) -> dict[str, Any]:
    task = services.run_here(Actor.console(), name, get_command(name).arguments_from_json(values))
    assert task.state == "completed" and task.result is not None, task.error
    return dict(task.result)


def test_a_message_that_cant_be_read_is_named_and_its_document_stays(user: User) -> None:
    archive(user, make_mails(5))
    opened = opened_store()
    spoil(opened, 3)
    report = reindex.run(opened, reindex.plan(opened))
    assert report.numbers == {"messages": 4, "failed": 1} and not report.ok
    assert [problem.messages for problem in report.problems] == [[3]]
    assert indexed(opened) == [1, 2, 3, 4, 5]
    assert opened.search("week 2", mailboxes=None).total == 1


def test_what_is_chosen_is_indexed_again_and_nothing_else(user: User, stranger: User) -> None:
    archive(user, make_mails(2))
    archive(user, [make_raw("Deep", "deep words", number=77)], folder="Projects/House")
    archive(stranger, [make_raw("Other", "other words", number=78)])
    opened, address = opened_store(), make_mailbox(user).address
    for arguments, numbers in (
        (ReindexArguments(user=address), [1, 2, 3]),
        (ReindexArguments(folder=f"{address}/Projects"), [3]),
        (ReindexArguments(message=f"{Store.objects.get().pk}:2"), [2]),
        (ReindexArguments(message=f"<{opened.rows([4])[0].message_id.strip('<>')}>"), [4]),
        (ReindexArguments(), [1, 2, 3, 4]),
    ):
        empty_index(opened)
        task = Task.objects.create(type="FullReIndexing", actor_label="test")
        result = reindexing.reindex_messages(Actor.console(), TaskRun(task.pk), arguments)
        assert (indexed(opened), result["messages"], result["failed"]) == (numbers, len(numbers), 0)
    console = Actor.console()
    with pytest.raises(MessageUnknown):
        reindexing.choose(console, ReindexArguments(message="1:99"))
    with pytest.raises(MessageUnknown):
        reindexing.choose(console, ReindexArguments(folder=f"{address}/Nowhere"))
    with pytest.raises(ArchiveClosed):
        reindexing.choose(console, ReindexArguments(user="nobody@example.org"))
    with pytest.raises(BadArguments):
        reindexing.choose(console, ReindexArguments(user=address, message="1:1"))


def test_mail_that_arrives_meanwhile_is_found_and_what_is_deleted_is_gone(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(user, make_mails(6))
    opened = opened_store()
    mailbox = make_mailbox(user)
    monkeypatch.setattr(reindex, "BATCH_MESSAGES", 2)
    put_again = Indexer.put_again

    def meanwhile(self: Indexer, numbers: list[int], *more: object) -> None:
        put_again(self, numbers, *more)  # type: ignore[arg-type]
        if numbers == [1, 2]:
            with Ingest(opened, mailbox.pk, index="no") as ingest:
                ingest.put("Inbox", content=make_raw("Late", "arrived meanwhile", number=99))
            opened.delete([2, 5], reason="test", by="test")

    monkeypatch.setattr(Indexer, "put_again", meanwhile)
    reindex.run(opened, reindex.plan(opened))
    assert indexed(opened) == [1, 3, 4, 6, 7]
    assert opened.search("meanwhile", mailboxes=None).total == 1


def test_a_run_goes_on_behind_the_last_commit(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(user, make_mails(6))
    opened = opened_store()
    monkeypatch.setattr(reindex, "BATCH_MESSAGES", 2)
    monkeypatch.setattr(reindex, "COMMIT_SECONDS", 0.0)
    kept: list[int] = []
    with pytest.raises(Exception, match="stopped"):
        reindex.run(opened, reindex.plan(opened), stop=lambda: bool(kept), keep=kept.append)
    assert kept == [2]
    assert reindex.plan(opened, Wanted(), kept[-1]).total == 4
    empty_index(opened, 1, 2)
    task = Task.objects.create(type="FullReIndexing", actor_label="test")
    going_on = TaskRun(task.pk, kept={"store": Store.objects.get().pk, "after": 2})
    assert reindexing.reindex_messages(Actor.console(), going_on, ReindexArguments())["messages"] == 4
    assert indexed(opened) == [1, 2, 3, 4, 5, 6]


def test_the_commands_index_again_what_they_name(user: User) -> None:
    archive(user, make_mails(3))
    store, address = Store.objects.get(), make_mailbox(user).address
    assert run("FullReIndexing")["messages"] == 3
    assert run("UserReIndexing", user=address)["messages"] == 3
    assert run("MailboxReIndexing", user=address, mailbox="Inbox")["messages"] == 3
    assert run("MessageReIndexing", message=f"{store.pk}:2")["messages"] == 1
    assert run("RebuildStoreIndex", id=store.pk, folder=f"{address}/Inbox")["stores"][0]["numbers"]["messages"] == 3


def test_the_page_says_what_could_not_be_read_and_starts_the_task(
    client_for: ClientFor, administrator: User, user: User
) -> None:
    archive(user, [makers.mail({"a.pdf": makers.pdf("x", locked=True)})])
    browser = client_for(administrator)
    page = "/stores/indexes/again/"
    assert b"encrypted" in browser.get(page).content
    for what, name, why in (
        ("user", "nobody@example.org", b"There is no mailbox"),
        ("store", "Nowhere", b"there is no store"),
        ("message", "", b"Say which one."),
    ):
        missing = browser.post(page, {"what": what, "name": name})
        assert missing.status_code == 422 and why in missing.content
    started = browser.post(page, {"what": "user", "name": make_mailbox(user).address})
    task = Task.objects.get(type="FullReIndexing")
    assert started.status_code == 303 and started["Location"].endswith(f"/{task.pk}/")
