"""Stores in PostgreSQL as the product has them: made, filled, sealed, let go, attached again, shown, backed up."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from accounts.actors import Actor
from accounts.models import AuditEvent, User
from archive import engines, grounds, selectors, storefacts
from archive.commands.stores import AttachArguments
from archive.errors import StoreRefused
from archive.models import AutoCreation, BackupSet, Store
from archive.services import attaching, autocreate, keys, sealing, store_changes
from archive.services.backup import restoring
from archive.services.backup.destinations import create_destination, update_destination
from archive.services.store_places import DatabasePlace, Place
from archive.services.stores import NewStore, create_store
from archive.store.errors import StorageFailed
from archive.store.keys import is_wrapped_for
from archive.store.layout import read_whole
from archive.store.postgres import FileObjects, PostgresBackend
from config.kit import net, paths, secrets
from config.kit.sealed import Sealed
from domains.models import Mailbox
from jobs.errors import BadArguments
from jobs.models import Task
from jobs.services import run_waiting, submit
from tests.archive.django.factories import archive, make_mails
from tests.archive.django.test_store_commands import invoke, refused
from tests.domains.factories import make_customer
from tests.factories import make_mailbox
from tests.s3 import S3, needs_s3

pytestmark = pytest.mark.django_db
ClientFor = Callable[..., Client]
SYSTEM = Actor.system()
# Small packs, so that each batch of mails seals the one before.
PACK_BYTES = 500


@pytest.fixture(autouse=True)
def schemas(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever stores a test makes in the session's databases is gone after it."""
    monkeypatch.setattr(engines, "PACK_BYTES", PACK_BYTES)
    yield
    engines.close_all()
    for conninfo, names in ((grounds.house_conninfo(), "^store_"), (other_database(), "^mail_")):
        with psycopg.connect(conninfo, autocommit=True) as own:
            for (name,) in own.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ %s", (names,)).fetchall():
                own.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


def other_database() -> str:
    """Another database of the session's server."""
    return f"host={paths.run_dir()} user=postkeep dbname=postkeep"


def in_database(name: str = "Mail", state: str = "current", **place: str) -> Store:
    return create_store(SYSTEM, name=name, wanted=NewStore(name, Place(postgres=DatabasePlace(**place)), state=state))


def backend_of(store: Store) -> PostgresBackend:
    backend = engines.open_store(store).backend
    assert isinstance(backend, PostgresBackend)
    return backend


def archive_in_batches(user: User) -> None:
    """Thirty mails in three packs, of which two are sealed."""
    mails = make_mails(30)
    for at in range(0, 30, 10):
        archive(make_mailbox(user) if at == 0 else Mailbox.objects.get(), mails[at : at + 10])


def found(word: str = "budget") -> int:
    return selectors.search(selectors.console_scope(SYSTEM, None), word).total


def objects_in(store: Store) -> list[Path]:
    return list(Path(store.objects_path).rglob("*.pack"))


def test_a_store_in_postkeeps_own_database_is_made_filled_sealed_let_go_and_attached_again(user: User) -> None:
    made = invoke("CreateStore", name="Mail", type="PostgreSQL", requestedState="current")
    assert (made["type"], made["schemaName"], made["objects"]) == ("PostgreSQL", "store_mail", "folder")
    assert (made["state"], made["error"], made["messages"]) == ("current", None, 0)
    store = Store.objects.get()
    archive_in_batches(user)
    assert found() == 30 and not store.root.exists()
    assert invoke("VerifyStore", id=store.pk, deep=True)["ok"]

    # What never changes again leaves the database: by the clock, as a task, once.
    (task,) = sealing.seal_due()
    assert sealing.seal_due() == []
    done = run_waiting(task)
    assert done is not None and done.state == "completed", done and done.error
    assert done.result is not None and done.result["stores"][0]["numbers"]["packs"] == len(objects_in(store)) == 2
    assert sealing.seal_due() == [] and invoke("SealStorePacks", id=store.pk)["stores"][0]["numbers"]["packs"] == 0
    assert AuditEvent.objects.filter(action="store.seal", object_id=str(store.pk)).exists()
    engines.close_all()
    numbers = sorted(engines.open_store(store).catalogue.numbers())
    assert b"week 29" in b"".join(engines.open_store(store).read(number) for number in numbers)
    engines.open_store(store).delete(numbers[:10], reason="a test", by="me")
    assert invoke("CompactStore", id=store.pk)["ok"] and invoke("VerifyStore", id=store.pk, deep=True)["ok"]
    for name in ("RefreshAllStoreStatistics", "MaintainFileSystemDatabases"):
        invoke(name)
    for name in ("RepairStoreDatabase", "RebuildIndex", "RecoverStore"):
        assert invoke(name, id=store.pk)["ok"], name

    # Another master key, and the key of the store typed in where its own file is lost.
    keys.renew_master_key(Actor.console())
    document = read_whole(backend_of(store), "keys.json")
    assert is_wrapped_for(document, store.identity or "", secrets.master_key()) and b'"next"' not in document
    engines.close_all()
    assert engines.open_store(store).facts().messages == 20
    assert (storefacts.in_database_bytes(store) or 0) > 0

    # Let go: nothing in plain text stays. Attached by its schema it is as it was, its packs are where they were.
    create_store(SYSTEM, name="Folder", wanted=NewStore("Folder", state="current"))
    store.refresh_from_db()
    store_changes.detach_store(SYSTEM, store)
    assert found() == 0 and not store.work.exists()
    with psycopg.connect(grounds.house_conninfo()) as own:
        tables = own.execute("SELECT to_regclass('store_mail.message'), to_regclass('store_mail.journal')").fetchone()
        assert tables == (None, "store_mail.journal")
    there = Place(postgres=DatabasePlace(schema="store_mail"))
    looked = attaching.look_at(SYSTEM, there)
    assert (looked.known_as, looked.is_locked, looked.problem) == ("Mail", False, "")
    assert looked.numbers["messages"] == 20
    again = invoke("AttachStore", name="Mail again", type="PostgreSQL", schemaName="store_mail")
    assert (again["id"], again["error"], again["messages"]) == (store.pk, None, 20)
    assert invoke("RebuildIndex", id=store.pk)["ok"] and found() == 20
    assert invoke("VerifyStore", id=store.pk, deep=True)["ok"]
    assert "lies there" in refused("AttachStore", name="Copy", type="PostgreSQL", schemaName="store_mail")


def test_a_database_elsewhere_has_its_password_sealed_and_never_told(user: User) -> None:
    dsn = f"postgresql://postkeep:open-sesame@/postkeep?host={paths.run_dir()}"
    store = in_database(dsn=dsn, schema="mail_of_2026", objects="")
    archive_in_batches(user)
    assert (store.schema, store.objects_kind, found()) == ("mail_of_2026", "", 30)
    assert store.dsn_password.reveal() == "open-sesame" and "sesame" not in store.dsn
    told = [invoke("GetStores"), list(AuditEvent.objects.values("details", "changes")), store.shown]
    assert "sesame" not in json.dumps(told, default=str)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(s)::text FROM archive_store s")
        assert "sesame" not in cursor.fetchone()[0]
    # Its place is said anew: the same store must lie there, and where the password goes changes with the server only.
    store_changes.set_place(SYSTEM, store, Place(postgres=DatabasePlace(objects="folder", objects_path="packs")))
    assert store.objects_path == str(paths.stores_dir() / "packs") and store.dsn_password.reveal() == "open-sesame"
    with pytest.raises(StoreRefused) as refusal:
        store_changes.set_place(SYSTEM, store, Place(postgres=DatabasePlace(schema="mail_of_2027")))
    assert refusal.value.field == "schema_name"
    assert invoke("SealStorePacks", id=store.pk)["ok"] and len(objects_in(store)) == 2
    for place in (DatabasePlace(objects="folder", objects_path="empty"), DatabasePlace(objects="")):
        with pytest.raises(StoreRefused):
            store_changes.set_place(SYSTEM, store, Place(postgres=place))
    assert found() == 30


@needs_s3
def test_packs_go_to_a_bucket_through_the_gate_and_its_secret_is_never_told(
    user: User, s3_server: S3, settings: Any
) -> None:
    place = {
        "objects": "s3", "endpoint": s3_server.endpoint, "bucket": s3_server.new_bucket(), "prefix": "mail",
        "access_key": s3_server.key, "secret_key": s3_server.secret,
    }  # fmt: skip
    with pytest.raises(StoreRefused, match="aren't allowed"):
        in_database(**place)
    settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.ALLOWED_PORTS = frozenset({s3_server.port})
    with pytest.raises(StoreRefused) as refusal:
        in_database(**place | {"secret_key": "wrong"})
    assert refusal.value.field == "bucket"
    store = in_database(**place)
    archive_in_batches(user)
    assert invoke("SealStorePacks", id=store.pk)["stores"][0]["numbers"]["packs"] == 2
    engines.close_all()
    assert found() == 30 and invoke("VerifyStore", id=store.pk, deep=True)["ok"]
    told = json.dumps([invoke("GetStores"), list(AuditEvent.objects.values("details", "changes"))], default=str)
    assert f"s3://{store.bucket}/mail" in told and s3_server.secret not in told
    with pytest.raises(StoreRefused) as refusal:
        store_changes.set_place(SYSTEM, store, Place(postgres=DatabasePlace(bucket=s3_server.new_bucket())))
    assert refusal.value.field == "secret_key"
    # Out of reach, the store opens all the same, and what is in the database is read.
    settings.ALLOWED_PORTS = frozenset()
    engines.close_all()
    newest = max(engines.open_store(store).catalogue.numbers())
    assert b"week 29" in engines.open_store(store).read(newest)
    assert sealing.seal_due() == []


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ({"dsn": "host=/tmp dbname=x"}, "dsn"),  # a socket of another server
        ({"dsn": "host=127.0.0.1 dbname=x"}, "dsn"),  # kept by the gate
        ({"dsn": "host=db.example.org dbname=x service=y"}, "dsn"),
        ({"dsn": "host=db.example.org"}, "dsn"),
        ({"dsn": "host=a,b dbname=x"}, "dsn"),
        ({"password": "x"}, "password"),
        ({"schema": "public"}, "schema_name"),
        ({"schema": 'store_"x'}, "schema_name"),
        ({"dsn": "host=db.example.org dbname=x connect_timeout=0"}, "dsn"),  # would wait for ever
        ({"dsn": "host={run} dbname=postkeep", "schema": "public"}, "schema_name"),
        ({"dsn": "host={run} dbname=postkeep", "schema": "pg_temp"}, "schema_name"),
        ({"dsn": "host={run} dbname={own}", "schema": "mail_x"}, "dsn"),  # Postkeep's own, by another name
        ({"objects": "s3", "endpoint": "https://s3.example.org#@x", "bucket": "mail"}, "endpoint"),
        ({"objects": "s3", "endpoint": "ftp://x", "bucket": "mail"}, "endpoint"),
        ({"objects": "s3", "endpoint": "https://s3.example.org", "bucket": "x"}, "bucket"),
        ({"objects": "folder", "objects_path": "/etc/packs"}, "objects_path"),
        ({"objects": "tape"}, "objects"),
    ],
)  # fmt: skip
def test_where_a_store_may_not_lie(place: dict[str, str], field: str) -> None:
    own = {"run": paths.run_dir(), "own": connection.settings_dict["NAME"]}
    with pytest.raises(StoreRefused) as refusal:
        in_database(**{name: value.format(**own) for name, value in place.items()})
    assert refusal.value.field == field and not Store.objects.exists()


def test_a_password_inside_of_an_address_is_in_no_tasks_row(administrator: User) -> None:
    dsn = "postgresql://keeper:open-sesame@db.example.org/mail?sslmode=require"
    arguments = AttachArguments(name="Mail", type="PostgreSQL", dsn=dsn, schema_name="mail")
    task = submit(Actor.for_user(administrator), "AttachStore", arguments)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(t)::text FROM jobs_task t WHERE id = %s", [task.pk])
        row = cursor.fetchone()[0]
    assert "sesame" not in row and "db.example.org" in row and arguments.password == "open-sesame"
    with pytest.raises(BadArguments):  # nobody can tell where the password is
        AttachArguments(name="Mail", type="PostgreSQL", dsn="postgresql://keeper:open%zz@db.example.org/mail")


def test_a_server_is_reached_by_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "of-this-server")
    monkeypatch.setattr(net, "system_resolve", lambda host, port, timeout_s: ["192.0.2.7", "203.0.113.9"])
    gate = net.Gate((ipaddress.ip_network("0.0.0.0/0"),), grounds.DATABASE_PORTS, net.system_resolve)
    monkeypatch.setattr(grounds, "_gate", lambda ports: gate)
    said = conninfo_to_dict(grounds.conninfo_of("host=db.example.org dbname=mail", Sealed("", purpose="x")))
    assert (said["host"], said["hostaddr"]) == ("db.example.org,db.example.org", "192.0.2.7,203.0.113.9")
    assert said["password"] == "" and said["passfile"] == grounds.NO_FILE


def test_what_lies_in_a_schema_already_is_left_alone() -> None:
    with psycopg.connect(other_database(), autocommit=True) as own:
        own.execute("CREATE SCHEMA mail_taken CREATE TABLE message (id int)")
    with pytest.raises(StoreRefused):
        in_database(dsn=f"host={paths.run_dir()} dbname=postkeep user=postkeep", schema="mail_taken", objects="")
    with psycopg.connect(other_database()) as own:
        tables = own.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'mail_taken'").fetchall()
    assert tables == [("message",)] and not Store.objects.exists()


def test_keys_of_objects_lead_out_of_no_folder(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"mine")
    packs = FileObjects(tmp_path / "packs")
    for key in ("../outside", str(tmp_path / "outside"), "a/../../outside", "a//b", ""):
        for ask in (lambda key=key: packs.read(key, 0, 4), lambda key=key: packs.delete(key)):
            with pytest.raises(StorageFailed):
                ask()
    assert (tmp_path / "outside").read_bytes() == b"mine"


def test_a_store_that_is_not_attached_after_all_leaves_nothing_in_plain_text(user: User) -> None:
    store = in_database()
    archive_in_batches(user)
    create_store(SYSTEM, name="Folder", wanted=NewStore("Folder", state="current"))
    store.refresh_from_db()
    store_changes.detach_store(SYSTEM, store)
    wanted = NewStore("Back", Place(postgres=DatabasePlace(schema="store_mail")), make_customer("Other"))
    with pytest.raises(StoreRefused) as refusal:
        attaching.attach_store(SYSTEM, attaching.Attachment(wanted))
    assert refusal.value.field == "customer" and "a mailbox that is not of Other" in str(refusal.value)
    with psycopg.connect(grounds.house_conninfo()) as own:
        assert own.execute("SELECT to_regclass('store_mail.message')").fetchone() == (None,)
    assert not paths.work_dir().joinpath(f"attach-{store.identity}").exists()
    attaching.attach_store(SYSTEM, attaching.Attachment(NewStore("Back", wanted.place)))
    assert engines.open_store(Store.objects.get(name="Back")).facts().messages == 30


def test_a_store_elsewhere_that_does_not_answer_holds_up_no_other(user: User) -> None:
    """Another process said where it lies now: what is open here is opened anew."""
    store = in_database(dsn=f"host={paths.run_dir()} dbname=postkeep user=postkeep", schema="mail_x", objects="folder")
    archive_in_batches(user)
    before = engines.open_store(store)
    assert engines.open_store(Store.objects.get(pk=store.pk)) is before
    Store.objects.filter(pk=store.pk).update(objects_path=str(paths.stores_dir() / "elsewhere"))
    moved = engines.open_store(Store.objects.get(pk=store.pk))
    assert moved is not before
    before.close()
    with engines._opening[store.pk]:  # as while its server doesn't answer
        assert engines.open_store(create_store(SYSTEM, name="Folder")).facts().messages == 0
        assert engines.open_store(Store.objects.get(pk=store.pk)) is moved


def test_kinds_are_answered_as_they_are() -> None:
    assert "SQL Server" in refused("CreateStore", name="A", type="SQLServer")
    assert "no Firebird" in refused("CreateStore", name="A", type="Firebird")
    assert "Name the server" in refused("CreateStore", name="A", type="PostgreSQL", databaseName="mail")
    assert "Name the database" in refused("CreateStore", name="A", type="PostgreSQL", serverName="db.example.org")
    folder, database = create_store(SYSTEM, name="Folder"), in_database("Mail", "normal")
    assert "stays of its kind" in refused("SetStoreProperties", id=folder.pk, type="PostgreSQL", schemaName="store_x")
    assert "stays of its kind" in refused("SetStoreProperties", id=database.pk, type="FileSystemInternal")
    assert "stay where they are" in refused("SealStorePacks", id=folder.pk)
    assert "lies there" in refused("CreateStore", name="B", type="PostgreSQL", schemaName=database.schema)
    assert invoke("RenameStore", id=database.pk, name="Renamed")["schemaName"] == "store_mail"
    moved = invoke("SetStoreProperties", id=database.pk, indexPath=str(paths.work_dir() / "elsewhere"))
    assert moved["indexPath"].endswith("elsewhere") and moved["error"] is None


def test_the_next_store_is_of_the_same_kind() -> None:
    store = in_database()
    config = AutoCreation.load()
    config.size_threshold_bytes = 0
    config.save()
    (second,) = autocreate.create_where_due(SYSTEM)
    assert (second.name, second.kind, second.schema, second.state) == ("Mail 2", "postgres", "store_mail_2", "current")
    assert Path(second.objects_path).parent == Path(store.objects_path).parent != Path(second.objects_path)
    assert engines.open_store(second).facts().messages == 0


def test_a_backup_of_it_comes_back_as_a_folder_and_says_so(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTKEEP_BACKUP_ROOTS", str(tmp_path))
    store = in_database()
    archive_in_batches(user)
    invoke("SealStorePacks", id=store.pk)
    destination = create_destination(SYSTEM, name="Here", kind="folder", path=str(tmp_path / "backups"))
    assert invoke("RunBackup", destination="Here")["problems"] == []
    backup = BackupSet.objects.get(destination=destination)
    create_store(SYSTEM, name="Folder", wanted=NewStore("Folder", state="current"))
    store.refresh_from_db()
    store_changes.set_state(SYSTEM, store, "disabled")
    plan = restoring.plan_store(SYSTEM, backup, "Mail")
    assert plan is not None and "A restored store is a folder" in plan.note and "store_mail" in plan.note
    done = invoke("RestoreStore", destination="Here", backupSet=backup.set, store="Mail")
    assert done["ok"] and "store_mail" in done["kept_aside"]
    store.refresh_from_db()
    assert (store.kind, store.schema, store.objects_path) == ("folder", "", "") and store.root.is_dir()
    assert engines.open_store(store).facts().messages == 30


def test_a_changed_secret_key_of_a_backup_is_not_in_the_audit_trail() -> None:
    place = {"kind": "s3", "endpoint": "https://s3.example.org", "bucket": "mail"}
    made = create_destination(SYSTEM, name="There", secret_key="first-secret", **place)
    update_destination(SYSTEM, made, secret_key="second-secret")
    assert made.secret_key.reveal() == "second-secret"
    assert "secret" not in json.dumps(list(AuditEvent.objects.values("details", "changes"))).replace("secret_key", "")


def test_the_pages_show_only_the_fields_that_matter_and_where_it_lies(
    client_for: ClientFor, administrator: User, user: User
) -> None:
    client, create = client_for(administrator), reverse("archive:store-create")
    page = client.get(create).content.decode()
    assert 'name="content_path"' in page and 'name="dsn"' not in page and 'name="objects"' not in page
    page = client.post(create, {"look": "1", "kind": "postgres", "name": "Mail"}).content.decode()
    assert 'name="content_path"' not in page and 'name="objects_path"' in page and 'value="Mail"' in page
    asked = {"look": "1", "kind": "postgres", "database": "other", "objects": "s3", "secret_key": "zebra"}
    page = client.post(create, asked).content.decode()
    assert 'name="dsn"' in page and 'name="secret_key"' in page and "zebra" not in page
    sent = {"name": "Mail", "requested_state": "current", "kind": "postgres", "database": "own", "objects": "folder"}
    assert client.post(create, sent).status_code == 303
    store = Store.objects.get()
    archive_in_batches(user)
    detail = client.get(reverse("archive:store-detail", args=[store.pk])).content.decode()
    for shown in ("PostgreSQL database", "store_mail", store.objects_path, "In the database"):
        assert shown in detail, shown
    assert "PostgreSQL database" in client.get(reverse("archive:store-list")).content.decode()
    upkeep = client.get(reverse("archive:store-upkeep", args=[store.pk])).content.decode()
    seal = reverse("archive:store-action", args=[store.pk, "seal"])
    assert seal in upkeep and b'class="numbers"' in client.get(seal).content
    assert client.post(seal).status_code == 303
    edit = reverse("archive:store-edit", args=[store.pk])
    assert 'name="schema_name"' in client.get(edit).content.decode()
    changed = {
        "name": "Mail of all", "version": str(store.version), "database": "own", "schema_name": "store_mail",
        "objects": "folder", "objects_path": store.objects_path,
    }  # fmt: skip
    assert client.post(edit, changed).status_code == 303
    assert client.post(edit, changed | {"version": "2", "schema_name": "store_other"}).status_code == 422
    store.refresh_from_db()
    assert (store.name, store.schema) == ("Mail of all", "store_mail")
    other = create_store(SYSTEM, name="Folder", wanted=NewStore("Folder", state="current"))
    assert (
        reverse("archive:store-action", args=[other.pk, "seal"])
        not in client.get(reverse("archive:store-upkeep", args=[other.pk])).content.decode()
    )
    assert client.get(reverse("archive:store-action", args=[other.pk, "seal"])).status_code == 404
    store.refresh_from_db()
    store_changes.detach_store(SYSTEM, store)
    attach = reverse("archive:store-attach")
    sent = {"name": "Back", "requested_state": "normal", "kind": "postgres", "database": "own", "objects": "as_before"}
    assert client.post(attach, sent).status_code == 422
    page = client.post(attach, sent | {"schema_name": "store_mail"}).content.decode()
    assert "It was attached before" in page
    assert client.post(attach, sent | {"schema_name": "store_mail", "attach": "1"}).status_code == 303
    task = run_waiting(Task.objects.filter(type="AttachStore").latest("pk").pk)
    assert task is not None and task.state == "completed", task and task.error
    assert Store.objects.get(name="Back").pk == store.pk
