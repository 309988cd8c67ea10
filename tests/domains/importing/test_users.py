"""Users from CSV files: what the dry run says happens, all or nothing, with exactly the rights of the form."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from accounts.scopes import SERVER
from accounts.services.options import set_option
from config.kit.csv_reading import CsvError
from domains.commands.importing import ImportArguments
from domains.models import Address, Customer, Domain, DomainName, Mailbox, PendingPassword, Recipient
from domains.services import groups
from domains.services.importing import passwords
from domains.services.importing.results import ImportRefused, ImportResult
from domains.services.importing.uploads import get_upload, keep_upload
from domains.services.importing.user_rows import COLUMNS
from domains.services.importing.users import import_users
from domains.services.policies import create_policy
from jobs.services import run_here
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.factories import PASSWORD, make_user

SYSTEM = Actor.system()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users.csv"


def run(file: Path, text: str, actor: Actor = SYSTEM, *, dry_run: bool = False) -> ImportResult:
    file.write_text(text, "utf-8")
    return import_users(actor, file, dry_run=dry_run)


def refused(file: Path, text: str, actor: Actor = SYSTEM) -> list[tuple[int, str]]:
    before = (User.objects.count(), Mailbox.objects.count(), Address.objects.count(), AuditEvent.objects.count())
    with pytest.raises(ImportRefused) as caught:
        run(file, text, actor)
    after = (User.objects.count(), Mailbox.objects.count(), Address.objects.count(), AuditEvent.objects.count())
    assert before == after
    problems = caught.value.result["problems"]
    assert isinstance(problems, list)
    return [(each["line"], each["column"]) for each in problems]


def test_imported_users_are_as_if_made_one_by_one(db: None, file: Path) -> None:
    domain = make_domain("example.org", default_language="de")
    by_hand = make_mailbox_in(domain, "hand", name="By Hand", quota_bytes=5 << 20)
    run(file, "email,name,quota_mb\nFile@Example.ORG,By  File,5\n")
    imported = Mailbox.objects.get(address="file@example.org")
    own = {"id", "claim_id", "user_id", "address", "created_at", "local", "text", "email", "password", "name",
           "password_changed_at"}  # fmt: skip
    for one, other in ((by_hand, imported), (by_hand.claim, imported.claim), (by_hand.user, imported.user)):
        assert one is not None and other is not None
        one.refresh_from_db()
        fields = [field.attname for field in one._meta.concrete_fields if field.attname not in own]
        assert {name: getattr(one, name) for name in fields} == {name: getattr(other, name) for name in fields}
    assert imported.user is not None and not imported.user.has_usable_password() and imported.name == "By File"
    domain.refresh_from_db()
    assert (domain.mailbox_count, domain.active_count) == (2, 2)
    events = AuditEvent.objects.filter(action="mailbox.create", object_id=str(imported.pk))
    assert events.get().about_user_id == imported.user_id


def test_a_dry_run_says_what_would_happen_and_leaves_nothing(db: None, file: Path) -> None:
    make_domain("example.org")
    result = run(file, "email;aliases\na@example.org;a1 a2\nb@example.org;\n", dry_run=True)
    assert (result.created, result.aliases, result.without, result.refused) == (2, 2, 2, 0)
    assert not Mailbox.objects.exists() and not AuditEvent.objects.filter(action="user.import").exists()
    domain = Domain.objects.get()
    assert (domain.mailbox_count, domain.alias_count) == (0, 0)


def test_every_wrong_row_is_named_and_nothing_is_made(db: None, file: Path) -> None:
    domain = make_domain("example.org")
    make_mailbox_in(domain, "taken")
    make_user("somebody@example.org")
    text = "\n".join(
        [
            "email,language,status,quota_mb,aliases,policy,password",
            "fine@example.org,de,enabled,5,fine1,,",
            "nonsense,,,,,,",
            "taken@example.org,,,,,,",
            "somebody@example.org,,,,,,",
            "fine@EXAMPLE.org,,,,,,",
            "x@elsewhere.example,,,,,,",
            "a@example.org,xx,,,,,",
            "b@example.org,,deleted,,,,",
            "c@example.org,,,-5,,,",
            "d@example.org,,,,taken,,",
            "e@example.org,,,,fine1,,",
            "f@example.org,,,,,none such,",
            "g@example.org,,,,,,short",
        ]
    )
    assert refused(file, text) == [
        (2, "aliases"), (3, "email"), (4, "email"), (5, "email"), (6, "email"), (7, "email"), (8, "language"),
        (9, "status"), (10, "quota_mb"), (11, "aliases"), (12, "aliases"), (13, "policy"), (14, "password"),
    ]  # fmt: skip


def test_aliases_groups_and_policies_come_along(db: None, file: Path) -> None:
    domain = make_domain("example.org")
    policy = create_policy(SYSTEM, domain, {"name": "Strict"})
    group = groups.create_group(SYSTEM, domain, email="team", members=["b@elsewhere.example", "late@example.org"])
    run(file, "email,aliases,groups,policy\na@example.org,a1 a2@example.org,team,Strict\nlate@example.org,,,\n")
    mailbox = Mailbox.objects.get(address="a@example.org")
    assert mailbox.policy == policy
    assert set(Recipient.objects.filter(target=mailbox.claim).values_list("address__text", flat=True)) == {
        "a1@example.org", "a2@example.org", "team@example.org",
    }  # fmt: skip
    group.refresh_from_db()
    assert group.recipient_count == 3
    late = group.recipients.get(email="late@example.org")
    assert late.target is not None and late.target.kind == "mailbox"
    domain.refresh_from_db()
    assert domain.alias_count == 2


def test_an_alias_name_of_the_domain_leads_to_the_domain(db: None, file: Path) -> None:
    domain = make_domain("example.org")
    DomainName.objects.create(name="example.net", domain=domain)
    run(file, "email\na@example.net\n")
    assert Mailbox.objects.get().address == "a@example.org"


def test_a_delegate_imports_into_their_domain_only(db: None, file: Path) -> None:
    own, other = make_domain("own.example"), make_domain("other.example")
    actor = Actor.for_user(make_delegate(own))
    assert refused(file, "email\na@own.example\nb@other.example\n", actor) == [(3, "email")]
    run(file, "email\na@own.example\n", actor)
    assert not other.mailboxes.exists()
    for person in (make_delegate(own, role="help_desk"), make_user()):
        with pytest.raises(Forbidden):
            run(file, "email\nc@own.example\n", Actor.for_user(person))


VALUES = {"password": PASSWORD, "quota_mb": "5", "policy": "Strict", "aliases": "x", "groups": "team"}


@pytest.mark.parametrize("column", sorted(column for column, right in COLUMNS.items() if right is not None))
def test_each_column_takes_the_right_of_its_field(db: None, file: Path, column: str) -> None:
    domain = make_domain("own.example")
    create_policy(SYSTEM, domain, {"name": "Strict"})
    groups.create_group(SYSTEM, domain, email="team")
    text = f"email,{column}\na@own.example,{VALUES[column]}\n"
    right = COLUMNS[column]
    assert right is not None
    without = Actor.for_user(make_delegate(domain, rights=["manage_users"]))
    assert refused(file, text, without) == [(2, column)]
    run(file, "email," + column + "\nempty@own.example,\n", without)
    run(file, text, Actor.for_user(make_delegate(domain, rights=["manage_users", right])))


def test_limits_hold_for_files_too(db: None, file: Path) -> None:
    customer = make_customer(max_mailboxes=3)
    first = make_domain("first.example", customer=customer, max_mailboxes=1)
    make_domain("second.example", customer=customer)
    assert refused(file, "email\na@first.example\nb@first.example\n") == [(3, "email")]
    text = "email\n" + "".join(f"u{number}@second.example\n" for number in range(4))
    assert refused(file, text) == [(5, "email")]
    run(file, "email\na@first.example\nb@second.example\n")
    assert Customer.objects.get().mailbox_count == 2 and first.mailboxes.count() == 1


def test_clear_text_passwords_are_sealed_and_then_hashed(db: None, file: Path) -> None:
    domain = make_domain("example.org")
    result = run(file, f"email,password\na@example.org,{PASSWORD}\nb@example.org,\n")
    set_option(SYSTEM, domain, "PASSWORD_CHANGE_AFTER_RESET", True)
    assert (result.passwords, result.without, result.invited) == (1, 1, 0)
    pending = PendingPassword.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM domains_pendingpassword")
        assert PASSWORD not in cursor.fetchone()[0]
    assert not User.objects.get(email="a@example.org").check_password(PASSWORD)
    assert passwords.hash_pending(SYSTEM, progress=lambda _done: None, stop=lambda: False) == 1
    person = User.objects.get(email="a@example.org")
    assert person.check_password(PASSWORD) and person.password_wanted
    assert not PendingPassword.objects.filter(pk=pending.pk).exists()


def test_passwords_in_a_file_keep_the_rules_of_their_domain(db: None, file: Path) -> None:
    strict = make_domain("strict.example")
    make_domain("lax.example")
    set_option(SYSTEM, strict, "PASSWORD_LENGTH", 20)
    set_option(SYSTEM, SERVER, "PASSWORD_KINDS", 3)
    rows = (
        "a@strict.example,Shorter and mixed 7", "b@strict.example,This one is long and mixed 7",
        "c@lax.example,Shorter and mixed 7", "d@lax.example,only small letters", "e@lax.example,",
    )  # fmt: skip
    assert refused(file, "\n".join(["email,password", *rows])) == [(2, "password"), (5, "password")]


def test_the_number_of_questions_does_not_grow_with_the_file(db: None, file: Path) -> None:
    make_domain("example.org")

    def questions(start: int, count: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            run(file, "email\n" + "".join(f"u{number}@example.org\n" for number in range(start, start + count)))
        return len(caught)

    assert questions(0, 5) == questions(100, 2000)


def test_a_file_that_is_no_table_is_refused(db: None, file: Path) -> None:
    for text in ("", "name\nx\n", "email,colour\na@example.org,blue\n"):
        with pytest.raises(CsvError):
            run(file, text)


def test_the_command_imports_what_its_person_sent(db: None, file: Path) -> None:
    domain = make_domain("example.org")
    person = make_delegate(domain)
    actor = Actor.for_user(person)
    upload = keep_upload(actor, SimpleUploadedFile("u.csv", b"email\na@example.org\n"), "u.csv")
    foreign = Actor.for_user(make_delegate(domain))
    assert get_upload(foreign, str(upload.pk)) is None
    assert run_here(foreign, "ImportUsers", ImportArguments(upload=str(upload.pk))).state == "failed"
    assert run_here(actor, "ImportUsers", ImportArguments(path="/etc/passwd")).state == "failed"
    dry = run_here(actor, "ImportUsers", ImportArguments(upload=str(upload.pk), dry_run=True))
    assert dry.result is not None and dry.result["created"] == 1 and not Mailbox.objects.exists()
    task = run_here(actor, "ImportUsers", ImportArguments(upload=str(upload.pk)))
    assert task.state == "completed" and Mailbox.objects.get().address == "a@example.org"
    assert not upload.path.exists()
