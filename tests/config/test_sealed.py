"""Secrets at rest: readable only by who asks for them, gone from every accidental way out, alive after recovery."""

from __future__ import annotations

import copy
import csv
import io
import json
import logging
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from django import forms
from django.core import serializers
from django.core.exceptions import FieldError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.template import Context, Template

from accounts import audit
from accounts.actors import Actor
from archive.services.keys import recover_keys
from config import components, preparing
from config.kit import paths, sealed, sealing_keys, secrets
from config.kit.models import SealingKey
from config.kit.sealed import MASK, Sealed, seal, unseal, unseal_bytes
from tests.config.lockers import Locker

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()
SECRET = "correct horse – Batterie"


@pytest.fixture(autouse=True)
def own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A keys folder of this test's own."""
    monkeypatch.setenv("POSTKEEP_HOME", str(tmp_path))
    sealing_keys.forget()
    yield tmp_path / "keys"
    sealing_keys.forget()


@pytest.fixture
def locker(db: None) -> Locker:
    with connection.schema_editor() as editor:
        editor.create_model(Locker)
    return Locker.objects.create(name="One", password=SECRET)


def column(name: str = "password") -> str:
    """What really lies in the table."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM lockers_locker")
        return str(cursor.fetchone()[0])


def new_master_key() -> None:
    (paths.keys_dir() / "master").unlink()
    sealing_keys.forget()


# --- values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", ["", "a", SECRET, "x" * 100_000, "sealed:1:already:looks like one"])
def test_what_is_sealed_opens_again_and_shows_nothing(plain: str) -> None:
    text = seal(plain, purpose="test")
    assert unseal(text, purpose="test") == plain
    assert len(plain) < 2 or plain not in text
    assert seal(plain, purpose="test") != text, "the same secret twice can't be told from two secrets"


def test_bytes_pass_too_and_are_no_text_by_accident() -> None:
    text = seal(b"\xff\x00", purpose="test")
    assert unseal_bytes(text, purpose="test") == b"\xff\x00"
    with pytest.raises(sealed.Damaged):
        unseal(text, purpose="test")


def test_a_value_of_one_purpose_does_not_open_for_another() -> None:
    text = seal(SECRET, purpose="relay password")
    with pytest.raises(sealed.Damaged):
        unseal(text, purpose="dkim key")


def test_any_changed_character_is_noticed() -> None:
    text = seal("short", purpose="test")
    for at in range(len(text)):
        changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        with pytest.raises(sealed.SealedError):
            unseal(changed, purpose="test")


@pytest.mark.parametrize("text", ["", "plain", "sealed:1:zz", "sealed:2:0:AAAA", "sealed:1:KEY:", "sealed:1:KEY:a b"])
def test_what_is_no_sealed_value_is_refused(text: str) -> None:
    key_id, _ = sealing_keys.current()
    with pytest.raises(sealed.Damaged):
        unseal(text.replace("KEY", key_id), purpose="test")


def test_another_master_key_is_named_as_the_reason_and_nothing_is_sealed_beside_it() -> None:
    text = seal(SECRET, purpose="test")
    new_master_key()
    with pytest.raises(sealed.MasterKeyChanged, match="recover_keys"):
        unseal(text, purpose="test")
    with pytest.raises(sealed.MasterKeyChanged):
        seal(SECRET, purpose="test")
    assert SealingKey.objects.count() == 1


def test_a_rolled_back_transaction_leaves_no_value_without_its_key(locker: Locker) -> None:
    SealingKey.objects.all().delete()
    sealing_keys.forget()
    with pytest.raises(RuntimeError), transaction.atomic():
        seal("lost with its transaction", purpose="test")
        raise RuntimeError
    locker.password = "again"
    locker.save()
    sealing_keys.forget()
    assert Locker.objects.get().password.reveal() == "again"


# --- the field ---------------------------------------------------------------------------------------------------


def test_the_field_seals_on_every_way_in(locker: Locker) -> None:
    for save in (
        lambda: locker.save(),
        lambda: Locker.objects.filter(pk=locker.pk).update(password=SECRET),
        lambda: Locker.objects.bulk_update([locker], ["password"]),
        lambda: Locker.objects.update_or_create(pk=locker.pk, defaults={"password": SECRET}),
    ):
        Locker.objects.update(password="")
        assert column() == ""
        locker.password = SECRET
        save()
        assert column().startswith("sealed:1:")
        assert Locker.objects.get().password.reveal() == SECRET
    Locker.objects.all().delete()
    Locker.objects.bulk_create([Locker(name="Two", password=SECRET)])
    assert column().startswith("sealed:1:") and SECRET not in column()


def test_saving_something_else_leaves_the_sealed_text_as_it_is(locker: Locker) -> None:
    before = column()
    found = Locker.objects.get()
    found.name = "Renamed"
    found.full_clean()
    found.save()
    Locker.objects.defer("password").get().save()
    assert column() == before
    assert found.password.reveal() == SECRET


def test_an_empty_secret_stays_empty_and_is_false(locker: Locker) -> None:
    assert locker.password and not locker.pin
    assert (str(locker.pin), locker.pin.reveal(), column("pin")) == ("", "", "")
    assert list(Locker.objects.filter(pin="", name="One")) == [locker]
    assert list(Locker.objects.exclude(password="")) == [locker]
    with pytest.raises(FieldError):
        list(Locker.objects.filter(password=SECRET))


def test_a_secret_copied_to_a_field_of_another_purpose_opens_there(locker: Locker) -> None:
    found = Locker.objects.get()
    found.pin = found.password
    found.save()
    assert column("pin") != column("password")
    assert Locker.objects.get().pin.reveal() == SECRET


@pytest.mark.parametrize("fresh", [True, False])
def test_no_accidental_way_out_shows_the_secret(locker: Locker, fresh: bool, caplog: pytest.LogCaptureFixture) -> None:
    found = Locker(name="New", password=SECRET) if fresh else Locker.objects.get()
    secret = found.password
    lines = io.StringIO()
    csv.writer(lines).writerow([secret])
    logging.getLogger("postkeep").warning("the locker has %s, %r", secret, secret)
    template = "{{ locker.password }}|{{ locker.password.reveal }}|{{ locker.password|default:'-' }}"
    shown = [
        str(secret),
        repr(secret),
        f"{secret} {secret!r} {secret:>10}",
        lines.getvalue(),
        caplog.text,
        str(vars(found)),
        json.dumps(forms.model_to_dict(found), cls=DjangoJSONEncoder),
        Template(template).render(Context({"locker": found})),
        serializers.serialize("json", [found]),
    ]
    assert not [text for text in shown if SECRET in text or "sealed:" in text]
    assert [MASK in text for text in shown[:5]] == [True] * 5
    for way_out in (json.dumps, pickle.dumps, lambda value: DjangoJSONEncoder().encode(value)):
        with pytest.raises(TypeError):
            way_out(secret)
    with pytest.raises(TypeError):
        pickle.dumps(found)


def test_rows_of_values_and_audit_events_show_it_to_nobody(locker: Locker) -> None:
    (row,) = Locker.objects.values("name", "password")
    assert isinstance(row["password"], Sealed)
    event = audit.record(SYSTEM, "locker.change", locker, old=locker.password, new=row["password"])
    event.refresh_from_db()
    assert event.details == {"old": MASK, "new": MASK}


def test_a_model_form_leaves_it_out(locker: Locker) -> None:
    form_class = forms.modelform_factory(Locker, fields="__all__")
    assert list(form_class(instance=locker).fields) == ["name"]
    assert form_class({"name": "Posted", "password": "from a form"}, instance=locker).save().password.reveal() == SECRET


def test_copies_of_a_row_keep_the_secret(locker: Locker) -> None:
    found = Locker.objects.get()
    assert copy.copy(found.password) is found.password
    Locker.objects.create(name="Copy", password=copy.deepcopy(found.password))
    assert [each.password.reveal() for each in Locker.objects.order_by("pk")] == [SECRET, SECRET]


def test_the_field_is_written_into_migrations_with_its_purpose() -> None:
    _name, path, args, options = Locker._meta.get_field("password").deconstruct()
    assert (path, args, options["purpose"]) == ("config.kit.sealed.SealedTextField", [], "locker password")
    again = sealed.SealedTextField(*args, **options)
    assert (again.purpose, again.blank, again.editable) == ("locker password", True, False)
    assert isinstance(again, models.TextField)


# --- another master key ------------------------------------------------------------------------------------------


def test_secrets_survive_a_lost_master_key_with_the_recovery_key_alone(locker: Locker) -> None:
    recovery_key = secrets.make_recovery_key()
    sealing_keys.prepare()
    before = column()
    new_master_key()
    assert components.stored_secrets().state == "error"
    assert sealing_keys.are_lost()
    answer = recover_keys(SYSTEM, recovery_key=recovery_key)
    assert answer["secrets_lost"] == []
    assert components.stored_secrets().state == "ok"
    assert Locker.objects.get().password.reveal() == SECRET
    assert column() == before, "one key is wrapped anew, not every secret"
    locker.password = "sealed after"
    locker.save()
    assert Locker.objects.get().password.reveal() == "sealed after"


def test_recovering_twice_and_after_a_crash_in_between_changes_nothing(locker: Locker) -> None:
    recovery_key = secrets.make_recovery_key()
    private = secrets.parse_recovery_key(recovery_key)
    sealing_keys.rewrap(recovery_private=private, new_master=b"x" * 32)  # and killed before it was put in force
    with pytest.raises(sealed.MasterKeyChanged):
        Locker.objects.get().password.reveal()
    for _ in range(2):
        assert recover_keys(SYSTEM, recovery_key=recovery_key)["secrets_lost"] == []
        assert Locker.objects.get().password.reveal() == SECRET


def test_a_sealing_key_made_before_the_recovery_key_is_wrapped_for_it_at_the_next_start(locker: Locker) -> None:
    assert "recovery" not in SealingKey.objects.get().wrapped
    recovery_key = preparing.new_recovery_key()
    assert recovery_key is not None
    sealing_keys.prepare()
    assert Locker.objects.get().password.reveal() == SECRET
    shown_at_last = preparing.new_recovery_key()  # the first one was shown to nobody
    assert shown_at_last is not None
    sealing_keys.prepare()
    new_master_key()
    recover_keys(SYSTEM, recovery_key=shown_at_last)
    assert Locker.objects.get().password.reveal() == SECRET


def test_no_new_recovery_key_is_made_beside_secrets_that_wait_for_the_old_one(locker: Locker, own_keys: Path) -> None:
    recovery_key = secrets.make_recovery_key()
    paths.recovery_shown_mark().touch()
    sealing_keys.prepare()
    for file in own_keys.iterdir():
        file.unlink()
    sealing_keys.forget()
    assert preparing.new_recovery_key() is None
    sealing_keys.prepare()  # a start in this state does no harm
    recover_keys(SYSTEM, recovery_key=recovery_key)
    assert Locker.objects.get().password.reveal() == SECRET


def test_what_nothing_opens_any_more_is_named_until_it_is_typed_in_again(
    locker: Locker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "recovery" not in SealingKey.objects.get().wrapped
    monkeypatch.setattr("config.kit.sealed.apps.get_models", lambda: [Locker])
    new_master_key()
    answer = recover_keys(SYSTEM, recovery_key=secrets.format_recovery_key(b"r" * 32))
    assert answer["secrets_lost"] == [SealingKey.objects.get().key_id]
    with pytest.raises(sealed.SealingKeyUnknown):
        Locker.objects.get().password.reveal()
    report = components.stored_secrets()
    assert (report.state, report.facts) == ("error", {"locker: password": "1"})
    locker.password = "typed in again"
    locker.save()
    assert components.stored_secrets().state == "ok"
    assert Locker.objects.get().password.reveal() == "typed in again"


def test_without_any_master_key_file_recovery_still_works(locker: Locker, monkeypatch: pytest.MonkeyPatch) -> None:
    recovery_key = secrets.make_recovery_key()
    sealing_keys.prepare()
    monkeypatch.setenv("POSTKEEP_MASTER_KEY_FILE", str(paths.keys_dir() / "configured"))
    sealing_keys.forget()
    assert components.stored_secrets().state == "error"
    assert recover_keys(SYSTEM, recovery_key=recovery_key)["old_master"] is None
    assert Locker.objects.get().password.reveal() == SECRET
