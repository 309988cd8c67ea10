"""Who gets in where: the archive. Administrators don't read others' mail: for them it isn't there."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from archive.models import (
    ArchiveAccess,
    BackupDestination,
    BackupSet,
    Case,
    CaseMessage,
    CaseNote,
    CaseSearch,
    CaseTag,
    DeletionCertificate,
    EvidencePackage,
    Export,
    LegalHold,
    ProfileRun,
    RetentionPolicy,
    Store,
)
from archive.owners import NOBODY
from archive.services.profiles.keeping import create_profile
from archive.services.sharing import set_folder_privileges
from config.kit import paths
from domains.models import Domain
from tests import factories
from tests.access import Cast, Row, for_administrators, in_domain, somewhere
from tests.archive.django.factories import archive, folder_of, make_raw, make_store, write
from tests.domains.factories import make_mailbox_in


def a_message(cast: Cast, owner: User) -> tuple[object, ...]:
    return (archive(owner, [make_raw(attachments=[("plan.bin", b"12345")])], index=False)[0],)


def a_part(cast: Cast, owner: User) -> tuple[object, ...]:
    return (*a_message(cast, owner), 1)


def a_folder(cast: Cast, owner: User) -> tuple[object, ...]:
    (public_id,) = archive(owner, [make_raw()], index=False)
    return folder_of(public_id)


def an_import(cast: Cast, owner: User) -> tuple[object, ...]:
    return (factories.make_task(owner, type="ImportMail").pk,)


def an_export(cast: Cast, owner: User) -> tuple[object, ...]:
    mailbox = factories.make_mailbox(owner)
    export = Export.objects.create(user=owner, mailbox=mailbox, format="eml", ready=True)
    export.root.mkdir(parents=True)
    return (export.pk,)


def an_access_by(cast: Cast, owner: User) -> tuple[object, ...]:
    mailbox = factories.make_mailbox(cast.stranger if owner == cast.user else cast.user)
    return (_access(owner, mailbox.user).pk,)


def an_access_to(cast: Cast, owner: User) -> tuple[object, ...]:
    return (_access(factories.make_administrator(), owner).pk,)


def _access(reader: User, owner: User | None) -> ArchiveAccess:
    assert owner is not None
    until = timezone.now() + timedelta(minutes=5)
    mailbox = factories.make_mailbox(owner)
    return ArchiveAccess.objects.create(user=reader, mailbox=mailbox, reason="asked to", expires_at=until)


def a_store(cast: Cast, owner: User) -> tuple[object, ...]:
    return (make_store().pk,)


def a_destination(cast: Cast, owner: User) -> tuple[object, ...]:
    number = BackupDestination.objects.count() + 1
    path = paths.home() / "backups" / f"{number}"
    return (BackupDestination.objects.create(name=f"Destination {number}", path=str(path)).pk,)


def a_backup(cast: Cast, owner: User) -> tuple[object, ...]:
    (destination_id,) = a_destination(cast, owner)
    named = "20260301T021500123456Z-1a2b"
    return (BackupSet.objects.create(destination_id=int(str(destination_id)), set=named, made_at=timezone.now()).pk,)


def a_package(cast: Cast, owner: User) -> tuple[object, ...]:
    mailbox = factories.make_mailbox(owner)
    package = EvidencePackage.objects.create(
        user=owner, by_label=owner.email, reason="asked to", mailboxes=[mailbox.address], ready=True
    )
    write(package.path, b"PK")
    return (package.pk,)


def a_store_to_verify(cast: Cast, owner: User) -> tuple[object, ...]:
    return (*a_store(cast, owner), "verify")


def mail(route: str, **more: object) -> Row:
    """Something that is part of somebody's mail."""
    return Row(route, own=200, foreign=404, administrator=200, administrator_foreign=404, **more)  # type: ignore[arg-type]


def a_share(cast: Cast, owner: User) -> tuple[object, ...]:
    """A folder of the owner's archive, shared with somebody who isn't asked about."""
    mailbox = factories.make_mailbox(owner)
    reader = factories.make_user()
    return (set_folder_privileges(Actor.system(), reader, mailbox, "Inbox", ["read"]).pk,)


def somebody(cast: Cast, domain: Domain) -> tuple[object, ...]:
    user = make_mailbox_in(domain).user
    assert user is not None
    return (user.pk,)


def a_profile(cast: Cast, owner: User) -> tuple[object, ...]:
    """Of files in a folder for imports, into the owner's archive."""
    folder = paths.home() / "import" / "access"
    folder.mkdir(parents=True, exist_ok=True)
    values = {"path": str(folder), "mailbox": factories.make_mailbox(owner).address}
    return (create_profile(Actor.system(), name="Files", kind="files", values=values).pk,)


def a_result(cast: Cast, owner: User) -> tuple[object, ...]:
    return (ProfileRun.objects.create(profile_name="Files", kind="files", asked_by="system").pk,)


def of_profile(route: str, answer: int = 200, **more: object) -> Row:
    """Something about a profile, which is there for those who may import for others only."""
    return Row(route, own=404, foreign=404, administrator=answer, args=a_profile, **more)  # type: ignore[arg-type]


def a_policy(cast: Cast, owner: User) -> tuple[object, ...]:
    return (RetentionPolicy.objects.create(name=f"Policy {RetentionPolicy.objects.count()}", period=1).pk,)


def a_hold(cast: Cast, owner: User) -> tuple[object, ...]:
    return (LegalHold.objects.create(name="A case", query="budget", reason="Why").pk,)


def a_case(cast: Cast, owner: User) -> tuple[object, ...]:
    """About the owner's mail, with a message, a tag, a note and a search."""
    (message,) = archive(owner, [make_raw()], index=False)
    mailbox = factories.make_mailbox(owner)
    case = Case.objects.create(name=f"Case {Case.objects.count()}", reason="The court asks", created_by_label="x")
    case.mailboxes.set([mailbox])
    store = Store.objects.get(pk=int(message.partition(":")[0]))
    found = CaseMessage.objects.create(
        case=case, store=store, store_identity=store.identity or "", number=int(message.partition(":")[2]),
        sha256="0" * 64, subject="Lunch on Friday, with a rather long subject", sender="Ann <a@example.net>", date=1,
        size_bytes=100,
    )  # fmt: skip
    found.tags.set([CaseTag.objects.create(case=case, name="relevant")])
    CaseNote.objects.create(case=case, message=found, about="Lunch on Friday", text="Look here.", by_label="x")
    CaseSearch.objects.create(case=case, name="Lunches", query="lunch", created_by_label="x")
    return (case.pk,)


def a_case_message(cast: Cast, owner: User) -> tuple[object, ...]:
    (case,) = a_case(cast, owner)
    return (case, CaseMessage.objects.get(case_id=int(str(case))).pk)


def a_case_search(cast: Cast, owner: User) -> tuple[object, ...]:
    (case,) = a_case(cast, owner)
    return (case, CaseSearch.objects.get(case_id=int(str(case))).pk)


def a_certificate(cast: Cast, owner: User) -> tuple[object, ...]:
    made = DeletionCertificate.objects.create(store_name="Store", store_identity="x", ended_at=timezone.now())
    made.path.parent.mkdir(parents=True, exist_ok=True)
    made.path.write_text("{}\n")
    return (made.pk,)


def an_archive(cast: Cast, domain: Domain) -> tuple[object, ...]:
    make_store()
    return (make_mailbox_in(domain).pk,)


def own_archive(cast: Cast, owner: User) -> tuple[object, ...]:
    make_store()
    return (factories.make_mailbox(owner).pk,)


A_POLICY = {"name": "Ten years", "position": "1", "period": "10", "interval": "year", "reference": "ArchiveDate"}


ROWS = [
    mail("archive:message-retention", args=a_message),
    Row("archive:message-delete", own=403, foreign=404, administrator=200, administrator_foreign=404, args=a_message),
    Row(
        "archive:message-delete", own=403, foreign=404, administrator=303, administrator_foreign=404, args=a_message,
        method="POST", data={"reason": "Sent by mistake"},
    ),
    for_administrators("archive:retention"),
    for_administrators("archive:policy-create"),
    for_administrators("archive:policy-create", 200, method="POST", data=A_POLICY),
    for_administrators("archive:policy-edit", args=a_policy),
    for_administrators("archive:policy-edit", 200, method="POST", args=a_policy, data=A_POLICY),
    for_administrators("archive:policy-delete", args=a_policy),
    for_administrators("archive:policy-delete", 303, method="POST", args=a_policy, data={"reason": "No use"}),
    for_administrators("archive:messages-delete"),
    for_administrators("archive:messages-delete", 422, method="POST"),
    for_administrators("archive:retention-process", 303, method="POST"),
    for_administrators("archive:certificate", args=a_certificate),
    for_administrators("archive:compliance-edit"),
    for_administrators("archive:compliance-edit", 303, method="POST"),
    for_administrators("archive:case-list"),
    for_administrators("archive:case-create"),
    for_administrators("archive:case-create", 422, method="POST"),
    for_administrators("archive:case-detail", args=a_case),
    for_administrators("archive:case-edit", args=a_case),
    for_administrators("archive:case-edit", 422, method="POST", args=a_case),
    for_administrators("archive:case-open", 303, method="POST", args=a_case, data={"minutes": "30"}),
    for_administrators("archive:case-close", 303, method="POST", args=a_case, data={"reason": "It is over"}),
    for_administrators("archive:case-note", 303, method="POST", args=a_case, data={"text": "A note"}),
    for_administrators("archive:case-package", args=a_case),
    for_administrators("archive:case-package", 422, method="POST", args=a_case),
    for_administrators("archive:case-delay", args=a_case),
    for_administrators("archive:case-delay", 422, method="POST", args=a_case),
    for_administrators("archive:case-search", args=a_case),
    for_administrators("archive:case-add", 303, method="POST", args=a_case),
    for_administrators("archive:case-save-search", 303, method="POST", args=a_case),
    for_administrators("archive:case-remove-search", 303, method="POST", args=a_case_search),
    for_administrators("archive:case-messages", args=a_case),
    for_administrators("archive:case-messages", 303, method="POST", args=a_case),
    for_administrators("archive:case-message", args=a_case_message),
    for_administrators("archive:case-message", 422, method="POST", args=a_case_message),
    for_administrators("archive:hold-list"),
    for_administrators("archive:hold-create"),
    for_administrators("archive:hold-create", 422, method="POST"),
    for_administrators("archive:hold-detail", args=a_hold),
    for_administrators("archive:hold-detail", 303, method="POST", args=a_hold, data={"reason": "It is closed"}),
    for_administrators("archive:profile-list"),
    for_administrators("archive:profile-kinds"),
    for_administrators("archive:profile-create", args=lambda cast, owner: ("imap",)),
    for_administrators("archive:profile-create", 422, method="POST", args=lambda cast, owner: ("imap",)),
    of_profile("archive:profile-detail"),
    of_profile("archive:profile-edit"),
    of_profile("archive:profile-edit", 422, method="POST"),
    of_profile("archive:profile-run", 303, method="POST"),
    of_profile("archive:profile-try", 200, method="POST"),
    of_profile("archive:profile-automatic", 303, method="POST"),
    of_profile("archive:profile-delete", 303, method="POST"),
    of_profile("archive:profile-completeness"),
    of_profile("archive:profile-check", 303, method="POST"),
    for_administrators("archive:result-list"),
    Row("archive:result-detail", own=404, foreign=404, administrator=200, args=a_result),
    Row("archive:search", own=200, administrator=200),
    mail("archive:folder", args=a_folder),
    mail("archive:message", args=a_message),
    mail("archive:message-source", args=a_message),
    mail("archive:message-proof", args=a_message),
    mail("archive:message-body", args=a_message),
    mail("archive:message-eml", args=a_message),
    mail("archive:part", args=a_part),
    Row("archive:import", own=200, administrator=200),
    Row("archive:import", method="POST", own=422, administrator=422),
    Row("archive:import-items", own=200, foreign=404, administrator=200, args=an_import),
    Row("archive:export", own=200, administrator=200),
    Row("archive:export", method="POST", own=422, administrator=422),
    mail("archive:export-download", args=an_export),
    Row(
        "archive:export-delete", method="POST", own=303, foreign=404, administrator=303, administrator_foreign=404,
        args=an_export,
    ),
    somewhere("archive:open-archive", need=Right.READ_OTHERS_MAIL),
    somewhere("archive:open-archive", 422, method="POST", need=Right.READ_OTHERS_MAIL),
    Row(
        "archive:close-archive", method="POST", own=303, foreign=404, administrator=303, administrator_foreign=404,
        args=an_access_by,
    ),
    Row("archive:access-log", own=200, administrator=200),
    mail("archive:access-detail", args=an_access_to),
    # others' shares are there for who manages the owner, who may end them
    Row(
        "archive:share-end", method="POST", own=303, foreign=404, administrator=303, args=a_share,
        delegate_foreign={303, 403, 404},
    ),
    somewhere("archive:folder-archives", need=Right.VIEW_USERS),
    in_domain("archive:folders-of", see=Right.VIEW_USERS, args=an_archive, own=200, own_args=own_archive),
    in_domain("archive:folder-detail", 303, see=Right.VIEW_USERS, args=an_archive, own=303, own_args=own_archive),
    in_domain("archive:folder-detail", 303, method="POST", see=Right.VIEW_USERS, args=an_archive),
    *(
        in_domain(
            f"archive:{route}", answer, method=method, see=Right.VIEW_USERS, need=Right.MANAGE_USERS, args=an_archive
        )
        for route, answer, method in (
            ("folder-create", 200, "GET"), ("folder-create", 422, "POST"), ("folder-move", 303, "GET"),
            ("folder-move", 303, "POST"), ("folders-empty", 200, "GET"), ("folders-empty", 303, "POST"),
            ("messages-move", 303, "GET"), ("messages-move", 303, "POST"),
        )
    ),
    *(
        in_domain(
            "archive:folder-delete", answer, method=method, see=Right.VIEW_USERS, need=Right.DELETE_MAIL,
            args=an_archive,
        )
        for answer, method in ((200, "GET"), (422, "POST"))
    ),
    *(
        in_domain(
            "archive:folder-names", answer, method=method, see=Right.VIEW_USERS, need=Right.MANAGE_USERS,
            args=an_archive, own=answer, own_args=own_archive,
        )
        for answer, method in ((200, "GET"), (303, "POST"))
    ),
    Row(
        "archive:folder-children", own=302, foreign=404, administrator=302, administrator_foreign=404,
        args=own_archive,
    ),
    in_domain("archive:person-folders", see=Right.VIEW_USERS, need=Right.MANAGE_USERS, args=somebody),
    in_domain(
        "archive:person-folders", 422, method="POST", see=Right.VIEW_USERS, need=Right.MANAGE_USERS, args=somebody
    ),
    for_administrators("archive:backup-list"),
    for_administrators("archive:backup-kinds"),
    for_administrators("archive:backup-create", args=lambda cast, owner: ("folder",)),
    for_administrators("archive:backup-create", 422, method="POST", args=lambda cast, owner: ("s3",)),
    for_administrators("archive:backup-detail", args=a_destination),
    for_administrators("archive:backup-edit", args=a_destination),
    for_administrators("archive:backup-edit", 422, method="POST", args=a_destination),
    for_administrators("archive:backup-run", args=a_destination),
    for_administrators("archive:backup-run", 303, method="POST", args=a_destination),
    for_administrators("archive:backup-test", 303, method="POST", args=a_destination),
    for_administrators("archive:backup-read", 303, method="POST", args=a_destination),
    for_administrators("archive:backup-delete", 303, method="POST", args=a_destination),
    for_administrators("archive:backup-set", args=a_backup),
    for_administrators("archive:backup-set", 422, method="POST", args=a_backup),
    for_administrators("archive:backup-verify", 303, method="POST", args=a_backup),
    for_administrators("archive:restore-mailbox", args=a_backup),
    for_administrators("archive:restore-mailbox", 422, method="POST", args=a_backup),
    for_administrators("archive:restore-store", args=a_backup),
    for_administrators("archive:restore-store", 422, method="POST", args=a_backup),
    for_administrators("archive:restore-archive", args=a_backup),
    for_administrators("archive:restore-archive", 422, method="POST", args=a_backup),
    for_administrators("archive:restore-withdraw", 303, method="POST"),
    for_administrators("archive:store-list"),
    for_administrators("archive:index-again"),
    for_administrators("archive:index-again", 422, method="POST"),
    for_administrators("archive:store-detail", args=a_store),
    for_administrators("archive:store-evidence", args=a_store),
    for_administrators("archive:store-sign", 303, method="POST", args=a_store),
    for_administrators("archive:evidence-key"),
    somewhere("archive:package-list", need=Right.READ_OTHERS_MAIL),
    somewhere("archive:package-add", need=Right.READ_OTHERS_MAIL),
    somewhere("archive:package-add", 422, method="POST", need=Right.READ_OTHERS_MAIL),
    mail("archive:package-download", args=a_package),
    Row(
        "archive:package-delete", method="POST", own=303, foreign=404, administrator=303, administrator_foreign=404,
        args=a_package,
    ),
    for_administrators("archive:store-mailboxes", args=a_store),
    for_administrators("archive:store-give", args=lambda cast, owner: (*a_store(cast, owner), NOBODY)),
    for_administrators(
        "archive:store-give", 422, method="POST", args=lambda cast, owner: (*a_store(cast, owner), NOBODY)
    ),
    for_administrators("archive:store-upkeep", args=a_store),
    for_administrators("archive:store-history", args=a_store),
    for_administrators("archive:store-create"),
    for_administrators("archive:store-create", 422, method="POST"),
    for_administrators("archive:store-attach"),
    for_administrators("archive:store-attach", 422, method="POST"),
    for_administrators("archive:store-auto-create"),
    for_administrators("archive:store-auto-create", 422, method="POST"),
    for_administrators("archive:store-edit", args=a_store),
    for_administrators("archive:store-edit", 422, method="POST", args=a_store),
    for_administrators("archive:store-retry", 303, method="POST"),
    for_administrators("archive:store-state", 303, method="POST", args=a_store),
    for_administrators("archive:store-merge", args=a_store),
    for_administrators("archive:store-merge", 422, method="POST", args=a_store),
    for_administrators("archive:store-unlock", args=a_store),
    for_administrators("archive:store-unlock", 422, method="POST", args=a_store),
    for_administrators("archive:store-detach", args=a_store),
    for_administrators("archive:store-detach", 422, method="POST", args=a_store),
    for_administrators("archive:store-action", args=a_store_to_verify),
    for_administrators("archive:store-action", 303, method="POST", args=a_store_to_verify),
    for_administrators("archive:store-index-folder", args=a_store),
    for_administrators("archive:store-index-folder", 422, method="POST", args=a_store),
    for_administrators("archive:stores-action", args=lambda cast, owner: ("verify",)),
    for_administrators("archive:stores-action", 303, method="POST", args=lambda cast, owner: ("verify",)),
    for_administrators("archive:index-list"),
    for_administrators("archive:index-select", 303, method="POST"),
    for_administrators("archive:index-rebuild", 303, method="POST"),
    for_administrators("archive:master-key"),
    for_administrators("archive:master-key", 422, method="POST"),
]  # fmt: skip
