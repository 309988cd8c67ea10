"""Folders that others may read: exactly those, as long as they are shared, and the owner sees it."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden
from accounts.models import AuditEvent, FolderGrant, User
from archive import selectors
from archive.errors import ArchiveClosed, BadArguments, MessageUnknown
from archive.selectors import Scope, readable_archives
from archive.services.exports import ExportArguments, prepare_export
from archive.services.sharing import (
    clear_folder_privileges,
    parse_folder,
    remove_folder_grant,
    set_folder_privileges,
)
from archive.shares import get_folder_grant, list_shares_of
from domains.models import Domain, Mailbox
from jobs.services import run_here
from tests.archive.django.factories import archive, make_raw
from tests.domains.factories import make_mailbox_in
from tests.stage import Cast

SYSTEM = Actor.system()


def actor_of(user: User) -> Actor:
    return Actor.for_user(User.objects.get(pk=user.pk))


@pytest.fixture
def mailbox(cast: Cast) -> Mailbox:
    return Mailbox.objects.get(user=cast.user)


@pytest.fixture
def mails(cast: Cast) -> dict[str, str]:
    """{folder: public id} of one message in each of three folders of the user's archive."""
    return {
        folder: archive(cast.user, [make_raw(f"Budget {folder}", number=n)], folder=folder)[0]
        for n, folder in enumerate(("Inbox", "Work", "Work/Secret"), 1)
    }


def reads(user: User, mails: dict[str, str]) -> set[str]:
    """The folders whose message this person may open."""
    found = set()
    for folder, public_id in mails.items():
        try:
            selectors.get_message(actor_of(user), public_id)
            found.add(folder)
        except MessageUnknown:
            pass
    return found


def finds(user: User, mailbox: Mailbox) -> int:
    chosen = [each for each in readable_archives(actor_of(user)) if each.mailbox == mailbox]
    return selectors.search(Scope.of(chosen[0]), "budget").total if chosen else 0


def test_a_folder_is_read_with_what_lies_below_it_and_nothing_else(
    cast: Cast, mailbox: Mailbox, mails: dict[str, str]
) -> None:
    assert reads(cast.stranger, mails) == set() and finds(cast.stranger, mailbox) == 0
    set_folder_privileges(SYSTEM, cast.stranger, mailbox, "Work", ["read"])
    assert reads(cast.stranger, mails) == {"Work", "Work/Secret"} and finds(cast.stranger, mailbox) == 2
    set_folder_privileges(SYSTEM, cast.stranger, mailbox, "Work/Secret", ["none"])
    assert reads(cast.stranger, mails) == {"Work"} and finds(cast.stranger, mailbox) == 1
    set_folder_privileges(SYSTEM, cast.stranger, mailbox, "", ["read", "write"])
    assert reads(cast.stranger, mails) == {"Inbox", "Work"}
    set_folder_privileges(SYSTEM, cast.stranger, mailbox, "Work", ["write"])  # moving is not reading
    assert reads(cast.stranger, mails) == {"Inbox"}
    assert clear_folder_privileges(SYSTEM, cast.stranger) == 3
    assert reads(cast.stranger, mails) == set()


def test_none_denies_also_in_ones_own_archive(cast: Cast, mailbox: Mailbox, mails: dict[str, str]) -> None:
    set_folder_privileges(SYSTEM, cast.user, mailbox, "Work/Secret", ["none"])
    assert reads(cast.user, mails) == {"Inbox", "Work"} and finds(cast.user, mailbox) == 2
    grant = FolderGrant.objects.get()
    with pytest.raises(Forbidden):
        remove_folder_grant(actor_of(cast.user), grant, mailbox)


def test_an_export_takes_out_what_may_be_read(
    cast: Cast, mailbox: Mailbox, mails: dict[str, str], tmp_path: Any
) -> None:
    set_folder_privileges(SYSTEM, cast.user, mailbox, "Work", ["none"])
    set_folder_privileges(SYSTEM, cast.stranger, mailbox, "Work", ["read"])
    for user, count in ((cast.user, 1), (cast.stranger, 2)):
        actor = actor_of(user)
        export = prepare_export(actor, address=mailbox.address, format="eml")
        task = run_here(actor, "ExportMail", ExportArguments(user=mailbox.address, format="eml", export=str(export.pk)))
        assert task.result is not None and task.result["messages"] == count


def test_who_may_let_whom_in(cast: Cast, mailbox: Mailbox) -> None:
    for user, person in (
        (cast.domain_administrator, cast.stranger),  # may not open archives
        (cast.user, cast.stranger),
        (cast.auditor, cast.stranger),  # the person is not theirs to see
        (cast.auditor, cast.auditor),
        (cast.administrator, cast.administrator),
    ):
        with pytest.raises(Forbidden):
            set_folder_privileges(actor_of(user), User.objects.get(pk=person.pk), mailbox, "", ["read"])
    set_folder_privileges(actor_of(cast.administrator), cast.stranger, mailbox, "", ["read"])
    with pytest.raises(Forbidden):
        set_folder_privileges(actor_of(cast.administrator).restricted(None), cast.stranger, mailbox, "Work", ["read"])
    set_folder_privileges(actor_of(cast.domain_administrator), cast.stranger, mailbox, "Inbox", ["none"])
    for bad in ([], ["see"], ["none", "read"]):
        with pytest.raises(BadGrant):
            set_folder_privileges(SYSTEM, cast.stranger, mailbox, "", bad)


def test_owners_let_their_own_people_in_with_what_they_hold_themselves(
    cast: Cast, mailbox: Mailbox, mails: dict[str, str]
) -> None:
    owner, colleague = actor_of(cast.user), make_mailbox_in(cast.sibling, "colleague").user
    assert colleague is not None
    set_folder_privileges(owner, colleague, mailbox, "Work", ["read"])
    assert reads(colleague, mails) == {"Work", "Work/Secret"}
    refused = [(owner, cast.stranger, "Work", ["read"]), (owner, colleague, "Work", ["read", "write"])]
    refused += [(owner.restricted(None), colleague, "", ["read"]), (owner, cast.user, "", ["read"])]
    refused += [(actor_of(cast.help_desk).acting_as(cast.user, "asked"), colleague, "", ["read"])]
    for actor, person, folder, values in refused:
        with pytest.raises(Forbidden):
            set_folder_privileges(actor, person, mailbox, folder, values)
    set_folder_privileges(SYSTEM, cast.user, mailbox, "Work/Secret", ["none"])  # what they may not read themselves
    with pytest.raises(Forbidden):
        set_folder_privileges(owner, colleague, mailbox, "Work/Secret", ["read"])
    Domain.objects.filter(pk=cast.domain.pk).update(end_user_rights=["sign_in", "search_archive"])
    with pytest.raises(Forbidden):
        set_folder_privileges(actor_of(cast.user), colleague, mailbox, "Inbox", ["read"])


def test_the_owner_sees_it_and_ends_it(cast: Cast, mailbox: Mailbox, client_for: Any) -> None:
    grant = set_folder_privileges(actor_of(cast.administrator), cast.stranger, mailbox, "Work", ["read"])
    assert [each.user for each in list_shares_of(actor_of(cast.user))] == [cast.stranger]
    page = client_for(cast.user).get(reverse("archive:access-log")).content.decode()
    assert "stranger@example.net" in page and "Work" in page
    event = AuditEvent.objects.get(action="folder.share")
    assert event.about_user_id == cast.user.pk and event.details["person"] == "stranger@example.net"
    with pytest.raises(ArchiveClosed):
        get_folder_grant(actor_of(cast.help_desk).acting_as(cast.user, "asked to"), grant.pk)
    answer = client_for(cast.user).post(reverse("archive:share-end", args=[grant.pk]))
    assert answer.status_code == 303 and not FolderGrant.objects.exists()


def test_it_is_listed_among_what_one_reads(
    cast: Cast, mailbox: Mailbox, mails: dict[str, str], client_for: Any
) -> None:
    set_folder_privileges(SYSTEM, cast.stranger, mailbox, "Work", ["read"])
    client = client_for(cast.stranger)
    assert "user@example.org" in client.get(reverse("archive:search")).content.decode()
    page = client.get(reverse("archive:search"), {"mailbox": mailbox.pk}).content.decode()
    assert "Budget Work" in page and "Budget Inbox" not in page
    grant = FolderGrant.objects.get()
    with pytest.raises(Forbidden):
        remove_folder_grant(actor_of(cast.elsewhere_administrator).acting_as(cast.stranger, "asked"), grant, mailbox)
    remove_folder_grant(actor_of(cast.stranger), grant, mailbox)


def test_what_the_domain_takes_from_its_people_is_closed(cast: Cast, mails: dict[str, str], client_for: Any) -> None:
    Domain.objects.filter(pk=cast.domain.pk).update(end_user_rights=["sign_in"])
    client = client_for(cast.user)
    assert reads(cast.user, mails) == set()
    assert client.get(reverse("archive:search")).status_code == 403
    for route in ("archive:import", "archive:export"):
        answer = client.post(reverse(route), {"user": "user@example.org", "format": "eml"})
        assert answer.status_code in (403, 422)
    assert not AuditEvent.objects.filter(action="mail.export").exists()


def test_folders_are_named_as_archive_programs_name_them() -> None:
    assert parse_folder("ada@example.org/Inbox/Work") == ("ada@example.org", "Inbox/Work")
    assert parse_folder("ada@example.org") == ("ada@example.org", "")
    with pytest.raises(BadArguments):
        parse_folder("Inbox/Work")
