"""Stores as the organisation sees them: made where they may lie, in a state that counts everywhere, let go and back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import AuditEvent, User
from archive import engines, selectors
from archive.errors import StoreProtected, StoreRefused, StoreUnavailable, StoreUnknown
from archive.health import check_stores
from archive.models import AutoCreation, LegalHold, Store, StoreState
from archive.owners import ELSEWHERE
from archive.services import autocreate, store_changes
from archive.services.attaching import Attachment, attach_store, look_at, unlock_store
from archive.services.folders import create_folder
from archive.services.imports import ImportArguments
from archive.services.store_places import Place
from archive.services.stores import NewStore, create_store, current_store, store_for_import
from archive.store import Ingest, Keys
from archive.store import Store as Engine
from archive.store.errors import ReadOnly
from archive.store.layout import rewrap
from archive.tasks import look_after_stores
from config.kit import paths, secrets
from jobs.commands import get_command
from jobs.models import Task
from jobs.services import run_here
from tests.archive.django.factories import archive, make_mails, make_raw, make_store, write
from tests.domains.factories import make_customer, make_domain, make_mailbox_in
from tests.factories import make_mailbox, make_user

pytestmark = pytest.mark.django_db
ClientFor = Callable[..., Client]
SYSTEM = Actor.system()


def fill(store: Store, mailbox_id: int, messages: list[bytes], folder: str = "Inbox") -> None:
    with Ingest(engines.open_store(store), mailbox_id) as ingest:
        for raw in messages:
            ingest.put(folder, content=raw)


def detach(store: Store) -> Store:
    """As one who is alone may: no second person is there to ask."""
    return store_changes.detach_store(SYSTEM, store)


# Where they may lie


def test_a_store_lies_below_the_roots_and_never_in_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (root / "link").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("POSTKEEP_STORE_ROOTS", str(root))
    wanted = NewStore("One", Place(str(root / "one"), str(root / "one-db"), str(root / "one-index")))
    store = create_store(SYSTEM, name="One", wanted=wanted)
    assert (store.root, store.work, store.index) == (root / "one", root / "one-db", root / "one-index")
    mailbox = make_mailbox(make_user("x@example.org"))
    fill(store, mailbox.pk, make_mails(3))
    assert (root / "one-db" / "catalogue.sqlite").exists() and (root / "one-index" / "meta.json").exists()
    for content in ("/etc", "../x", str(tmp_path / "elsewhere" / "s"), str(root / "link" / "s"), str(root),
                    str(root / "one" / "inside"), str(root / "one-db"), "a\x00b"):  # fmt: skip
        with pytest.raises(StoreRefused) as refused:
            create_store(SYSTEM, name="Two", wanted=NewStore("Two", Place(content)))
        assert refused.value.field == "content_path", content
    assert Store.objects.count() == 1


def test_a_folder_in_which_something_lies_is_refused_and_left_alone() -> None:
    make_store()
    taken = paths.stores_dir() / "taken"
    write(taken / "diary.txt", b"mine")
    with pytest.raises(StoreRefused, match="Something lies"):
        create_store(SYSTEM, name="Two", wanted=NewStore("Two", Place("taken")))
    assert (taken / "diary.txt").read_bytes() == b"mine"
    assert not Store.objects.filter(name="Two").exists()


def test_a_name_is_given_once_and_renaming_keeps_everything(user: User) -> None:
    (public_id,) = archive(user, [make_raw()])
    store = Store.objects.get()
    with pytest.raises(StoreRefused, match="of that name"):
        create_store(SYSTEM, name="Main")
    store_changes.rename_store(SYSTEM, store, name="  Old   mail ")
    assert Store.objects.get().name == "Old mail"
    assert selectors.get_message(SYSTEM, public_id).row.subject == "Lunch on Friday"
    assert AuditEvent.objects.filter(action="store.rename").get().changes == {"name": ["Main", "Old mail"]}


# States


def test_one_store_is_current_and_new_mail_goes_there(user: User) -> None:
    first = make_store()
    second = create_store(SYSTEM, name="Two")
    store_changes.set_state(SYSTEM, second, "current")
    first.refresh_from_db()
    assert (first.state, second.state) == ("normal", "current")
    assert current_store(SYSTEM) == second
    with pytest.raises(StoreRefused, match="New mail goes here"):
        store_changes.set_state(SYSTEM, second, "disabled")
    with pytest.raises(StoreRefused, match="A store is one of"):
        store_changes.set_state(SYSTEM, second, "broken")


def test_a_write_protected_store_is_read_and_takes_nothing(user: User, tmp_path: Path) -> None:
    (public_id,) = archive(user, [make_raw("Kept")])
    store = Store.objects.get()
    other = create_store(SYSTEM, name="Two")
    held = engines.open_store(store)  # as another process has it open
    store_changes.set_state(SYSTEM, other, "current")
    store_changes.set_state(SYSTEM, store, "writeProtected")
    number = int(public_id.split(":")[1])
    with pytest.raises(ReadOnly):
        held.delete([number], reason="no", by="me")
    with pytest.raises(ReadOnly), Ingest(held, 1) as ingest:
        ingest.put("Inbox", content=make_raw("Refused"))
    with pytest.raises(StoreProtected):
        store_for_import(SYSTEM, store.name)
    source = write(tmp_path / "a.eml", make_raw("Refused"))
    arguments = ImportArguments(user=user.email, paths=[str(source)], store=store.name)
    task = run_here(Actor.console(), "ImportMail", arguments)
    assert task.state == Task.State.FAILED and "write-protected" in task.error
    assert selectors.search(selectors.console_scope(SYSTEM, None), "kept").total == 1
    assert selectors.get_message(SYSTEM, public_id).row.number == number
    for name in ("VerifyStore", "RebuildIndex"):
        assert run_here(Actor.console(), name, command_arguments(name, store)).state == "completed"
    compacted = run_here(Actor.console(), "CompactStore", command_arguments("CompactStore", store))
    assert compacted.state == "failed" and "write-protected" in compacted.error
    store_changes.set_state(SYSTEM, store, "normal")
    assert held.delete([number], reason="may be now", by="me") == 1


def test_while_a_hold_keeps_everything_nothing_is_compacted(user: User) -> None:
    public_id, *_rest = archive(user, make_mails(3))
    store = Store.objects.get()
    engines.open_store(store).delete([int(public_id.split(":")[1])], reason="by mistake", by="me")
    hold = LegalHold.objects.create(name="Smith v. Jones", everything=True, reason="a court", created_by_label="me")
    refused = run_here(Actor.console(), "CompactStore", command_arguments("CompactStore", store))
    assert refused.state == Task.State.FAILED and "Smith v. Jones" in refused.error
    everywhere = run_here(Actor.console(), "CompactStore", get_command("CompactStore").arguments())
    assert everywhere.state == Task.State.FAILED
    hold.state = LegalHold.State.RELEASED
    hold.save()
    done = run_here(Actor.console(), "CompactStore", command_arguments("CompactStore", store))
    assert done.state == Task.State.COMPLETED, done.error


def test_a_verification_that_found_damage_ends_the_shell_s_command_with_1(user: User, capsys: Any) -> None:
    archive(user, make_mails(3))
    store = Store.objects.get()
    call_command("invoke", "--", "VerifyStore", "--id", str(store.pk))
    engines.close_all()
    pack = next((store.root / "packs").iterdir())
    raw = bytearray(pack.read_bytes())
    raw[len(raw) // 2] ^= 1
    pack.write_bytes(raw)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        call_command("invoke", "--", "VerifyStore", "--id", str(store.pk))
    said = capsys.readouterr()
    assert ended.value.code == 1 and "something is wrong" in said.err and "stores:" in said.out


def command_arguments(name: str, store: Store, **more: object) -> object:
    return get_command(name).arguments_from_json({"id": store.pk, **more})


def test_a_mark_that_a_kill_left_behind_is_put_right_by_the_next_writer() -> None:
    store = make_store()
    opened = engines.open_store(store)
    opened.protect(True)
    assert engines.open_writable(store).is_protected is False


def test_a_switched_off_store_is_nowhere_until_it_is_back(client_for: ClientFor, user: User) -> None:
    (public_id,) = archive(user, [make_raw("Hidden")])
    store, other = Store.objects.get(), create_store(SYSTEM, name="Two")
    store_changes.set_state(SYSTEM, other, "current")
    store_changes.set_state(SYSTEM, store, "disabled")
    client = client_for(user)
    assert client.get(reverse("archive:message", args=[public_id])).status_code == 404
    assert selectors.search(selectors.console_scope(SYSTEM, None), "hidden").total == 0
    with pytest.raises(StoreUnknown):
        store_for_import(SYSTEM, store.name)
    verified = run_here(Actor.console(), "VerifyStore", command_arguments("VerifyStore", store))
    assert verified.state == "completed" and verified.result is not None and verified.result["ok"]
    store_changes.set_state(SYSTEM, store, "normal")
    assert client.get(reverse("archive:message", args=[public_id])).status_code == 200


def test_a_broken_store_hides_only_what_is_in_it(client_for: ClientFor, user: User) -> None:
    mailbox = make_mailbox(user)
    archive(user, [make_raw("In the first")])
    first, second = Store.objects.get(), create_store(SYSTEM, name="Two")
    fill(second, mailbox.pk, [make_raw("In the second")])
    engines.close_all()
    moved = first.root.with_name("moved")
    first.root.rename(moved)
    found = selectors.search(selectors.console_scope(SYSTEM, None), "")
    assert (found.total, found.missing) == (1, ("Main",))
    page = client_for(user).get(reverse("archive:search"))
    assert page.status_code == 200 and "In the second" in page.content.decode()
    assert "Part of the archive" in page.content.decode()
    moved.rename(first.root)
    with pytest.raises(StoreUnavailable):
        engines.open_store(first)  # not tried by every request
    assert store_changes.retry_open_stores(SYSTEM) == {}
    assert selectors.search(selectors.console_scope(SYSTEM, None), "").total == 2


# Per customer


def test_a_customers_store_takes_only_their_mail(tmp_path: Path) -> None:
    shared = make_store()
    customer, other = make_customer(), make_customer()
    theirs, others = make_mailbox_in(make_domain(customer=customer)), make_mailbox_in(make_domain(customer=other))
    own = create_store(SYSTEM, name="Theirs", wanted=NewStore("Theirs", customer=customer, state="current"))
    assert shared.state == "current" and own.state == "current"
    assert current_store(SYSTEM, theirs) == own
    assert current_store(SYSTEM, others) == shared
    with pytest.raises(StoreRefused, match="is for mail of"):
        store_for_import(SYSTEM, "Theirs", others)
    for mailbox, name in ((theirs, "Theirs"), (others, "Main")):
        source = write(tmp_path / f"{mailbox.pk}.eml", make_raw(mailbox.address))
        task = run_here(Actor.console(), "ImportMail", ImportArguments(mailbox.address, [str(source)]))
        assert task.state == "completed", task.error
        opened = engines.open_store(Store.objects.get(name=name))
        assert {folder.mailbox for folder in opened.folders()} == {mailbox.pk}


@pytest.mark.parametrize("state", ["writeProtected", "disabled", "detached"])
def test_mail_of_a_customer_whose_own_store_is_out_of_use_waits_and_never_goes_among_everybodys(
    tmp_path: Path, state: str
) -> None:
    shared = make_store()
    customer = make_customer()
    theirs, others = make_mailbox_in(make_domain(customer=customer)), make_mailbox_in(make_domain())
    own = create_store(SYSTEM, name="Theirs", wanted=NewStore("Theirs", customer=customer))
    assert current_store(SYSTEM, theirs) == shared  # normal says so
    store_changes.set_state(SYSTEM, own, "current")
    if state == "detached":
        store_changes.set_state(SYSTEM, own, "normal")
        detach(own)
    else:
        store_changes.set_state(SYSTEM, own, state)
    said = "detached" if state == "detached" else own.get_state_display().lower()
    waiting = f"New mail of {customer} waits: their store “Theirs” is {said}."
    with pytest.raises(StoreProtected, match=waiting):
        current_store(SYSTEM, theirs)
    source = write(tmp_path / "a.eml", make_raw())
    task = run_here(Actor.console(), "ImportMail", ImportArguments(theirs.address, [str(source)]))
    assert task.state == "failed" and waiting in task.error and source.exists()
    with pytest.raises(StoreProtected, match=waiting):
        create_folder(SYSTEM, theirs, "Inbox/Work")
    assert engines.open_store(shared).folders() == []
    assert current_store(SYSTEM, others) == shared
    reports = [report for report in check_stores() if report.name == f"New mail of {customer}"]
    assert [report.state for report in reports] == ["error"]

    second = create_store(SYSTEM, name="Theirs 2", wanted=NewStore("Theirs 2", customer=customer, state="current"))
    assert current_store(SYSTEM, theirs) == second
    assert not [report for report in check_stores() if report.name == f"New mail of {customer}"]
    task = run_here(Actor.console(), "ImportMail", ImportArguments(theirs.address, [str(source)]))
    assert task.state == "completed", task.error


def test_a_store_with_others_mail_in_it_is_bound_to_nobody() -> None:
    store = create_store(SYSTEM, name="Two", wanted=NewStore("Two")) if make_store() else None
    assert store is not None
    customer = make_customer()
    foreign = make_mailbox_in(make_domain())
    fill(store, foreign.pk, [make_raw()])
    with pytest.raises(StoreRefused, match="a mailbox that is not of"):
        store_changes.bind_store(SYSTEM, store, customer)
    empty = create_store(SYSTEM, name="Three")
    store_changes.bind_store(SYSTEM, empty, customer)
    assert empty.customer == customer


# Automatic making


def test_a_store_that_reached_the_threshold_is_followed_once(user: User) -> None:
    archive(user, [make_raw(attachments=[("noise", bytes(range(256)) * 4000)])])
    first = Store.objects.get()
    look_after_stores()
    assert Store.objects.count() == 1
    AutoCreation.objects.update_or_create(pk=1, defaults={"size_threshold_bytes": 1000})
    look_after_stores()
    second = Store.objects.exclude(pk=first.pk).get()
    first.refresh_from_db()
    assert (second.name, second.state, first.state) == ("Main 2", "current", "normal")
    assert autocreate.create_where_due(SYSTEM) == []
    archive(user, [make_raw("goes into the second", attachments=[("noise", bytes(9000))])])
    assert engines.open_store(second).facts().messages == 1
    autocreate.create_where_due(SYSTEM)
    assert Store.objects.filter(state="current").get().name == "Main 3"


def test_the_configuration_is_read_and_set_under_its_names() -> None:
    make_store()
    assert autocreate.get_configuration(SYSTEM) == {
        "sizeThreshold": None, "databaseBaseDirectory": "", "contentBaseDirectory": "", "indexBaseDirectory": "",
    }  # fmt: skip
    base = str(paths.stores_dir())
    config = {"sizeThreshold": 50 << 30, "contentBaseDirectory": base}
    assert autocreate.set_configuration(SYSTEM, config)["sizeThreshold"] == 50 << 30
    for wrong in ({"sizeThreshold": 5}, {"sizeThreshold": "1"}, {"contentBaseDirectory": "/etc"}, {"sizes": 1}):
        with pytest.raises(StoreRefused):
            autocreate.set_configuration(SYSTEM, wrong)
    assert autocreate.set_configuration(SYSTEM, {"sizeThreshold": None})["contentBaseDirectory"] == base


# Detach and attach


def test_a_detached_store_is_gone_here_and_comes_back_as_it_was(user: User) -> None:
    make_store()
    mailbox = make_mailbox(user)
    store = create_store(SYSTEM, name="Two")
    fill(store, mailbox.pk, make_mails(5))
    root, work = store.root, store.work
    with pytest.raises(StoreRefused, match="New mail goes here"):
        detach(Store.objects.get(name="Main"))
    detach(store)
    with pytest.raises(StoreUnavailable, match="detached"):
        engines.open_store(Store.objects.get(pk=store.pk))
    assert root.is_dir() and not work.exists()
    assert not selectors.list_stores(SYSTEM).filter(pk=store.pk).exists()
    assert selectors.search(selectors.console_scope(SYSTEM, None), "budget").total == 0
    found = look_at(SYSTEM, Place(str(root)))
    assert (found.known_as, found.is_locked, found.problem) == ("Two", False, "")
    assert found.numbers["messages"] == 5
    again = attach_store(SYSTEM, Attachment(NewStore("Two again", Place(str(root)))))
    assert again.pk == store.pk, "what was read from it is remembered by its number"
    assert engines.open_store(again).facts().messages == 5
    with pytest.raises(StoreRefused, match="is taken by"):
        attach_store(SYSTEM, Attachment(NewStore("Copy", Place(str(root)))))


def test_a_copy_of_an_attached_store_is_refused(user: User) -> None:
    archive(user, make_mails(2))
    shutil.copytree(Store.objects.get().root, paths.stores_dir() / "copy")
    with pytest.raises(StoreRefused, match="or a copy of it"):
        attach_store(SYSTEM, Attachment(NewStore("Copy", Place("copy"))))


def foreign_store(name: str, keys: Keys, mail: dict[str, list[bytes]]) -> Path:
    """A store of another installation: mailboxes 1, 2, 3 … by their addresses."""
    root = paths.stores_dir() / name
    with Engine.create(root, paths.work_dir() / f"foreign-{name}", keys) as opened:
        for number, (address, messages) in enumerate(mail.items(), 1):
            opened.mailbox(number, address)
            with Ingest(opened, number) as ingest:
                for raw in messages:
                    ingest.put("Inbox", content=raw)
    shutil.rmtree(paths.work_dir() / f"foreign-{name}")
    return root


def test_a_foreign_store_is_locked_until_its_recovery_key_opens_it(user: User, stranger: User) -> None:
    make_store()
    mine, other = make_mailbox(user), make_mailbox(stranger)
    private = b"\x07" * 32
    keys = Keys(master=b"\x08" * 32, recovery_public=secrets.public_of(private))
    root = foreign_store(
        "foreign",
        keys,
        {"nobody@elsewhere.example": make_mails(4, word="theirs"), user.email: make_mails(3, word="mine")},
    )
    assert look_at(SYSTEM, Place(str(root))).is_locked
    bound = Attachment(NewStore("Foreign", Place(str(root)), make_customer("Other")))
    with pytest.raises(StoreRefused, match="nobody can tell whose mail"):
        attach_store(SYSTEM, bound)
    store = attach_store(SYSTEM, Attachment(NewStore("Foreign", Place(str(root)))))
    with pytest.raises(StoreUnavailable):
        engines.open_store(store)
    with pytest.raises(StoreRefused, match="not the recovery key"):
        unlock_store(SYSTEM, store, passphrase=secrets.format_recovery_key(b"\x09" * 32))
    # Whoever wraps its key for us past the page doesn't make its numbers mean people here.
    document = (root / "keys.json").read_bytes()
    rewrap(root, engines.keys(), private)
    engines.close_all()
    with pytest.raises(StoreUnavailable, match="waits for its recovery key"):
        engines.open_store(store)
    (root / "keys.json").write_bytes(document)
    unlock_store(SYSTEM, store, passphrase=secrets.format_recovery_key(private))
    opened = engines.open_store(store)
    assert opened.facts().messages == 7
    with Ingest(opened, mine.pk):
        pass  # brings the index up to date
    scope = selectors.Scope(frozenset([mine.pk]))
    assert selectors.search(scope, "mine").total == 3 and selectors.search(scope, "theirs").total == 0
    assert selectors.search(selectors.Scope(frozenset([other.pk])), "").total == 0
    assert selectors.search(selectors.console_scope(SYSTEM, None), "theirs").total == 4
    owners = {folder.mailbox for folder in opened.folders()}
    assert mine.pk in owners and all(number == mine.pk or number >= ELSEWHERE for number in owners)


def test_a_store_is_attached_for_a_customer_only_without_mail_of_others(user: User, stranger: User) -> None:
    make_store()
    customer = make_customer("Lighthouse")
    own = make_mailbox_in(make_domain("lighthouse.example", customer=customer), "keeper")
    mine = make_mailbox(user)
    root = foreign_store("for-them", engines.keys(), {own.address: make_mails(2), mine.address: make_mails(1)})
    bound = NewStore("For them", Place(str(root)), customer)
    for attempt in (lambda: look_at(SYSTEM, bound.place, customer), lambda: attach_store(SYSTEM, Attachment(bound))):
        with pytest.raises(StoreRefused, match=f"mailbox that is not of Lighthouse: {mine.address}"):
            attempt()
    assert not Store.objects.filter(name="For them").exists()
    store = attach_store(SYSTEM, Attachment(NewStore("For all", Place(str(root)))))
    with pytest.raises(StoreRefused, match="that is not of Lighthouse"):
        store_changes.bind_store(SYSTEM, store, customer)
    only = foreign_store("only-theirs", engines.keys(), {own.address: make_mails(2)})
    assert attach_store(SYSTEM, Attachment(NewStore("Theirs", Place(str(only)), customer))).customer == customer


def test_mailboxes_of_a_foreign_store_are_never_joined(user: User) -> None:
    """Two numbers of one address, as after a purge: the newer one gets it, the older stays nobody's."""
    make_store()
    mine = make_mailbox(user)
    root = foreign_store("twice", engines.keys(), {"old@x.example": make_mails(2), user.email: make_mails(1)})
    with Engine.open(root, paths.work_dir() / "twice", engines.keys()) as opened:
        opened.mailbox(1, user.email)
    shutil.rmtree(paths.work_dir() / "twice")
    store = attach_store(SYSTEM, Attachment(NewStore("Twice", Place(str(root)))))
    counts = {folder.mailbox: folder.messages for folder in engines.open_store(store).folders()}
    assert counts.pop(mine.pk) == 1
    assert list(counts.values()) == [2] and min(counts) >= ELSEWHERE


def test_a_folder_that_was_copied_while_it_was_written_is_refused_or_recovered(user: User) -> None:
    make_store()
    mailbox = make_mailbox(user)
    root = foreign_store("moving", engines.keys(), {user.email: make_mails(6)})
    pack = next((root / "packs").iterdir())
    whole = pack.read_bytes()
    pack.write_bytes(whole[: len(whole) * 2 // 3])  # the pack was copied before the journal
    found = look_at(SYSTEM, Place(str(root)))
    assert "copied while it was written" in found.problem or "were expected" in found.problem
    with pytest.raises(StoreRefused, match="copied while it was written"):
        attach_store(SYSTEM, Attachment(NewStore("Moving", Place(str(root)))))
    assert not Store.objects.filter(name="Moving").exists()
    notes: list[str] = []
    store = attach_store(SYSTEM, Attachment(NewStore("Moving", Place(str(root))), recover=True), tell=notes.append)
    opened = engines.open_store(store)
    readable = 0
    for row in opened.iterate(None, mailboxes={mailbox.pk}):
        try:
            readable += opened.read(row.number) in make_mails(6)
        except Exception as error:
            assert type(error).__name__ == "Damaged"
    assert 0 < readable < 6 and notes


def test_folders_of_a_store_are_moved_by_hand_and_said(user: User) -> None:
    archive(user, make_mails(2))
    store = Store.objects.get()
    engines.close_all()
    store.root.rename(paths.stores_dir() / "moved")
    with pytest.raises(StoreRefused, match=r"store\.json is missing"):
        store_changes.set_place(SYSTEM, store, Place("nowhere"))
    store_changes.set_place(SYSTEM, store, Place("moved", index=str(paths.work_dir() / "index-elsewhere")))
    assert engines.open_store(store).facts().messages == 2
    with pytest.raises(StoreRefused):
        store_changes.set_place(SYSTEM, store, Place("/etc"))


def test_the_states_of_the_reference_are_all_there() -> None:
    assert set(store_changes.STATE_NAMES.values()) == set(StoreState)
