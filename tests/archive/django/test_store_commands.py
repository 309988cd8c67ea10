"""Every function of "Archive stores" and "Search indexes" as a command: done, done twice, and refused with a reason."""

from __future__ import annotations

import json
import secrets as random
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import AuditEvent, User
from archive import engines, selectors
from archive.keeping import dates
from archive.models import RetentionBlock, Store
from archive.services import keys
from archive.services.stores import create_store
from archive.store import Ingest, layout
from archive.store.keys import is_wrapped_for, unwrap
from archive.views.all_stores import WIDE
from archive.views.store_actions import ACTIONS
from config.kit import paths, sealed, sealing_keys, secrets
from jobs import approvals
from jobs.commands import get_command, list_commands
from jobs.errors import NeedsApproval
from jobs.models import Approval, Task
from jobs.services import run_here, run_waiting
from tests.archive.django.factories import archive, make_mails, make_raw, make_store
from tests.archive.django.keeping.ground import policy, set_policies
from tests.factories import make_administrator, make_mailbox, make_user

pytestmark = pytest.mark.django_db
ClientFor = Callable[..., Client]
CONSOLE = Actor.console()
NAMES = """
AttachStore CreateStore GetStores RenameStore SetStoreProperties SetStoreRequestedState DetachStore MergeStore
UnlockStore UpgradeStore UpgradeStores CompactStore VerifyStore VerifyStores RecoverStore RecreateRecoveryRecords
RepairStoreDatabase RetryOpenStores RefreshAllStoreStatistics MaintainFileSystemDatabases CompactMasterDatabase
GetStoreAutoCreateConfiguration SetStoreAutoCreateConfiguration RenewMasterKey GetStoreIndexes
SelectAllStoreIndexesForRebuild RebuildSelectedStoreIndexes RebuildStoreIndex"""


def invoke(command: str, /, **arguments: Any) -> dict[str, Any]:
    """The result of a command that must be completed; arguments by the reference's names."""
    task = run_here(CONSOLE, command, get_command(command).arguments_from_json(arguments))
    assert task.state == Task.State.COMPLETED, f"{command}: {task.error}"
    assert task.result is not None
    told: dict[str, Any] = json.loads(json.dumps(task.result))
    return told


def refused(command: str, /, **arguments: Any) -> str:
    task = run_here(CONSOLE, command, get_command(command).arguments_from_json(arguments))
    assert task.state == Task.State.FAILED
    return task.error


def fill(store: Store, mailbox_id: int, messages: list[bytes], folder: str = "Inbox") -> list[int]:
    with Ingest(engines.open_store(store), mailbox_id) as ingest:
        for raw in messages:
            ingest.put(folder, content=raw)
    return [outcome.number for outcome in ingest.outcomes()]


def test_every_function_is_a_command_under_its_name() -> None:
    assert set(NAMES.split()) <= {command.name for command in list_commands()}


def test_a_store_is_made_listed_renamed_and_put_into_a_state() -> None:
    made = invoke("CreateStore", name="First", type="FileSystemInternal", requestedState="current")
    assert (made["name"], made["requestedState"], made["state"]) == ("First", "current", "current")
    second = invoke("CreateStore", name="Second", contentPath="second")
    assert second["contentPath"] == str(paths.stores_dir() / "second")
    assert "that name" in refused("CreateStore", name="Second")
    assert "SQL Server" in refused("CreateStore", name="Third", type="SQLServer")
    assert "no database server" in refused("CreateStore", name="Third", password="x")
    assert invoke("RenameStore", id=second["id"], name="Renamed")["name"] == "Renamed"
    assert invoke("RenameStore", id=second["id"], name="Renamed")["name"] == "Renamed"
    assert (
        invoke("SetStoreRequestedState", id=second["id"], requestedState="writeProtected")["state"] == "writeProtected"
    )
    assert "A store is one of" in refused("SetStoreRequestedState", id=second["id"], requestedState="ReadOnly")
    listed = invoke("GetStores")["stores"]
    assert [each["name"] for each in listed] == ["First", "Renamed"] and listed[0]["sizeBytes"] is not None
    assert "sizeBytes" not in invoke("GetStores", includeSize=False)["stores"][0]
    assert "no store 999" in refused("RenameStore", id=999, name="x")
    invoke("SetStoreRequestedState", id=second["id"], requestedState="normal")
    engines.close_all()
    (paths.stores_dir() / "second").rename(paths.stores_dir() / "third")
    moved = invoke("SetStoreProperties", id=second["id"], contentPath="third")
    assert (moved["contentPath"], moved["error"]) == (str(paths.stores_dir() / "third"), None)


def test_upkeep_of_one_store_and_of_all(user: User) -> None:
    ids = archive(user, make_mails(12))
    store = Store.objects.get()
    for name in ("VerifyStore", "RepairStoreDatabase", "RecreateRecoveryRecords", "UpgradeStore", "RebuildIndex"):
        assert invoke(name, id=store.pk)["ok"], name
    assert invoke("VerifyStore", id=store.pk, includeIndexes=False)["stores"][0]["numbers"].get("indexed") is None
    assert invoke("VerifyStores", deep=True)["ok"]
    store.refresh_from_db()
    assert store.verified_ok is True and store.verified_at is not None and store.verified_by is not None
    numbers = [int(public_id.split(":")[1]) for public_id in ids[:3]]
    engines.open_store(store).delete(numbers, reason="a test", by="me")
    restored = invoke("RecoverStore", id=store.pk, recoverDeletedMessages=True)["stores"][0]["numbers"]
    assert restored["restored"] == 3 and restored["messages"] == 12
    engines.open_store(store).delete(numbers, reason="a test", by="me")
    assert invoke("CompactStore", id=store.pk)["ok"] and invoke("CompactStore", id=store.pk)["ok"]
    invoke("RefreshAllStoreStatistics")
    store.refresh_from_db()
    assert store.figures["messages"] == 12 and store.measured_at is not None
    assert invoke("MaintainFileSystemDatabases")["ok"] and invoke("UpgradeStores")["ok"]
    assert AuditEvent.objects.filter(action="store.verify", object_id=str(store.pk)).exists()
    dry = invoke("VerifyStore", id=store.pk, dryRun=True)["stores"][0]
    assert dry["plan"]["numbers"]["packs"] > 0


def test_two_stores_become_one(user: User, stranger: User) -> None:
    make_store()
    mine, theirs = make_mailbox(user), make_mailbox(stranger)
    main, second = Store.objects.get(), create_store(CONSOLE, name="Two")
    fill(main, mine.pk, make_mails(4))
    fill(second, mine.pk, make_mails(6), "Later")
    fill(second, theirs.pk, make_mails(2, word="other"))
    assert "into itself" in refused("MergeStore", id=main.pk, sourceId=main.pk)
    assert "New mail goes into the source" in refused("MergeStore", id=second.pk, sourceId=main.pk)
    merged = invoke("MergeStore", id=main.pk, sourceId=second.pk)["stores"][0]["numbers"]
    assert merged["messages"] + merged["known_already"] == 8
    second.refresh_from_db()
    assert second.state == "disabled"
    with Ingest(engines.open_store(main), mine.pk):
        pass
    own = selectors.Scope(frozenset([mine.pk]))
    assert selectors.search(own, "").total == 6 and selectors.search(own, "other").total == 0
    assert selectors.search(selectors.Scope(frozenset([theirs.pk])), "other").total == 2
    assert "switched off" in refused("MergeStore", id=main.pk, sourceId=second.pk)


def test_no_message_may_go_earlier_because_its_store_was_merged(user: User) -> None:
    make_store()
    main, second = Store.objects.get(), create_store(CONSOLE, name="Two")
    (number, other) = fill(second, make_mailbox(user).pk, make_mails(2))
    set_policies(policy("One year", 1))
    block = RetentionBlock.objects.get(store=second)
    minimum, *others = block.arrays()
    usual, later = minimum[other], minimum[other] + 3650
    minimum[number] = later
    block.take(minimum, *others)
    block.save()
    invoke("MergeStore", id=main.pk, sourceId=second.pk)
    merged = RetentionBlock.objects.get(store=main).arrays()
    assert sorted(day for day in merged[0] if day != dates.UNKNOWN) == [usual, later]
    assert sorted(merged[1])[-1] >= later


def test_a_damaged_journal_is_recovered_by_its_command(user: User) -> None:
    archive(user, make_mails(5))
    store = Store.objects.get()
    engines.close_all()
    segment = next((store.root / "journal").iterdir())
    raw = bytearray(segment.read_bytes())
    raw[len(raw) // 2] ^= 1
    segment.write_bytes(raw)
    assert not invoke("VerifyStore", id=store.pk)["ok"]
    store.refresh_from_db()
    assert store.verified_ok is False
    report = invoke("RecreateRecoveryRecords", id=store.pk)["stores"][0]
    assert any("not rebuilt" in note for note in report["notes"]) and "damaged" in " ".join(report["notes"])
    assert invoke("RecoverStore", id=store.pk)["ok"]
    assert engines.open_store(store).facts().messages == 5
    assert invoke("VerifyStore", id=store.pk)["ok"]


def test_a_store_without_its_key_file_is_opened_by_a_key_somebody_has(
    client_for: ClientFor, administrator: User, user: User
) -> None:
    archive(user, make_mails(3))
    store = Store.objects.get()
    key = unwrap((store.root / "keys.json").read_bytes(), store.identity or "", secrets.master_key())
    engines.close_all()
    (store.root / "keys.json").unlink()
    assert "keys.json" in refused("RecoverStore", id=store.pk)
    page, client = reverse("archive:store-action", args=[store.pk, "recover"]), client_for(administrator)
    assert "keys.json" in client.get(page).content.decode()
    assert client.post(page, {"sent": "1", "encryption_key": key.hex()}).status_code == 303
    task = run_waiting(Task.objects.latest("pk").pk)
    assert task is not None and task.state == "completed", task and task.error
    engines.close_all()
    (store.root / "keys.json").unlink()
    assert "does not open" in refused("RecoverStore", id=store.pk, encryptionKey=random.token_hex(32))
    assert invoke("RecoverStore", id=store.pk, encryptionKey=key.hex())["ok"]
    assert engines.open_store(store).facts().messages == 3
    assert key.hex() not in json.dumps(list(Task.objects.values("arguments", "result", "error")), default=str)


def test_verifying_finds_that_the_recovery_key_may_not_open_a_store_any_more(user: User) -> None:
    archive(user, make_mails(2))
    store = Store.objects.get()
    path = store.root / "keys.json"
    said = json.loads(path.read_bytes())
    path.write_text(json.dumps({**said, "recovery": {**said["recovery"], "data": said["master"]["data"]}}))
    (report,) = invoke("VerifyStore", id=store.pk)["stores"]
    assert [(each["part"], each["where"]) for each in report["problems"]] == [("keys", "keys.json")]
    path.write_text(json.dumps({name: value for name, value in said.items() if name != "check"}))  # an older one
    assert invoke("VerifyStore", id=store.pk)["ok"]


def test_indexes_are_listed_marked_and_built_anew(user: User) -> None:
    archive(user, make_mails(6))
    archive(user, make_mails(2, word="draft"), folder="Drafts/New")
    store = Store.objects.get()
    (index,) = invoke("GetStoreIndexes")["indexes"]
    assert (index["documents"], index["lag"], index["selectedForRebuild"]) == (8, 0, False)
    assert invoke("SelectAllStoreIndexesForRebuild") == {"selected": 1}
    assert invoke("SelectAllStoreIndexesForRebuild") == {"selected": 0}
    assert invoke("GetStoreIndexes", id=store.pk)["indexes"][0]["selectedForRebuild"] is True
    assert invoke("RebuildSelectedStoreIndexes")["stores"][0]["numbers"]["messages"] == 8
    assert invoke("RebuildSelectedStoreIndexes")["stores"] == []
    built = invoke("RebuildStoreIndex", id=store.pk, folder=f"{user.email}/Drafts")
    assert built["stores"][0]["numbers"]["messages"] == 2
    assert "no folder" in refused("RebuildStoreIndex", id=store.pk, folder=f"{user.email}/Nowhere")
    assert selectors.search(selectors.console_scope(CONSOLE, None), "draft").total == 2


def test_the_automatic_making_is_read_and_set() -> None:
    assert invoke("GetStoreAutoCreateConfiguration")["sizeThreshold"] is None
    config = {"sizeThreshold": 1 << 40}
    assert invoke("SetStoreAutoCreateConfiguration", config=config)["sizeThreshold"] == 1 << 40
    assert "at least" in refused("SetStoreAutoCreateConfiguration", config={"sizeThreshold": 3})


def test_stores_that_failed_are_tried_again(user: User) -> None:
    archive(user, make_mails(1))
    store = Store.objects.get()
    assert invoke("RetryOpenStores") == {"failed": []}
    engines.close_all()
    shutil.move(store.root, store.root.with_name("away"))
    (failed,) = invoke("RetryOpenStores")["failed"]
    assert failed["store"] == "Main" and "store.json" in failed["error"]
    shutil.move(store.root.with_name("away"), store.root)
    assert invoke("RetryOpenStores") == {"failed": []}


def test_one_store_that_cannot_be_opened_holds_up_none_of_the_others(user: User) -> None:
    archive(user, make_mails(2))
    gone = create_store(CONSOLE, name="Gone")
    engines.close_all()
    shutil.rmtree(gone.root)
    result = invoke("VerifyStores")
    assert [(each["store"], each["ok"]) for each in result["stores"]] == [("Main", True), ("Gone", False)]
    assert not result["ok"] and "store.json" in result["stores"][1]["notes"][0]
    assert "store.json" in refused("VerifyStore", id=gone.pk)


def test_detaching_takes_two_people_where_there_are_two() -> None:
    make_store()
    store = create_store(CONSOLE, name="Two")
    first, second = make_administrator("a1@example.org"), make_administrator("a2@example.org")
    arguments = get_command("DetachStore").arguments_from_json({"id": store.pk})
    with pytest.raises(NeedsApproval):
        run_here(Actor.for_user(first), "DetachStore", arguments)
    assert Store.objects.get(pk=store.pk).detached_at is None

    arguments = get_command("DetachStore").arguments_from_json({"id": store.pk})
    asked = approvals.ask(Actor.for_user(first), "DetachStore", arguments, reason="It is full")
    assert asked.state == Approval.State.WAITING
    approved = approvals.approve(Actor.for_user(second), asked)
    assert approved.task is not None
    done = run_waiting(approved.task.pk)
    assert done is not None and done.state == "completed", done and done.error
    assert Store.objects.get(pk=store.pk).detached_at is not None


def test_a_new_master_key_opens_everything_and_the_old_one_nothing(user: User) -> None:
    archive(user, make_mails(3))
    create_store(CONSOLE, name="Two")
    token = sealed.seal("the relay's password", purpose="a test")
    old = secrets.master_key()
    result = invoke("RenewMasterKey")
    new = secrets.master_key()
    assert new != old and result["stores"] == ["Main", "Two"]
    for store in Store.objects.all():
        document = (store.root / "keys.json").read_bytes()
        assert is_wrapped_for(document, store.identity or "", new)
        assert not is_wrapped_for(document, store.identity or "", old)
    engines.close_all()
    sealing_keys.forget()
    assert sealed.unseal(token, purpose="a test") == "the relay's password"
    assert engines.open_store(Store.objects.get(name="Main")).facts().messages == 3


@pytest.mark.parametrize("moment", ["prepared", "one store staged", "all staged", "in force", "one store finished"])
def test_a_renewal_killed_at_any_moment_leaves_all_open_and_is_finished(
    user: User, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    archive(user, make_mails(2))
    create_store(CONSOLE, name="Two")
    token = sealed.seal("secret", purpose="a test")

    class Killed(BaseException):
        pass

    def die(*arguments: object, **more: object) -> None:
        raise Killed

    staged: list[int] = []

    def once(real: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            if staged:
                raise Killed
            staged.append(1)
            real(*arguments)

        return call

    with monkeypatch.context() as patch:
        if moment == "prepared":
            patch.setattr(keys, "stage_master", die)
        elif moment == "one store staged":
            patch.setattr(keys, "stage_master", once(layout.stage_master))
        elif moment == "all staged":
            patch.setattr(keys, "_put_in_force", die)
        elif moment == "in force":
            patch.setattr(keys, "finish_master", die)
        else:
            patch.setattr(keys, "finish_master", once(layout.finish_master))
        with pytest.raises(Killed):
            keys.renew_master_key(CONSOLE)
    for again in (False, True):
        engines.close_all()
        sealing_keys.forget()
        for store in Store.objects.all():
            engines.open_store(store)
        assert sealed.unseal(token, purpose="a test") == "secret"
        if not again:
            keys.renew_master_key(CONSOLE)
    assert not (paths.keys_dir() / "master.new").exists()
    for store in Store.objects.all():
        assert is_wrapped_for((store.root / "keys.json").read_bytes(), store.identity or "", secrets.master_key())


@pytest.mark.django_db(transaction=True)
def test_the_master_database_is_compacted() -> None:
    result = invoke("CompactMasterDatabase")
    assert result["tables"] > 50 and result["bytes_after"] > 0


# Pages


def test_every_action_is_shown_in_numbers_and_becomes_a_task(
    client_for: ClientFor, administrator: User, user: User
) -> None:
    archive(user, make_mails(4))
    store, client = Store.objects.get(), client_for(administrator)
    invoke("VerifyStore", id=store.pk)
    detail = client.get(reverse("archive:store-detail", args=[store.pk])).content.decode()
    assert "all well" in detail and "&lt;" not in detail
    for action in (slug for slug, each in ACTIONS.items() if not each.moves_packs):
        url = reverse("archive:store-action", args=[store.pk, action])
        page = client.get(url)
        assert page.status_code == 200 and b'class="numbers"' in page.content, action
        assert client.post(url).status_code == 303
        task = run_waiting(Task.objects.filter(state="waiting").latest("pk").pk)
        assert task is not None and task.state == "completed", f"{action}: {task and task.error}"
        assert client.get(reverse("jobs:task-detail", args=[task.pk])).status_code == 200
    assert client.get(reverse("archive:store-action", args=[store.pk, "nonsense"])).status_code == 404
    for action in WIDE:
        url = reverse("archive:stores-action", args=[action])
        assert b'class="numbers"' in client.get(url).content, action
        assert client.post(url).status_code == 303
    ticked = {"sent": "1", "deep": "1"}
    verify = reverse("archive:store-action", args=[store.pk, "verify"])
    assert "of the index" in client.get(verify).content.decode()
    assert "of the index" not in client.get(verify, ticked).content.decode()
    client.post(verify, ticked)
    client.post(reverse("archive:stores-action", args=["verify"]), ticked)
    for task in Task.objects.order_by("-pk")[:2]:
        assert task.arguments | {"include_indexes": False, "deep": True} == task.arguments
    folder = reverse("archive:store-index-folder", args=[store.pk])
    assert b'class="numbers"' in client.get(folder, {"folder": f"{user.email}/Inbox"}).content
    assert client.post(folder, {"folder": f"{user.email}/Nowhere"}).status_code == 422
    assert client.post(folder, {"folder": user.email}).status_code == 303


def test_the_forms_say_what_is_wrong_and_do_what_is_right(
    client_for: ClientFor, administrator: User, user: User
) -> None:
    archive(user, make_mails(2))
    main, client = Store.objects.get(), client_for(administrator)
    url = reverse("archive:store-create")
    bad = client.post(url, {"name": "Two", "requested_state": "normal", "content_path": "/etc/x"})
    assert bad.status_code == 422 and "not below the folders" in bad.content.decode()
    assert client.post(url, {"name": "Main", "requested_state": "normal"}).status_code == 422
    assert (
        client.post(url, {"name": "Two", "requested_state": "normal"}).status_code == 302 or Store.objects.count() == 2
    )
    two = Store.objects.get(name="Two")
    edit = reverse("archive:store-edit", args=[two.pk])
    values = {"name": "Second", "content_path": str(two.root), "version": two.version}
    assert client.post(edit, {**values, "version": 99}).status_code == 422
    client.post(edit, values)
    two.refresh_from_db()
    assert two.name == "Second"
    client.post(reverse("archive:store-state", args=[two.pk]), {"requested_state": "writeProtected"})
    two.refresh_from_db()
    assert two.state == "write_protected"
    client.post(reverse("archive:store-state", args=[two.pk]), {"requested_state": "normal"})
    merge = reverse("archive:store-merge", args=[main.pk])
    preview = client.get(merge, {"source": two.pk}).content.decode()
    assert "Second" in preview and 'class="numbers"' in preview
    assert client.post(merge, {"source": two.pk}).status_code == 303
    detach = reverse("archive:store-detach", args=[two.pk])
    assert client.post(detach, {"name": "wrong", "reason": "it is empty"}).status_code == 422
    assert client.post(detach, {"name": "Second", "reason": "it is empty"}).status_code == 303
    config = client.get(reverse("archive:store-auto-create"))
    assert config.status_code == 200
    saved = client.post(reverse("archive:store-auto-create"), {"size_mib": 2048, "version": 1})
    assert saved.status_code == 303, saved.content.decode()[:2000]
    assert "2.00 GiB" in client.get(reverse("archive:store-list")).content.decode()


def test_attaching_shows_what_lies_there_first(client_for: ClientFor, administrator: User) -> None:
    make_store()
    store = create_store(CONSOLE, name="Two")
    mailbox = make_mailbox(make_user("y@example.org"))
    fill(store, mailbox.pk, [make_raw()])
    invoke("DetachStore", id=store.pk)
    client, url = client_for(administrator), reverse("archive:store-attach")
    values = {"name": "Back", "content_path": str(store.root), "requested_state": "normal"}
    assert client.post(url, {**values, "content_path": "nothing-here"}).status_code == 422
    looked = client.post(url, values).content.decode()
    assert "What lies there" in looked and "It was attached before" in looked
    assert not Store.objects.filter(name="Back").exists()
    assert client.post(url, {**values, "attach": "1"}).status_code == 303
    task = run_waiting(Task.objects.latest("pk").pk)
    assert task is not None and task.state == "completed", task and task.error
    assert Store.objects.get(name="Back").pk == store.pk


def test_what_takes_two_people_and_can_t_be_planned_says_why_at_the_shell(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    make_store()
    for words in (
        ("DetachStore", "--id", "1000000"),
        ("DeleteFolder", "--folder", "no address"),
        ("ReleaseHold", "--hold", "7"),
    ):
        with pytest.raises(SystemExit) as left:
            call_command("invoke", "--", *words)
        assert left.value.code == 1
        assert capsys.readouterr().err.strip()
