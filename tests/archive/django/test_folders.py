"""Folders of an archive over several stores: made, moved, merged, emptied; who may; what keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, FolderGrant, User
from accounts.scopes import SERVER
from accounts.services.grants import Bundle, add_grant
from archive import engines, selectors
from archive.errors import ArchiveClosed, FolderProtected, FolderRefused, FolderUnknown
from archive.folderfacts import figures, find_archive, grants_on, see_folders
from archive.folderrights import may_organise, privileges_on
from archive.foldertree import path_of, shown_items, tree_of, whole_tree
from archive.models import Compliance, FolderAlias, FolderMove, LegalHold, Store, StoreState
from archive.selectors import Archive, Scope, readable_archives
from archive.services import folder_access, folder_notes, folders
from archive.services.sharing import set_folder_privileges
from archive.services.stores import create_store
from archive.store import Ingest
from archive.store.contract import bring_index
from domains.models import Mailbox
from jobs.commands import get_command
from jobs.models import Task
from jobs.services import run_here
from tests.archive.django.factories import archive, make_raw
from tests.factories import make_user
from tests.stage import Cast

SYSTEM = Actor.system()


def actor_of(user: User) -> Actor:
    return Actor.for_user(User.objects.get(pk=user.pk))


@pytest.fixture
def mailbox(cast: Cast) -> Mailbox:
    return Mailbox.objects.get(user=cast.user)


@pytest.fixture
def two_stores(cast: Cast, mailbox: Mailbox) -> Store:
    """Work and Work/2004 lie in both stores, with a message each; Inbox and Empty/deep in the first. The second."""
    for n, folder in enumerate(("Inbox", "Work", "Work/2004"), 1):
        archive(cast.user, [make_raw(f"Budget {folder}", number=n)], folder=folder)
    engines.open_store(Store.objects.get()).ensure_folder(mailbox.pk, "Empty/deep")
    second = create_store(SYSTEM, name="Second")
    opened = engines.open_store(second)
    opened.mailbox(mailbox.pk, mailbox.address)
    with Ingest(opened, mailbox.pk) as ingest:
        for n, folder in enumerate(("Work", "Work/2004"), 11):
            ingest.put(folder, content=make_raw(f"Budget later {folder}", number=n))
    return second


def shown(mailbox: Mailbox) -> dict[str, int]:
    return {node.path: node.messages for node in whole_tree(mailbox).walk()}


def finds(user: User, mailbox: Mailbox, folder: str | None = None) -> int:
    chosen = [each for each in readable_archives(actor_of(user)) if each.mailbox == mailbox]
    return selectors.search(Scope.of(chosen[0], folder), "budget").total if chosen else 0


def run(actor: Actor, name: str, **arguments: Any) -> dict[str, Any]:
    task = run_here(actor, name, get_command(name).arguments_from_json(arguments))
    assert task.state == Task.State.COMPLETED, task.error
    return dict(task.result or {})


def test_the_same_path_in_two_stores_is_one_folder(cast: Cast, mailbox: Mailbox, two_stores: Store) -> None:
    assert shown(mailbox) == {"Inbox": 1, "Empty": 0, "Empty/deep": 0, "Work": 2, "Work/2004": 2}
    work = whole_tree(mailbox).find("Work")
    assert work is not None and (work.total, work.below, len(work.parts)) == (4, 1, 2)
    own = Archive(mailbox)
    assert {path_of(own, f"{store}.{number}") for store, number in work.parts} == {"Work"}
    assert path_of(own, "999.1") == path_of(own, "x") == ""
    assert finds(cast.user, mailbox, "Work") == 2 and finds(cast.user, mailbox, "Nothing") == 0


def test_moving_moves_it_in_every_store_and_search_goes_on(cast: Cast, mailbox: Mailbox, two_stores: Store) -> None:
    FolderAlias.objects.create(mailbox=mailbox, alias="Office", path="Work")
    folder_notes.set_subscription(SYSTEM, mailbox, ["Work/2004"])
    move = folders.move_folder(SYSTEM, mailbox, "Office", "Old/Job")
    assert move.ended_at is not None
    assert shown(mailbox) == {"Inbox": 1, "Empty": 0, "Empty/deep": 0, "Old": 0, "Old/Job": 2, "Old/Job/2004": 2}
    assert finds(cast.user, mailbox, "Old/Job/2004") == 2 and finds(cast.user, mailbox) == 5
    assert selectors.search(Scope(frozenset([mailbox.pk])), "budget in:old").total == 4
    assert FolderAlias.objects.get().path == "Old/Job"
    assert list(mailbox.folder_subscriptions.values_list("path", flat=True)) == ["Old/Job/2004"]
    event = AuditEvent.objects.get(action="folder.move")
    assert event.changes["folder"] == ["Work", "Old/Job"]
    folders.move_folder(SYSTEM, mailbox, "Old/Job", "old/job")  # capitals alone
    assert "old/job/2004" in shown(mailbox)


@pytest.mark.parametrize(
    ("source", "target", "error"),
    [
        ("Work", "Work/2004/Work", FolderRefused),
        ("Work", "inbox", FolderRefused),
        ("Inbox", "Other", FolderRefused),
        ("Empty", "WORK", FolderRefused),
        ("Nothing", "Other", FolderUnknown),
        ("Work", "a\0b" * 200, FolderRefused),
        ("Work", " / ", FolderRefused),
    ],
)
def test_what_cannot_be_moved_so(
    mailbox: Mailbox, two_stores: Store, source: str, target: str, error: type[Exception]
) -> None:
    before = shown(mailbox)
    with pytest.raises(error):
        folders.move_folder(SYSTEM, mailbox, source, target)
    assert shown(mailbox) == before and not FolderMove.objects.exists()


def test_a_store_that_takes_no_changes_is_named_and_nothing_moves(mailbox: Mailbox, two_stores: Store) -> None:
    Store.objects.filter(pk=two_stores.pk).update(state=StoreState.WRITE_PROTECTED)
    with pytest.raises(FolderProtected, match="Second"):
        folders.move_folder(SYSTEM, mailbox, "Work", "Other")
    folders.move_folder(SYSTEM, mailbox, "Empty", "Still empty")  # not in that store
    assert {"Work", "Still empty/deep"} <= shown(mailbox).keys()


def test_what_was_interrupted_between_two_stores_is_finished(cast: Cast, mailbox: Mailbox, two_stores: Store) -> None:
    set_folder_privileges(SYSTEM, cast.stranger, mailbox, "Work", ["read"])
    set_folder_privileges(SYSTEM, cast.user, mailbox, "Work/2004", ["none"])
    first = engines.open_store(Store.objects.exclude(pk=two_stores.pk).get())
    move = FolderMove.objects.create(mailbox=mailbox, source="Work", target="Other", by_label="me")
    folder_access.go_along(SYSTEM, mailbox, "Work", "Other")
    first.move_folder(mailbox.pk, "Work", "Other")  # and here it was killed
    assert finds(cast.stranger, mailbox) == 4, "still all that was shared, and no more"
    assert finds(cast.user, mailbox) == 3, "what was denied stays denied"
    folders.finish_interrupted_moves()
    move.refresh_from_db()
    assert move.ended_at is not None and "Work" not in shown(mailbox)
    assert finds(cast.stranger, mailbox) == 4 and finds(cast.user, mailbox) == 3
    assert set(FolderGrant.objects.values_list("folder", flat=True)) == {"Other", "Other/2004"}


def test_moving_a_folder_changes_nobodys_access(cast: Cast, mailbox: Mailbox, two_stores: Store) -> None:
    set_folder_privileges(SYSTEM, cast.stranger, mailbox, "Empty", ["read"])
    set_folder_privileges(SYSTEM, cast.user, mailbox, "Empty", ["none"])
    folders.move_folder(SYSTEM, mailbox, "Work", "Empty/Work")
    assert finds(cast.stranger, mailbox) == 0, "it lies in a folder that is shared, and is not shared itself"
    assert finds(cast.user, mailbox) == 5, "it lies in a folder that is denied, and is not denied itself"
    assert privileges_on(cast.user, mailbox, "Empty/Work") == ["read"]
    folders.move_folder(SYSTEM, mailbox, "Empty/deep", "deep")
    assert privileges_on(cast.stranger, mailbox, "deep") == ["read"]


def test_merging_brings_all_into_the_other(cast: Cast, mailbox: Mailbox, two_stores: Store) -> None:
    assert folders.merge_folders(SYSTEM, mailbox, "Work", "Inbox").moved == 4
    assert shown(mailbox) == {"Inbox": 3, "Inbox/2004": 2, "Empty": 0, "Empty/deep": 0}
    with pytest.raises(FolderRefused):
        folders.merge_folders(SYSTEM, mailbox, "Inbox/2004", "Inbox")
    with pytest.raises(FolderUnknown):
        folders.merge_folders(SYSTEM, mailbox, "Inbox/2004", "Nowhere")


def test_who_may_organise(cast: Cast, mailbox: Mailbox, two_stores: Store) -> None:
    owner, stranger, chief = actor_of(cast.user), actor_of(cast.stranger), actor_of(cast.administrator)
    for actor in (owner, stranger):
        assert not may_organise(actor, mailbox)
        with pytest.raises(Forbidden):
            folders.move_folder(actor, mailbox, "Work", "Other")
        with pytest.raises(Forbidden):
            folders.delete_empty_folders(actor, mailbox)
    set_folder_privileges(SYSTEM, cast.user, mailbox, "Work", ["read", "write"])
    with pytest.raises(Forbidden):  # out of the folder that they may organise
        folders.move_folder(owner, mailbox, "Work/2004", "Other")
    folders.move_folder(owner, mailbox, "Work/2004", "Work/2005")
    folders.create_folder(owner, mailbox, "Work/New")
    with pytest.raises(Forbidden):
        folders.create_folder(owner, mailbox, "New")
    folders.create_folder(chief, mailbox, "New", folder_class="IPF.Note")
    with pytest.raises(FolderRefused):
        folders.create_folder(chief, mailbox, "nEW")
    with pytest.raises(ArchiveClosed):
        find_archive(stranger, mailbox.address)


def test_a_merge_never_lets_somebody_read_more_by_who_could_not_let_them_in(
    cast: Cast, mailbox: Mailbox, two_stores: Store
) -> None:
    set_folder_privileges(SYSTEM, cast.stranger, mailbox, "Inbox", ["read"])
    helper = make_user("helper@example.org")
    set_folder_privileges(SYSTEM, helper, mailbox, "", ["read", "write"])
    with pytest.raises(FolderRefused, match="could then read"):
        folders.merge_folders(actor_of(helper), mailbox, "Work", "Inbox")


def test_a_folder_that_a_hold_names_keeps_its_name(mailbox: Mailbox, two_stores: Store) -> None:
    LegalHold.objects.create(name="Case 7", query='budget in:"Work/2004"', reason="x", created_by_label="me")
    for source, target in (("Work", "Other"), ("Work/2004", "Other"), ("Empty", "Work/2004/Empty")):
        with pytest.raises(FolderRefused, match="Case 7"):
            folders.move_folder(SYSTEM, mailbox, source, target)
    folders.move_folder(SYSTEM, mailbox, "Empty", "Other")


def test_empty_folders_go_where_they_are_empty_in_every_store(cast: Cast, mailbox: Mailbox, two_stores: Store) -> None:
    opened = engines.open_store(two_stores)
    opened.ensure_folder(mailbox.pk, "Inbox")  # has mail in the other store
    opened.ensure_folder(mailbox.pk, "Empty")
    found = folders.delete_empty_folders(SYSTEM, mailbox, dry_run=True)
    assert found.removed == ["Empty", "Empty/deep"] and "Empty" in shown(mailbox)
    Store.objects.filter(pk=two_stores.pk).update(state=StoreState.WRITE_PROTECTED)
    found = folders.delete_empty_folders(SYSTEM, mailbox)
    assert found.removed == ["Empty/deep"] and "Second" in found.kept["Empty"]
    Store.objects.filter(pk=two_stores.pk).update(state=StoreState.NORMAL)
    assert folders.delete_empty_folders(SYSTEM, mailbox, "Empty").removed == ["Empty"]
    assert folders.delete_empty_folders(SYSTEM, mailbox).removed == []
    assert shown(mailbox) == {"Inbox": 1, "Work": 2, "Work/2004": 2}
    with pytest.raises(FolderUnknown):
        folders.delete_empty_folders(SYSTEM, mailbox, "Nothing")


def test_figures_add_up_over_stores_and_below(mailbox: Mailbox, two_stores: Store) -> None:
    lines = {line.path: line for line in figures(see_folders(SYSTEM, mailbox))}
    work = lines["Work"]
    assert (work.itself.messages, work.whole.messages, work.subfolders) == (2, 4, 1)
    assert {name: one.messages for name, one in work.stores.items()} == {"Main": 1, "Second": 1}
    assert work.whole.size_bytes == work.itself.size_bytes + lines["Work/2004"].itself.size_bytes > 0
    assert work.itself.oldest == work.itself.newest and lines["Empty"].whole.messages == 0


def test_compliance_shows_administrators_the_first_level_only(cast: Cast, mailbox: Mailbox, two_stores: Store) -> None:
    Compliance.objects.create(admin_email_preview=False)
    chief = actor_of(cast.administrator)
    assert [node.path for node in see_folders(chief, mailbox).walk()] == ["Inbox", "Empty", "Work"]
    with pytest.raises(FolderUnknown):
        see_folders(chief, mailbox).find("Work/2004")
    assert "Work/2004" in {node.path for node in see_folders(actor_of(cast.user), mailbox).walk()}


def test_a_share_shows_the_way_to_it_and_counts_it_alone(cast: Cast, mailbox: Mailbox, two_stores: Store) -> None:
    set_folder_privileges(SYSTEM, cast.stranger, mailbox, "Work/2004", ["read"])
    (shared,) = [each for each in readable_archives(actor_of(cast.stranger)) if each.is_shared]
    tree = tree_of(shared)
    assert [(node.path, node.is_readable, node.messages) for node in tree.walk()] == [
        ("Work", False, 0),
        ("Work/2004", True, 2),
    ]
    assert tree.messages == 2 and finds(cast.stranger, mailbox) == 2 and finds(cast.stranger, mailbox, "Work") == 0
    assert [(grant.user, counts) for grant, counts in grants_on(SYSTEM, mailbox, "Work/2004")] == [
        (cast.stranger, True)
    ]


def test_a_large_tree_is_shown_in_part(cast: Cast, mailbox: Mailbox) -> None:
    archive(cast.user, [make_raw()])
    opened = engines.open_store(Store.objects.get())
    for at in range(130):
        opened.ensure_folder(mailbox.pk, f"Project {at:03d}/Offers")
    tree = whole_tree(mailbox)
    items = shown_items(tree)
    assert [item.node.path for item in items][:2] == ["Inbox", "Project 000"] and items[-1].more == 31
    assert not any(item.is_open for item in items) and len(items) == 101
    chosen = shown_items(tree, tree.find("Project 120/Offers"))
    assert [item.node.path for item in chosen[-2:]] == ["Project 120", "Project 120/Offers"]


def test_the_commands(cast: Cast, mailbox: Mailbox, two_stores: Store) -> None:
    address = mailbox.address
    found = run(SYSTEM, "GetChildFolders", folder=address, maxLevels=1)["folders"]
    assert [(each["name"], each["folders"]) for each in found] == [("Inbox", []), ("Empty", []), ("Work", [])]
    everything = run(SYSTEM, "GetChildFolders")["folders"]
    theirs = next(each["folders"] for each in everything if each["name"] == address)
    assert theirs[0]["folder"] == f"{address}/Inbox"
    assert run(SYSTEM, "CreateFolder", folder=f"{address}/New", folder_class="IPF.Note")["folder"] == f"{address}/New"
    assert run(SYSTEM, "SetFolderClass", folder=f"{address}/New", folder_class="")["folder_class"] == ""
    assert run(SYSTEM, "MoveFolder", from_folder=f"{address}/New", to_folder=f"{address}/Newer")["folder"].endswith(
        "/Newer"
    )
    assert run(SYSTEM, "MergeFolders", from_folder=f"{address}/Work", to_folder=f"{address}/Newer")["moved"] == 4
    for store in Store.objects.all():
        bring_index(engines.open_store(store))
    gone = run(SYSTEM, "DeleteEmptyFolders", dry_run=True)["folders"]
    assert gone == [f"{address}/Empty", f"{address}/Empty/deep"]
    assert run(SYSTEM, "DeleteEmptyFolders", folder=f"{address}/Empty")["folders"] == gone
    lines = run(SYSTEM, "GetFolderStatistics")["folders"]
    assert {line["folder"]: line["messages"] for line in lines}[f"{address}/Newer"] == 2
    aliases = {"Old": "Newer/2004"}
    assert run(SYSTEM, "SetFolderAliases", user_name=address, aliases=aliases)["aliases"] == aliases
    assert run(SYSTEM, "GetFolderAliases", user_name=address)["aliases"] == aliases
    assert run(SYSTEM, "GetChildFolders", folder=f"{address}/Old") == {"folders": []}
    assert run(SYSTEM, "SetFolderSubscription", user_name=address, folders=["Inbox", "Inbox"])["folders"] == ["Inbox"]
    assert run(SYSTEM, "GetFolderSubscription", user_name=address)["folders"] == ["Inbox"]
    set_folder_privileges(SYSTEM, cast.stranger, mailbox, "Newer", ["read"])
    said = run(SYSTEM, "GetFolderPrivileges", folder=f"{address}/Newer/2004")["privileges"]
    assert said == {cast.stranger.email: ["read"]}
    one = run(SYSTEM, "GetUserPrivilegesOnFolder", user_name=cast.stranger.email, folder=f"{address}/Inbox")
    assert one["privileges"] == ["none"]
    listed = run(SYSTEM, "GetMessages", folder=f"{address}/Newer", limit=1)
    assert (listed["total"], len(listed["messages"])) == (2, 1)
    rest = run(SYSTEM, "GetMessages", folder=f"{address}/Newer", before=listed["older"])["messages"]
    assert len(rest) == 1 and rest[0]["folder"] == "Newer"
    assert run(actor_of(cast.user), "GetMessages")["total"] == 5
    with pytest.raises(AssertionError, match="not open"):  # who administers folders doesn't read what lies in them
        run(actor_of(cast.administrator), "GetMessages", folder=address)
    left = run(SYSTEM, "DeleteFolder", folder=address, reason="they left long ago")
    assert left["deleted"] == 5 and left["folders_left"] == [] and shown(mailbox) == {}


def test_deleting_a_folder_leaves_what_is_held_and_says_so(cast: Cast, mailbox: Mailbox, two_stores: Store) -> None:
    LegalHold.objects.create(name="Case 7", query="later", reason="x", created_by_label="me")
    left = run(SYSTEM, "DeleteFolder", folder=f"{mailbox.address}/Work", reason="they left long ago")
    assert (left["deleted"], left["kept"], left["why"]) == (2, 2, {"held": 2})
    assert left["folders_left"] == ["Work", "Work/2004"]
    assert shown(mailbox) == {"Inbox": 1, "Empty": 0, "Empty/deep": 0, "Work": 1, "Work/2004": 1}


def test_who_may_not_remove_the_folders_deletes_no_mail_in_them_either(
    cast: Cast, mailbox: Mailbox, two_stores: Store
) -> None:
    clerk = make_user("clerk@elsewhere.example")
    add_grant(SYSTEM, clerk, SERVER, Bundle.of_rights(["delete_mail", "view_users"]))
    before = shown(mailbox)
    with pytest.raises(Forbidden):
        run(actor_of(clerk), "DeleteFolder", folder=f"{mailbox.address}/Work", reason="they left long ago")
    assert shown(mailbox) == before
