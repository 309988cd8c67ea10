"""Mailboxes: folders of a user's archive, with dots between names; and indexing mail again."""

from __future__ import annotations

import pytest

from jobs import services
from jobs.models import Task
from tests.api.james.conftest import James, refused
from tests.archive.django.conftest import stores

BOXES = "/users/ada@example.org/mailboxes"


__all__ = ["stores"]


@pytest.fixture(autouse=True)
def ada(james: James, stores: None) -> None:
    james("PUT", "/domains/example.org")
    james("PUT", "/users/ada@example.org", {"password": "x"})


def test_mailboxes_are_made_counted_and_deleted_with_their_children(james: James) -> None:
    assert james("GET", BOXES).json() == []
    for name in ("Work", "Work", "Work.2026", "a%23b", "c%2Fd"):
        assert james("PUT", f"{BOXES}/{name}").status_code == 204
    names = [row["mailboxName"] for row in james("GET", BOXES).json()]
    assert sorted(names) == ["Work", "Work.2026", "a#b", "c/d"]
    assert james("GET", f"{BOXES}/Work.2026").status_code == 204
    assert james("GET", f"{BOXES}/Work/messageCount").json() == 0
    assert james("GET", f"{BOXES}/Work/unseenMessageCount").json() == 0
    missing = james("GET", f"{BOXES}/Other/messageCount")
    found = refused(missing, 404, "Invalid get on user mailboxes", "notFound")
    assert found["details"] == "#private:ada@example.org:Other can not be found"
    refused(james("GET", f"{BOXES}/Other"), 404, "Mailbox does not exist", "notFound")
    for _ in range(2):
        assert james("DELETE", f"{BOXES}/Work").status_code == 204
    assert [row["mailboxName"] for row in james("GET", BOXES).json()] == ["a#b", "c/d"]
    assert james("DELETE", BOXES).status_code == 204
    assert james("GET", BOXES).json() == []
    assert james("PUT", "/users/nobody@example.org/mailboxes/Work").status_code == 404


def test_names_that_are_none_are_refused_with_what_was_attempted(james: James) -> None:
    for name, details in (
        ("my..Box", "'#private:ada@example.org:my..Box' has an empty part within its mailbox name considering . as a"),
        ("b%25", "#private:ada@example.org:b% contains one of the forbidden characters %*\r\n or starts with #"),
        ("%23b", "#private:ada@example.org:#b contains one of the forbidden characters %*\r\n or starts with #"),
    ):
        found = refused(james("PUT", f"{BOXES}/{name}"), 400, "Attempt to create an invalid mailbox")
        assert found["details"].startswith(details)
        looked = james("GET", f"{BOXES}/{name}")
        refused(looked, 400, "Attempt to test existence of an invalid mailbox")


def test_an_empty_mailbox_is_emptied_by_a_task(james: James) -> None:
    james("PUT", f"{BOXES}/Work")
    begun = james("DELETE", f"{BOXES}/Work/messages")
    assert begun.status_code == 201
    services.run_waiting(Task.objects.get().pk)
    found = james("GET", begun["Location"]).json()
    assert (found["type"], found["status"]) == ("ClearMailboxContentTask", "completed")
    assert found["additionalInformation"]["mailboxName"] == "Work"
    refused(james("DELETE", f"{BOXES}/Other/messages"), 404, "Invalid get on user mailboxes", "notFound")


def test_mail_is_indexed_again_by_tasks_of_james_s_types(james: James) -> None:
    james("PUT", f"{BOXES}/Work")
    for path, kind in (
        ("/mailboxes", "full-reindexing"),
        (BOXES, "user-reindexing"),
        ("/mailboxIndex/users/ada@example.org/mailboxes/1", "mailbox-reindexing"),
    ):
        begun = james("POST", f"{path}?task=reIndex")
        assert begun.status_code == 201, begun.content
        services.run_waiting(Task.objects.latest("pk").pk)
        found = james("GET", f"{begun['Location']}/await").json()
        assert (found["type"], found["status"]) == (kind, "completed")
    refused(james("POST", "/mailboxes/36?task=reIndex"), 404, "mailbox not found", "notFound")
    refused(james("POST", "/messages/bad?task=reIndex"), 400, "Error while parsing 'messageId'")
    found = refused(james("POST", "/mailboxes"), 400, "Invalid arguments supplied in the user request")
    assert found["details"] == "'task' query parameter is compulsory. Supported values are [reIndex]"


def test_old_mail_is_never_deleted_by_a_program(james: James) -> None:
    for query, details in (
        ("olderThan=-30d", "Duration amount should be positive"),
        ("byExpiresHeader&usersPerSecond=-10", "'usersPerSecond' must be strictly positive"),
        ("byExpiresHeader&user=nobody", "user does not exist"),
        ("olderThan=30d", "Mail leaves an archive by its retention policies only"),
    ):
        found = refused(james("DELETE", f"/messages?{query}"), 400, "Invalid arguments supplied in the user request")
        assert found["details"] == details
