"""Signed checkpoints: when they are made, where they lie, that verifying checks them, and what it finds."""

from __future__ import annotations

import ipaddress
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts import options
from accounts.actors import Actor
from accounts.errors import BadOption, Forbidden
from accounts.models import AuditEvent, User
from accounts.scopes import SERVER
from accounts.services.options import set_option, write_option
from archive import engines
from archive.commands.upkeep import VerifyArguments
from archive.evidence import checkpoints
from archive.evidence.leaves import DATA, Leaves
from archive.evidence_offers import check_evidence
from archive.models import EvidenceKey, Store, StoreCheckpoint
from archive.services import evidence
from archive.services.evidence import (
    TSA_CERTIFICATES,
    TSA_URL,
    CheckpointArguments,
    checkpoint_now,
    stamp_missing,
)
from archive.services.evidence_checks import Check, Findings
from config.kit.sealed import Sealed
from jobs.commands import NoArguments
from jobs.dispatching import make_built_in
from jobs.models import Task
from jobs.services import run_here
from tests.archive.django.factories import archive, make_mails
from tests.archive.evidence.making import load_verifier
from tests.tsa_server import Authority, needs_openssl, running_authority

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()


@pytest.fixture
def store(user: User) -> Store:
    archive(user, make_mails(5), index=False)
    return Store.objects.get()


def look(store: Store, *, deep: bool = True) -> Findings:
    return Check(store, engines.open_store(store)).run(deep=deep)


def files(store: Store) -> list[Path]:
    return sorted((store.root / "evidence").glob("*.json"))


# --- making --------------------------------------------------------------------------------------------------------


def test_a_checkpoint_says_what_the_journal_is_and_lies_with_the_store_too(store: Store) -> None:
    row, new = checkpoint_now(SYSTEM, store)
    said, opened = row.said(), engines.open_store(store)
    assert new
    assert (said.store, said.messages, said.record) == (store.identity, 5, opened.catalogue.position().sequence)
    assert bytes.fromhex(said.chain) == opened.catalogue.position().chain
    (file,) = files(store)
    assert checkpoints.read(file.read_bytes()).statement == row.statement
    assert row.as_checkpoint().is_signed()
    assert AuditEvent.objects.filter(action="store.sign").count() == 1


def test_a_store_nothing_was_written_to_keeps_its_last_one(store: Store) -> None:
    first, _new = checkpoint_now(SYSTEM, store)
    again, new = checkpoint_now(SYSTEM, store)
    assert (again.pk, new) == (first.pk, False)
    assert len(files(store)) == 1


def test_each_names_the_one_before_it(store: Store, user: User) -> None:
    first, _new = checkpoint_now(SYSTEM, store)
    archive(user, make_mails(3, word="later"), index=False)
    second, _new = checkpoint_now(SYSTEM, store)
    assert second.said().previous == first.digest
    assert (first.messages, second.messages) == (5, 8)
    assert look(store).problems == []


def test_the_key_is_sealed_in_the_database_and_made_once(store: Store) -> None:
    row, _new = checkpoint_now(SYSTEM, store)
    key = EvidenceKey.objects.get()
    plain = key.private.reveal()
    assert key.public == row.key
    assert plain not in str(EvidenceKey.objects.values_list("private").get())
    assert str(key.private) == "••••••"


def test_a_key_that_nothing_opens_any_more_is_retired_and_another_one_made(store: Store, user: User) -> None:
    first, _new = checkpoint_now(SYSTEM, store)
    EvidenceKey.objects.update(private=Sealed("sealed:1:gone:AAAA", purpose="evidence signing key"))
    archive(user, make_mails(1, word="other"), index=False)
    second, _new = checkpoint_now(SYSTEM, store)
    assert second.key != first.key
    assert EvidenceKey.objects.get(public=first.key).retired_at is not None
    assert look(store).problems == []


def test_signing_is_a_command_and_a_job_every_hour(store: Store, administrator: User) -> None:
    task = run_here(Actor.for_user(administrator), "SignStore", CheckpointArguments())
    assert task.state == Task.State.COMPLETED, task.error
    assert task.result is not None
    assert task.result["stores"][0] | {"record": 0} == {
        "store": "Main", "record": 0, "messages": 5, "new": True, "stamped": None,
    }  # fmt: skip
    job = next(job for job in make_built_in() if job.built_in == "sign-stores")
    assert (job.command, job.schedule["interval"]) == ("SignStore", 60)


def test_nobody_signs_without_the_right(store: Store, user: User) -> None:
    with pytest.raises(Forbidden):
        run_here(Actor.for_user(user), "SignStore", CheckpointArguments())
    assert not StoreCheckpoint.objects.exists()


def test_the_leaves_are_read_once_and_made_anew_where_they_are_damaged(store: Store) -> None:
    opened = engines.open_store(store)
    trees = Leaves(opened).catch_up()
    file = opened.work / DATA
    file.write_bytes(bytes(file.stat().st_size))
    assert Leaves(opened).catch_up().root == trees.root
    file.unlink()
    assert Leaves(opened).catch_up().root == trees.root


# --- verifying -----------------------------------------------------------------------------------------------------


def test_verifying_a_store_checks_its_checkpoints(user: User) -> None:
    archive(user, make_mails(5))
    store = Store.objects.get()
    checkpoint_now(SYSTEM, store)
    task = run_here(Actor.console(), "VerifyStore", VerifyArguments())
    assert task.result is not None
    assert task.result["ok"], task.result
    assert task.result["stores"][0]["numbers"]["checkpoints"] == 1


def test_a_journal_that_was_cut_between_two_records_is_found(store: Store, user: User) -> None:
    """Nothing in the store itself shows it, once its catalogue is made anew."""
    opened = engines.open_store(store)
    end = opened.catalogue.position()
    archive(user, make_mails(2, word="cut off"), index=False)
    checkpoint_now(SYSTEM, store)
    engines.close_all()
    segment = store.root / "journal" / f"{end.segment:08d}.log"
    segment.write_bytes(segment.read_bytes()[: end.offset])
    shutil.rmtree(store.work)
    (problem,) = look(store).problems
    assert "changed or cut off" in problem.what


def test_a_changed_checkpoint_and_one_that_was_taken_away_are_found(store: Store, user: User) -> None:
    checkpoint_now(SYSTEM, store)
    archive(user, make_mails(2, word="second"), index=False)
    checkpoint_now(SYSTEM, store)
    first = files(store)[0]
    document = json.loads(first.read_bytes())
    document["statement"] = document["statement"].replace('"messages": 5', '"messages": 4')
    first.write_text(json.dumps(document))
    engines.close_all()
    assert "the checkpoint's signature does not hold" in [problem.what for problem in look(store).problems]
    first.unlink()
    assert [problem.what for problem in look(store).problems] == [
        "the database has a checkpoint that the store's folder lacks"
    ]
    StoreCheckpoint.objects.filter(messages=5).delete()
    assert [problem.what for problem in look(store).problems] == ["the checkpoint before this one is missing"]


def test_a_signed_root_that_the_messages_do_not_give_is_found_when_looking_deep(store: Store) -> None:
    opened = engines.open_store(store)
    trees = Leaves(opened).catch_up()
    lie = type(trees)(trees.position, trees.count, bytes(32), trees.data)
    key = evidence.signing_key()
    made = checkpoints.make(opened, lie, key, at=store.created_at, server="here", previous="")
    checkpoints.keep(opened, made)
    StoreCheckpoint.of(made, store).save()
    assert look(store, deep=False).problems == []
    assert [problem.what for problem in look(store).problems] == ["the messages are not those that were signed"]


def test_a_store_from_elsewhere_brings_its_checkpoints_along(store: Store) -> None:
    row, _new = checkpoint_now(SYSTEM, store)
    StoreCheckpoint.objects.all().delete()
    EvidenceKey.objects.all().delete()
    found = look(store)
    assert found.problems == []
    assert any("signed by another server" in note for note in found.notes)
    evidence.take_in(store, engines.open_store(store))
    assert StoreCheckpoint.objects.get().digest == row.digest


# --- time stamps ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tsa_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with running_authority(tmp_path_factory.mktemp("tsa")) as authority:
        yield authority


@pytest.fixture
def tsa(tsa_running: Authority, settings: Settings, db: None) -> Authority:
    """Set as this server's authority, and the gate open to it."""
    settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.ALLOWED_PORTS = frozenset({tsa_running.port})
    write_option(SYSTEM, SERVER, options.get(TSA_URL), tsa_running.url)
    write_option(SYSTEM, SERVER, options.get(TSA_CERTIFICATES), tsa_running.root)
    tsa_running.broken = False
    return tsa_running


@needs_openssl
def test_checkpoints_are_stamped_and_verifying_checks_the_stamps(tsa: Authority, store: Store) -> None:
    row, _new = checkpoint_now(SYSTEM, store)
    assert stamp_missing(store) == ""
    row.refresh_from_db()
    assert row.stamped_at is not None
    assert list((store.root / "evidence").glob("*.tsr"))
    found = look(store)
    assert (found.problems, found.stamps) == ([], 1)
    asked = tsa.asked
    assert stamp_missing(store) == ""
    assert tsa.asked == asked


@needs_openssl
def test_an_authority_that_fails_keeps_nobody_from_signing_and_is_asked_again(tsa: Authority, store: Store) -> None:
    tsa.broken = True
    task = run_here(Actor.console(), "SignStore", CheckpointArguments())
    assert task.state == Task.State.COMPLETED
    row = StoreCheckpoint.objects.get()
    assert (row.stamped_at, "503" in row.stamp_problem) == (None, True)
    (report,) = list(check_evidence())
    assert report.state == "warning"
    tsa.broken = False
    run_here(Actor.console(), "SignStore", CheckpointArguments())
    row.refresh_from_db()
    assert row.stamped_at is not None
    assert row.stamp_problem == ""


@needs_openssl
def test_a_stamp_of_an_authority_that_nothing_vouches_for_is_refused(
    tsa: Authority, store: Store, tmp_path: Path
) -> None:
    other = Authority(tmp_path, name="Somebody else")
    other.make()
    write_option(SYSTEM, SERVER, options.get(TSA_CERTIFICATES), other.root)
    row, _new = checkpoint_now(SYSTEM, store)
    assert "does not hold" in stamp_missing(store)
    row.refresh_from_db()
    assert row.stamp is None


@needs_openssl
def test_a_stamp_that_is_about_something_else_is_found(tsa: Authority, store: Store, user: User) -> None:
    checkpoint_now(SYSTEM, store)
    stamp_missing(store)
    archive(user, make_mails(1, word="another"), index=False)
    checkpoint_now(SYSTEM, store)
    stamp_missing(store)
    one, two = sorted((store.root / "evidence").glob("*.tsr"))
    one.write_bytes(two.read_bytes())
    engines.close_all()
    (problem,) = look(store).problems
    assert "time stamp does not hold" in problem.what


@needs_openssl
def test_the_offline_verifier_reads_the_same_stamps(tsa: Authority, store: Store) -> None:
    verifier = load_verifier()
    row, _new = checkpoint_now(SYSTEM, store)
    stamp_missing(store)
    row.refresh_from_db()
    answer, signature = bytes(row.stamp or b""), bytes.fromhex(row.signature)
    roots = x509.load_pem_x509_certificates(tsa.root.encode())
    moment, name = verifier.check_stamp(answer, signature, roots)
    assert moment == row.stamped_at
    assert name == "CN=Stamping unit"
    with pytest.raises(verifier.Refused, match="something else"):
        verifier.check_stamp(answer, signature[:-1] + b"x", roots)


def test_the_address_of_the_authority_passes_the_gate(store: Store) -> None:
    write_option(SYSTEM, SERVER, options.get(TSA_URL), "http://127.0.0.1:80/")
    checkpoint_now(SYSTEM, store)
    assert stamp_missing(store)


def test_what_is_no_certificate_is_not_taken_as_one(administrator: User) -> None:
    with pytest.raises(BadOption):
        set_option(Actor.for_user(administrator), SERVER, TSA_CERTIFICATES, "hello")


# --- pages ---------------------------------------------------------------------------------------------------------


def test_the_page_of_a_store_lists_its_checkpoints_and_signs_now(
    client_for: object, administrator: User, store: Store
) -> None:
    client: Client = client_for(administrator)  # type: ignore[operator]
    url = reverse("archive:store-evidence", args=[store.pk])
    assert "No checkpoint yet" in client.get(url).content.decode()
    row, _new = checkpoint_now(SYSTEM, store)
    page = client.get(url).content.decode()
    assert row.digest[:16] in page
    answer = client.post(reverse("archive:store-sign", args=[store.pk]))
    assert (answer.status_code, Task.objects.latest("pk").type) == (303, "SignStore")


def test_the_public_key_is_a_file(client_for: object, administrator: User, store: Store) -> None:
    client: Client = client_for(administrator)  # type: ignore[operator]
    checkpoint_now(SYSTEM, store)
    text = client.get(reverse("archive:evidence-key")).content.decode()
    assert text.startswith("-----BEGIN PUBLIC KEY-----")
    task = run_here(Actor.console(), "GetEvidenceKeys", NoArguments())
    assert task.result is not None
    assert len(task.result["keys"]) == 1
