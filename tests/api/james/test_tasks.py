"""Tasks: read, awaited, cancelled, listed."""

from __future__ import annotations

from jobs import services
from jobs.models import Task
from tests.api.james.conftest import James, refused


def test_a_task_is_read_awaited_listed_and_ended(james: James) -> None:
    assert james("GET", "/tasks").json() == []
    begun = james("POST", "/quota/users?task=RecomputeCurrentQuotas")
    place, key = begun["Location"], begun.json()["taskId"]
    waiting = james("GET", place).json()
    assert waiting["status"] == "waiting" and "startedDate" not in waiting and waiting["submitDate"].endswith("+0000")
    refused(james("GET", f"{place}/await?timeout=1ms"), 408, "The timeout has been reached", "ServerError")
    assert [row["taskId"] for row in james("GET", "/tasks?status=waiting&type=recompute-current-quotas").json()] == [
        key
    ]
    assert james("GET", "/tasks?status=completed").json() == []
    services.run_waiting(Task.objects.get().pk)
    done = james("GET", f"{place}/await?timeout=2s").json()
    assert james("GET", f"{place}/await?timeout=").json() == done
    assert done["status"] == "completed" and done["completedDate"] >= done["startedDate"]
    assert james("DELETE", place).status_code == 204
    second = james("POST", "/quota/users?task=RecomputeCurrentQuotas")["Location"]
    assert james("DELETE", second).status_code == 204
    ended = james("GET", second).json()
    assert ended["status"] == "canceled" and "canceledDate" in ended
    assert len(james("GET", "/tasks?limit=1").json()) == 1


def test_what_is_no_task_is_refused(james: James) -> None:
    refused(james("GET", "/tasks/nonsense"), 400, "Invalid task id")
    unknown = "bbdb69c9-082a-44b0-a85a-6e33e74287a5"
    refused(james("GET", f"/tasks/{unknown}"), 404, f"{unknown} can not be found", "notFound")
    refused(james("GET", f"/tasks/{unknown}/await"), 404, "The taskId is not found", "ServerError")
    assert james("DELETE", f"/tasks/{unknown}").status_code == 204  # what isn't there runs no more
    refused(james("GET", "/tasks?status=invalid"), 400, "Invalid status query parameter")
    for timeout in ("-1s", "400d", "soon", "9" * 30):
        refused(james("GET", f"/tasks/{unknown}/await?timeout={timeout}"), 400, "Invalid timeout")


def test_tasks_are_listed_by_the_types_that_they_are_shown_with(james: James) -> None:
    name = james("GET", "/mailQueues").json()[0]
    for query in ("", "?recipient=a@b.c"):
        james("DELETE", f"/mailQueues/{name}/mails{query}")
    for type_ in ("clear-mail-queue", "delete-mails-from-mail-queue"):
        assert [row["type"] for row in james("GET", f"/tasks?type={type_}").json()] == [type_]
    for type_ in ("DeleteFromQueue", "reprocessing-one"):  # ours, which none is shown with; and one that none has
        assert james("GET", f"/tasks?type={type_}").json() == []


def test_tasks_of_long_ago_are_forgotten_by_a_task(james: James) -> None:
    for query in ("", "?olderThan=", "?olderThan=x", "?olderThan=-1d", "?olderThan=0day"):
        refused(james("DELETE", f"/tasks{query}"), 400, "Invalid arguments supplied in the user request")
    begun = james("DELETE", "/tasks?olderThan=15day")
    assert begun.status_code == 201
    task = Task.objects.latest("pk")
    assert task.arguments["older_than_days"] == 15
    services.run_waiting(task.pk)
    found = james("GET", begun["Location"]).json()
    assert (found["type"], found["status"]) == ("tasks-cleanup", "completed")


def test_a_part_of_the_tasks_is_asked_for_by_numbers(james: James) -> None:
    for query, details in (
        ("limit=-1", "'limit' should be positive"),
        ("offset=-1", "'offset' should be positive"),
        ("offset=x", 'For input string: "x"'),
        ("failedAfter=x", "'failedAfter': 'x' is no date"),
    ):
        assert refused(james("GET", f"/tasks?{query}"), 400, "Invalid status query parameter")["details"] == details
    assert james("GET", "/tasks?limit=0").json() == []


def test_tasks_are_asked_for_by_the_date_of_what_came_of_them(james: James) -> None:
    james("POST", "/quota/users?task=RecomputeCurrentQuotas")
    services.run_waiting(Task.objects.get().pk)
    for query, count in (
        ("completedAfter=2020-01-01T00:00:00Z", 1), ("completedBefore=2020-01-01T00:00:00Z", 0),
        ("failedAfter=2020-01-01T00:00:00Z", 0), ("startedAfter=2020-01-01T00:00:00Z", 1),
    ):  # fmt: skip
        assert len(james("GET", f"/tasks?{query}").json()) == count, query
