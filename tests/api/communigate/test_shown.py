"""Commands whose arguments only the server knows: numbers of sessions and messages, stamps of alerts, a person's own
folders. All others are shown to work by table.txt.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import FolderGrant, Session, User
from api.communigate.commands import COMMANDS
from archive.folderrights import READ, WRITE
from domains.models import Mailbox
from gateway.models import QueueItem
from jobs.models import Alert
from tests.api.communigate import test_commands
from tests.api.communigate.asking import ask
from tests.api.communigate.test_commands import root, stores, table
from tests.archive.django.factories import archive, make_raw

__all__ = ["root", "stores"]
pytestmark = pytest.mark.django_db


def test_a_session_is_read_and_ended_by_its_number(root: User) -> None:
    session = Session.objects.create(
        user=root, key_hash="a", expires_at=timezone.now() + timedelta(hours=1), address="192.0.2.7", agent="Firefox"
    )
    said = ask(root, f"GETSESSION {session.pk}")
    assert said.startswith(f"201 {{ID={session.pk};accountName=root@main.example;protocol=WebUser;ipAddress=192.0.2.7;")
    assert ask(root, f"KILLSESSION {session.pk}") == "200 OK"
    assert not Session.objects.filter(pk=session.pk).exists()


@pytest.mark.parametrize(
    "post, read, remove",
    [
        ("POSTSERVERALERT one", "GETSERVERALERTS", "REMOVESERVERALERT"),
        ("POSTDOMAINALERT main.example ALERT one", "GETDOMAINALERTS main.example",
         "REMOVEDOMAINALERT main.example ALERT"),
        ("POSTACCOUNTALERT ada ALERT one", "GETACCOUNTALERTS ada", "REMOVEACCOUNTALERT ada ALERT"),
    ],
)  # fmt: skip
def test_an_alert_is_removed_by_its_stamp_as_it_was_told(root: User, post: str, read: str, remove: str) -> None:
    ask(root, "CREATEACCOUNT ada")
    assert ask(root, post) == "200 OK"
    stamp = re.search(r"#T[^\"]+", ask(root, read))
    assert stamp is not None
    assert ask(root, f'{remove} "{stamp[0]}"') == "200 OK"
    assert not Alert.objects.exists()


def test_a_message_in_the_queue_is_given_up_by_its_number(root: User) -> None:
    ask(root, "CREATEACCOUNT ada")
    ask(root, "CREATELIST news FOR ada")
    ask(root, 'LIST news FEED confirm "Bill Jones" <bjones@company.example>')  # the question to them waits
    item = QueueItem.objects.get()
    assert ask(root, f"REJECTQUEUEMESSAGE {item.pk} REPORT NONDN") == "200 OK"
    assert not QueueItem.objects.filter(pk=item.pk).exists()


def test_what_others_may_do_in_one_s_folder_is_taken_back_by_its_owner(root: User) -> None:
    for name in ("ada", "bob"):
        ask(root, f'CREATEACCOUNT {name} {{Password="a long passphrase 12";}}')
    ada, bob = (User.objects.get(email=f"{name}@main.example") for name in ("ada", "bob"))
    mailbox = Mailbox.objects.get(user=ada)
    FolderGrant.objects.create(user=bob, mailbox_id=mailbox.pk, folder="Inbox", privileges=[READ, WRITE])
    assert ask(ada, "GETMAILBOXACL * MAILBOX INBOX") == "201 {bob@main.example=lrswipkx;}"
    assert ask(bob, "SETMAILBOXACL ada MAILBOX INBOX {bob=+te;}").startswith("513 ")
    assert ask(ada, "SETMAILBOXACL * MAILBOX INBOX {bob=+te;}").startswith("510 ")  # in person, by who opens archives
    assert ask(ada, 'SETMAILBOXACL * MAILBOX INBOX {bob="";}') == "200 OK"
    assert ask(ada, "GETMAILBOXACL * MAILBOX INBOX") == "201 {}"


def test_the_inbox_with_mail_in_it_is_that_of_scripts_in_capitals(root: User) -> None:
    ask(root, "CREATEACCOUNT ada")
    archive(Mailbox.objects.get(address="ada@main.example"), [make_raw()], index=False)
    assert ask(root, "LISTMAILBOXES ada").startswith("201 {INBOX={Messages=1;")
    assert ask(root, "GETMAILBOXINFO ada MAILBOX INBOX").startswith("201 {Messages=1;")
    assert ask(root, 'CREATEMAILBOX ada MAILBOX "INBOX/Work"') == "200 OK"
    assert ask(root, 'SETMAILBOXALIASES ada {Work="INBOX/Work";}') == "200 OK"
    assert ask(root, 'GETMAILBOXINFO ada MAILBOX "Work"') == "201 {Messages=0;Size=0;UIDNext=1;}"
    assert ask(root, "DELETEMAILBOX ada MAILBOX INBOX").startswith("501 ")


ELSEWHERE: dict[str, Callable[..., None]] = {
    "FINDACCOUNTSESSION": test_commands.test_where_somebody_signed_in_last_is_told_to_who_sees_their_sessions,
    "GETSESSION": test_a_session_is_read_and_ended_by_its_number,
    "KILLSESSION": test_a_session_is_read_and_ended_by_its_number,
    "REJECTQUEUEMESSAGE": test_a_message_in_the_queue_is_given_up_by_its_number,
    "RELOADDIRECTORYDOMAINS": test_commands.test_the_server_s_source_is_chosen_and_only_by_who_may,
    "SETMAILBOXACL": test_what_others_may_do_in_one_s_folder_is_taken_back_by_its_owner,
    **dict.fromkeys(
        ("REMOVEACCOUNTALERT", "REMOVEDOMAINALERT"),
        test_an_alert_is_removed_by_its_stamp_as_it_was_told,
    ),
}


def test_every_command_that_is_said_to_work_is_seen_to_succeed() -> None:
    """LISTCLICOMMANDS and docs/coverage.csv promise them: a command that only ever says no must not be among them."""
    succeeds = {asked.split(" ")[0].upper() for asked, answer in table() if answer[:3] in ("200", "201")}
    works = {each.name for each in COMMANDS if each.run is not None}
    assert sorted(works - succeeds) == sorted(ELSEWHERE)
    for name, test in ELSEWHERE.items():
        source = inspect.getsource(test)
        assert name in source or name in str(getattr(test, "pytestmark", "")), name
