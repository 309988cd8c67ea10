"""Folders by the API: listed level by level, made, moved, removed; figures, other names, access."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.actors import Actor
from archive import engines
from archive.services.sharing import set_folder_privileges
from tests.api import world
from tests.api.callers import is_problem
from tests.archive.django.conftest import stores
from tests.archive.django.factories import archive, make_mails, make_raw

__all__ = ["stores"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(stores: None) -> Iterator[world.World]:
    found = world.build()
    archive(found.own.mailbox, make_mails(2), folder="Work/2004")
    archive(found.own.mailbox, [make_raw()], folder="Inbox")
    yield found
    engines.close_all()


def url(cast: world.World, rest: str = "emails/folders") -> str:
    return f"/users/{cast.own.person.pk}/{rest}"


def test_the_tree_is_listed(cast: world.World) -> None:
    (inbox, work) = cast.administrator.get(url(cast)).json()
    assert (inbox["path"], inbox["messageCount"], inbox["childrenUri"]) == ("Inbox", None, None)
    assert (work["path"], work["children"]) == ("Work", 1) and work["childrenUri"].endswith("/folders/Work")
    (below,) = cast.delegate.get(url(cast, "emails/folders/Work?fields=STATS")).json()
    assert (below["path"], below["messageCount"], below["unreadMessageCount"]) == ("Work/2004", 2, None)
    everything = cast.user.get(url(cast, "emails/folders?levels=0&separator=.")).json()
    assert [each["path"] for each in everything] == ["Inbox", "Work", "Work.2004"]
    is_problem(cast.administrator.get(url(cast, "emails/folders/Nothing")), 404)
    assert cast.administrator.get(url(cast, "emails/folders/Work.2004?separator=.")).json() == []
    (line, below) = cast.administrator.get(url(cast, "folder-statistics?folder=Work")).json()
    assert (line["itself"]["messages"], line["whole"]["messages"], line["subfolders"]) == (0, 2, 1)
    assert below["itself"]["oldest"].startswith("2005") and list(below["stores"]) == ["Main"]


def test_a_folder_is_made_changed_and_removed(cast: world.World) -> None:
    made = cast.delegate.post(url(cast), {"path": "Work.New", "separator": ".", "folderClass": "IPF.Note"})
    assert made.status_code == 201, made.content
    assert made.json() == {"path": "Work/New"}
    is_problem(cast.administrator.post(url(cast), {"path": "work/new"}), 422)
    is_problem(cast.user.post(url(cast), {"path": "Mine"}), 403)
    one = url(cast, "emails/folders/Work")
    moved = cast.administrator.patch(one, {"path": "Office", "folderClass": "IPF.Appointment"})
    assert moved.json() == {"path": "Office"}, moved.content
    is_problem(cast.administrator.patch(one, {"path": "Elsewhere"}), 404)
    is_problem(cast.administrator.patch(url(cast, "emails/folders/Inbox"), {"path": "Outbox"}), 422)
    refused = is_problem(cast.administrator.delete(url(cast, "emails/folders/Office/2004")), 409)
    assert "Mail" in refused["detail"]
    assert cast.administrator.get(url(cast, "empty-folders")).json() == {"folders": ["Office/New"], "kept": {}}
    assert cast.administrator.delete(url(cast, "emails/folders/Office/New")).status_code == 204
    merged = cast.administrator.post(url(cast, "folder-merges"), {"source": "Office/2004", "target": "Inbox"})
    assert merged.json() == {"path": "Inbox", "moved": 2}, merged.content
    assert cast.administrator.post(url(cast, "empty-folders/removal")).json()["folders"] == ["Office"]


def test_messages_are_listed_for_who_reads_them_and_moved_by_who_organises(cast: world.World) -> None:
    everything = cast.user.get(url(cast, "emails?pageSize=2")).json()
    assert (everything["total"], len(everything["messages"])) == (3, 2)
    rest = cast.user.get(url(cast, f"emails?before={everything['older']}")).json()
    assert len(rest["messages"]) == 1 and rest["older"] is None
    work = cast.user.get(url(cast, "emails/Work/2004")).json()
    assert work["total"] == 2 and {line["folder"] for line in work["messages"]} == {"Work/2004"}
    assert "from" in work["messages"][0]
    for query, count in (
        ("q=lunch", 1), ("subject=lunch&from=nobody", 0), ("subject=lunch&from=nobody&operator=OR", 1),
        ("subject=lunch&operator=NOT", 2), ("receivedAfter=1990-01-01", 3), ("id=none@x", 0),
    ):  # fmt: skip
        assert cast.user.get(url(cast, f"emails?{query}")).json()["total"] == count, query
    is_problem(cast.user.get(url(cast, "emails?q=size:")), 422)
    is_problem(cast.user.get(url(cast, "emails/Nothing")), 404)
    is_problem(cast.administrator.get(url(cast, "emails")), 404)  # mail of others stays closed to programs
    ids = [line["id"] for line in work["messages"]]
    moved = cast.administrator.post(url(cast, "message-moves"), {"messages": ids, "target": "Inbox"})
    assert moved.json() == {"folder": "Inbox", "moved": 2, "unmoved": 0, "sources": {"Work/2004": 2}}, moved.content
    is_problem(cast.user.post(url(cast, "message-moves"), {"messages": ids, "target": "Work"}), 403)
    is_problem(cast.administrator.post(url(cast, "message-moves"), {"messages": ids, "target": "Nothing"}), 422)
    is_problem(cast.administrator.post(url(cast, "message-moves"), {"messages": ["9:9"], "target": "Inbox"}), 404)


def test_what_is_said_of_folders(cast: world.World) -> None:
    aliases = {"aliases": {"Office": "Work"}}
    assert cast.user.put(url(cast, "folder-aliases"), aliases).json() == aliases
    assert cast.administrator.get(url(cast, "folder-aliases")).json() == aliases
    assert len(cast.administrator.get(url(cast, "emails/folders/Office")).json()) == 1
    is_problem(cast.user.put(url(cast, "folder-aliases"), {"aliases": {"Inbox": "Work"}}), 422)
    shown = {"folders": ["Work", "Inbox"]}
    assert cast.user.put(url(cast, "folder-subscription"), shown).json() == shown
    assert cast.delegate.get(url(cast, "folder-subscription")).json() == shown
    other = cast.foreign.person
    set_folder_privileges(Actor.system(), other, cast.own.mailbox, "Work", ["read"])
    (said,) = cast.administrator.get(url(cast, "folder-access?folder=Work/2004")).json()
    assert (said["address"], said["folder"], said["privileges"], said["counts"]) == (
        other.email,
        "Work",
        ["read"],
        True,
    )
