"""The tasks' pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.actors import Actor
from accounts.models import Grant, User
from accounts.permissions import Level
from jobs.actions import CancelTasks
from jobs.models import Task, TaskLog
from tests import factories
from tests.jobs import commands  # noqa: F401  registers them

ClientFor = Callable[[User | None], Client]
LIST = "/tasks/"


def detail(task: Task) -> str:
    return reverse("jobs:task-detail", args=[task.pk])


def test_everybody_sees_their_own_and_administrators_all(
    client_for: ClientFor, user: User, stranger: User, administrator: User
) -> None:
    mine, theirs = factories.make_task(user), factories.make_task(stranger)
    seen_by_user = client_for(user).get(LIST).content.decode()
    assert detail(mine) in seen_by_user and detail(theirs) not in seen_by_user
    seen_by_administrator = client_for(administrator).get(LIST).content.decode()
    assert detail(mine) in seen_by_administrator and detail(theirs) in seen_by_administrator


def test_the_list_is_filtered_by_state_and_type(client_for: ClientFor, administrator: User) -> None:
    failed = factories.make_task(administrator, state="failed", type="TestWait")
    running = factories.make_task(administrator, state="in_progress", type="TestCount")
    client = client_for(administrator)
    for query, shown, hidden in (
        ({"state": "failed"}, failed, running),
        ({"state": "active"}, running, failed),
        ({"type": "TestCount"}, running, failed),
    ):
        page = client.get(LIST, query).content.decode()
        assert detail(shown) in page and detail(hidden) not in page
    assert "No task like this" in client.get(LIST, {"state": "cancelled"}).content.decode()
    assert client.get(LIST, {"state": "'; drop", "type": "nonsense", "before": "x", "after": "\x00"}).status_code == 200


def test_the_pager_leads_through_all_tasks_and_back(client_for: ClientFor, user: User) -> None:
    made = [factories.make_task(user).pk for _ in range(120)]
    client = client_for(user)
    seen: list[int] = []
    url: str | None = LIST
    pages = 0
    while url:
        table = client.get(url).context["table"]
        seen += [row.key for row in table.shown_rows]
        url = table.pager.older_url
        pages += 1
    assert (seen, pages) == (made[::-1], 3)


def test_the_list_asks_the_same_number_of_questions_at_every_size(
    client_for: ClientFor, user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_for(user)
    factories.make_task(user)
    client.get(LIST)
    with django_assert_num_queries(10):
        client.get(LIST)
    for _ in range(70):
        factories.make_task(user)
    with django_assert_num_queries(10):
        client.get(LIST)


def test_a_running_task_polls_and_an_ended_one_does_not(client_for: ClientFor, user: User) -> None:
    task = factories.make_task(
        user, state="in_progress", heartbeat_at=timezone.now(), progress={"done": 5, "total": 10, "unit": "messages"}
    )
    client = client_for(user)
    page = client.get(detail(task)).content.decode()
    assert 'hx-trigger="every 1s"' in page
    assert "Cancel the task" in page
    partial = client.get(detail(task), headers={"HX-Request": "true"}).content.decode()
    assert partial.strip().startswith("<div") and "<html" not in partial
    Task.objects.filter(pk=task.pk).update(state="completed", ended_at=timezone.now(), result={"archived_now": 10})
    response = client.get(detail(task), headers={"HX-Request": "true"})
    assert response["HX-Trigger"] == "tasks-changed"
    ended = response.content.decode()
    assert "every 1s" not in ended
    assert "Archived now" in ended


def test_log_error_and_result_are_shown_as_text(client_for: ClientFor, user: User) -> None:
    task = factories.make_task(user, state="failed", error="<script>alert(1)</script>", result={"<b>": "<i>"})
    TaskLog.objects.create(task=task, text="<img src=x>")
    page = client_for(user).get(detail(task)).content.decode()
    for raw in ("<script>alert", "<img src=x>", "<i>"):
        assert raw not in page
    assert "&lt;img src=x&gt;" in page


def test_the_owner_cancels_and_starts_again(client_for: ClientFor, user: User) -> None:
    client = client_for(user)
    task = factories.make_task(user, state="waiting", type="TestWait", arguments={"to": 0})
    assert client.post(reverse("jobs:task-cancel", args=[task.pk])).status_code == 303
    task.refresh_from_db()
    assert task.state == "cancelled"
    late = client.post(reverse("jobs:task-cancel", args=[task.pk]), follow=True)
    assert "ended already" in late.content.decode()
    response = client.post(reverse("jobs:task-start-again", args=[task.pk]))
    again = Task.objects.get(origin=task)
    assert response["Location"] == detail(again)


@pytest.mark.parametrize("type", ["TestWait", "NoLongerThere"])
def test_what_cannot_be_started_again_says_why(client_for: ClientFor, user: User, type: str) -> None:
    task = factories.make_task(user, state="failed", type=type, arguments={"gone": 1})
    response = client_for(user).post(reverse("jobs:task-start-again", args=[task.pk]), follow=True)
    assert "started again:" in response.content.decode()
    assert Task.objects.count() == 1


def test_who_sees_everybodys_tasks_cancels_them_only_with_the_right_to(
    client_for: ClientFor, user: User, administrator: User
) -> None:
    def holder(*rights: str) -> User:
        person = factories.make_user(f"{rights[-1]}@example.net".replace("_", "-"))
        Grant.objects.create(user=person, rights=list(rights), level=Level.SERVER, object_id=0)
        return person

    task = factories.make_task(user, state="waiting")
    seer, manager = holder("view_tasks_all"), holder("view_tasks_all", "manage_tasks_all")
    address = reverse("jobs:task-detail", args=[task.pk])
    assert "Cancel the task" not in client_for(seer).get(address).content.decode()
    for action in ("task-cancel", "task-start-again"):
        assert client_for(seer).post(reverse(f"jobs:{action}", args=[task.pk])).status_code == 403
    preview = CancelTasks().preview(Actor.for_user(seer), Task.objects.all(), {})
    assert (preview.will, [group.count for group in preview.refused]) == (0, [1])
    assert CancelTasks().run(Actor.for_user(seer), [task], {}).done == 0
    task.refresh_from_db()
    assert task.state == "waiting"
    assert "Cancel the task" in client_for(manager).get(address).content.decode()
    assert client_for(manager).post(reverse("jobs:task-cancel", args=[task.pk])).status_code == 303
    task.refresh_from_db()
    assert task.state == "cancelled"
