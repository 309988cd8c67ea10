"""Mailboxes: folders of a user's archive, with dots between names; and indexing mail again."""

from __future__ import annotations

import pytest

from domains.models import Mailbox
from jobs import services
from jobs.models import Task
from tests.api.james.conftest import James, refused
from tests.archive.django.conftest import stores
from tests.archive.django.factories import archive, make_mails

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
    for method, path, doing in (
        ("PUT", "/Work", "get"), ("GET", "/Work", "get"), ("GET", "", "get"), ("GET", "/Work/messageCount", "get"),
        ("DELETE", "/Work/messages", "get"), ("DELETE", "/Work", "delete"), ("DELETE", "", "delete"),
    ):  # fmt: skip
        answer = james(method, f"/users/nobody@example.org/mailboxes{path}")
        found = refused(answer, 404, f"Invalid {doing} on user mailboxes", "notFound")
        assert found["details"] == "User does not exist"


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
    key = james("GET", BOXES).json()[0]["mailboxId"]
    for path, kind in (
        ("/mailboxes", "full-reindexing"),
        (BOXES, "user-reindexing"),
        (f"/mailboxIndex/users/ada@example.org/mailboxes/{key}", "mailbox-reindexing"),
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


def test_a_mailbox_keeps_its_id_and_is_found_by_it_alone(james: James) -> None:
    james("PUT", f"{BOXES}/Work")
    (key,) = (row["mailboxId"] for row in james("GET", BOXES).json())
    james("PUT", f"{BOXES}/Before")  # stands before it in a list
    assert {row["mailboxName"]: row["mailboxId"] for row in james("GET", BOXES).json()}["Work"] == key
    begun = james("POST", f"/mailboxes/{key}?task=reIndex")
    assert begun.status_code == 201, begun.content
    about = james("GET", begun["Location"]).json()["additionalInformation"]
    assert about["mailboxPath"] == "#private:ada@example.org:Work"
    james("PUT", "/users/bea@example.org", {"password": "x"})
    of_another = james("POST", f"/mailboxIndex/users/bea@example.org/mailboxes/{key}?task=reIndex")
    refused(of_another, 404, "mailbox not found", "notFound")


def test_one_message_of_a_mailbox_is_indexed_again_by_its_number(james: James) -> None:
    archive(Mailbox.objects.get(address="ada@example.org"), make_mails(2), folder="Work.2026")
    james("PUT", f"{BOXES}/Other")
    keys = {row["mailboxName"]: row["mailboxId"] for row in james("GET", BOXES).json()}
    # the same number in another mailbox is nothing to do, as in James
    for name, key in keys.items():
        begun = james("POST", f"/mailboxes/{key}/mails/2?task=reIndex")
        task = Task.objects.latest("pk")
        services.run_waiting(task.pk)
        found = james("GET", begun["Location"]).json()
        assert (found["type"], found["status"]) == ("message-reindexing", "completed")
        about = found["additionalInformation"]
        assert (about["mailboxPath"], about["uid"]) == (f"#private:ada@example.org:{name}", 2)
        task.refresh_from_db()
        assert task.result is not None and task.result["messages"] == (0 if name == "Other" else 1)
    assert len(james("GET", "/tasks?type=message-reindexing").json()) == len(keys) == 2
    assert james("GET", "/tasks?type=messageId-reindexing").json() == []
    refused(james("POST", f"/mailboxes/{key}/mails/x?task=reIndex"), 400, "'uid' needs to be a parsable long")
    for path in ("/mailboxes/x", "/mailboxes/x/mails/2"):
        refused(james("POST", f"{path}?task=reIndex"), 400, "Error while parsing 'mailbox'")


def test_what_a_task_could_not_index_is_indexed_again_with_all_that_it_looked_at(james: James) -> None:
    again = "/mailboxes?task=reIndex&reIndexFailedMessagesOf="
    unknown = "bbdb69c9-082a-44b0-a85a-6e33e74287a5"
    refused(james("POST", f"{again}{unknown}"), 400, f"TaskId {unknown} does not exist")
    refused(james("POST", f"{again}x"), 400, "Invalid task id")
    first = james("POST", "/users/ada@example.org/mailboxes?task=reIndex").json()["taskId"]
    refused(james("POST", f"{again}{first}"), 400, "Invalid task id")  # it goes on
    services.run_waiting(Task.objects.latest("pk").pk)
    begun = james("POST", f"{again}{first}")
    assert begun.status_code == 201
    found = james("GET", begun["Location"]).json()
    about = found["additionalInformation"]
    assert (found["type"], about["username"]) == ("error-recovery-indexation", "ada@example.org")
    for type_, keys in ((found["type"], [found["taskId"]]), ("user-reindexing", [first])):
        assert [row["taskId"] for row in james("GET", f"/tasks?type={type_}").json()] == keys
    james("POST", "/quota/users?task=RecomputeCurrentQuotas")
    services.run_waiting(Task.objects.latest("pk").pk)
    other = james("GET", "/tasks?type=recompute-current-quotas").json()[0]["taskId"]
    refused(james("POST", f"{again}{other}"), 400, "Invalid task id")


def test_old_mail_is_never_deleted_by_a_program(james: James) -> None:
    for query, details in (
        ("", "Must specify either 'olderThan' or 'byExpiresHeader' parameter"),
        ("byExpiresHeader&olderThan=30d", "Must specify either 'olderThan' or 'byExpiresHeader' parameter"),
        ("byExpiresHeader&usersPerSecond=x", "'usersPerSecond' must be numeric"),
        ("olderThan=-30d", "Duration amount should be positive"),
        ("byExpiresHeader&usersPerSecond=-10", "'usersPerSecond' must be strictly positive"),
        ("byExpiresHeader&user=nobody", "user does not exist"),
        ("olderThan=30d", "Mail leaves an archive by its retention policies only"),
    ):
        found = refused(james("DELETE", f"/messages?{query}"), 400, "Invalid arguments supplied in the user request")
        assert found["details"] == details


def test_options_of_a_reindexing_are_looked_at(james: James) -> None:
    for query in ("messagesPerSecond=0", "messagesPerSecond=-1", "messagesPerSecond=x", "mode=bad"):
        for path in ("/mailboxes", "/messages/7", "/users/ada@example.org/mailboxes"):
            answer = james("POST", f"{path}?task=reIndex&{query}")
            refused(answer, 400, "Invalid arguments supplied in the user request")
    begun = james("POST", "/mailboxes?task=reIndex&messagesPerSecond=7&mode=fixOutdated")
    about = james("GET", begun["Location"]).json()["additionalInformation"]
    assert about["runningOptions"] == {"mode": "FIX_OUTDATED", "messagesPerSecond": 7}
