"""One thing done to many rows of a list: the preview in numbers, the run, the task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
from django import forms
from django.db.models import QuerySet
from django.http import Http404
from django.test import Client

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from accounts.permissions import Right
from config.kit import bulk
from config.kit.bulk import Action, BulkOrder, Group, Outcome, Preview
from config.kit.listing import BadTerm
from jobs import selectors, services
from jobs.bulk import BulkArguments
from jobs.models import Task
from jobs.tables import TASKS
from tests import factories

ClientFor = Callable[[User | None], Client]
BULK = "/tasks/bulk/"


class WriteError(Action):
    """Writes a text into the error of tasks: destructive, with a form, for who may see all tasks."""

    name = "write-error"
    label = "Write"
    needs = Right.VIEW_TASKS_ALL
    destructive = True

    def form(self, actor: Any, data: Mapping[str, Any] | None) -> forms.Form | None:
        class TextForm(forms.Form):
            text = forms.CharField(max_length=20)

        return TextForm(data)

    def preview(self, actor: Any, rows: QuerySet[Task], values: Mapping[str, Any]) -> Preview:
        count = rows.count()
        return Preview(count, f"Write into {count} tasks", [Group(count, "are written into")])

    def run(self, actor: Any, rows: Sequence[Task], values: Mapping[str, Any]) -> Outcome:
        Task.objects.filter(pk__in=[row.pk for row in rows]).update(error=values["text"], state="failed")
        return Outcome(len(rows))


@pytest.fixture(autouse=True)
def write_error() -> Iterator[None]:
    bulk.register(TASKS, selectors.list_tasks, WriteError())
    yield
    bulk._offers[TASKS.name].actions.pop()


def test_the_preview_says_in_numbers_what_will_happen_and_changes_nothing(client_for: ClientFor, user: User) -> None:
    tasks = [factories.make_task(user, state=state) for state in ("waiting", "waiting", "completed")]
    response = client_for(user).get(f"{BULK}?do=cancel&" + "&".join(f"chosen={task.pk}" for task in tasks))
    page = response.content.decode()
    assert "Cancel 2 tasks" in page
    assert '<b class="num">2</b> <span>are cancelled</span>' in page
    assert "stays as it is: has ended or is stopping" in page
    assert Task.objects.filter(state="waiting").count() == 2


def test_the_run_does_it_and_says_what_stayed_and_why(client_for: ClientFor, user: User) -> None:
    tasks = [factories.make_task(user, state=state) for state in ("waiting", "completed")]
    query = f"?do=cancel&chosen={tasks[0].pk}&chosen={tasks[1].pk}&filter=state%3Dwaiting"
    response = client_for(user).post(BULK + query, {"expected": "1"}, follow=True)
    assert response.redirect_chain == [("/tasks/?state=waiting", 303)]
    assert "1 task ends. 1 was left as it is: has ended or is stopping." in response.content.decode()
    assert list(Task.objects.order_by("pk").values_list("state", flat=True)) == ["cancelled", "completed"]


def test_ids_and_filters_choose_only_among_what_the_person_may_see(
    client_for: ClientFor, user: User, stranger: User
) -> None:
    theirs = factories.make_task(stranger, state="waiting")
    client = client_for(user)
    assert "1 of the chosen rows is gone" in client.get(f"{BULK}?do=cancel&chosen={theirs.pk}").content.decode()
    client.post(f"{BULK}?do=cancel&chosen={theirs.pk}", {"expected": "0"})
    client.post(f"{BULK}?do=cancel&all=1&filter=", {"expected": "0"})
    theirs.refresh_from_db()
    assert theirs.state == "waiting"


def test_all_that_match_is_the_filter_and_not_the_page(client_for: ClientFor, user: User) -> None:
    for _number in range(60):
        factories.make_task(user, state="waiting", type="TestWait")
    factories.make_task(user, state="completed")
    filter = urlencode({"q": f"by:{user.email} -state:completed"})
    page = client_for(user).get(f"{BULK}?{urlencode({'do': 'cancel', 'all': '1', 'filter': filter})}")
    assert "Cancel 60 tasks" in page.content.decode()


def test_a_filter_that_means_nothing_never_means_everything(client_for: ClientFor, user: User) -> None:
    factories.make_task(user, state="waiting")
    for filter in ("q=nosuch:x", "state=abolished"):
        url = f"{BULK}?{urlencode({'do': 'cancel', 'all': '1', 'filter': filter})}"
        assert client_for(user).post(url, {"expected": "1"})["Location"] == f"/tasks/?{filter}"
    assert Task.objects.filter(state="waiting").count() == 1


@pytest.mark.parametrize(
    "query", ["?do=cancel", "?do=cancel&chosen=", "?do=cancel&chosen=x&chosen=99999999999999999999"]
)
def test_rows_that_are_none_are_no_rows(client_for: ClientFor, user: User, query: str) -> None:
    response = client_for(user).get(BULK + query)
    assert response.status_code in (200, 303)


def test_an_unknown_action_is_not_found_and_one_without_the_right_forbidden(
    client_for: ClientFor, user: User, administrator: User
) -> None:
    task = factories.make_task(user)
    client = client_for(user)
    for method in (client.get, client.post):
        assert method(f"{BULK}?do=nonsense&chosen={task.pk}").status_code == 404
        assert method(f"{BULK}?do=write-error&chosen={task.pk}").status_code == 403
    assert client_for(administrator).get(f"{BULK}?do=write-error&chosen={task.pk}").status_code == 200


def test_a_destructive_action_wants_its_form_and_the_number_typed(client_for: ClientFor, administrator: User) -> None:
    task = factories.make_task(administrator)
    client, url = client_for(administrator), f"{BULK}?do=write-error&chosen={task.pk}"
    for fields in (
        {"expected": "1", "typed": "1", "text": ""},
        {"expected": "1", "typed": "2", "text": "x"},
        {"expected": "1", "text": "x"},
        {"expected": "7", "typed": "7", "text": "x"},
        {"typed": "1", "text": "x"},
    ):
        assert client.post(url, fields).status_code == 422
        task.refresh_from_db()
        assert task.error == ""
    assert client.post(url, {"expected": "1", "typed": " 1 ", "text": "x"}).status_code == 303
    task.refresh_from_db()
    assert task.error == "x"


def test_who_sees_other_rows_than_a_moment_ago_is_told(client_for: ClientFor, user: User) -> None:
    factories.make_task(user, state="waiting")
    response = client_for(user).post(f"{BULK}?do=cancel&all=1&filter=", {"expected": "5"})
    assert response.status_code == 422
    assert "Meanwhile it would hit other rows" in response.content.decode()
    assert Task.objects.filter(state="waiting").count() == 1


def test_a_large_order_becomes_a_task_that_runs_as_the_person(
    client_for: ClientFor, user: User, stranger: User
) -> None:
    Task.objects.bulk_create(
        Task(type="TestWait", actor=user, actor_label=user.email, state="waiting") for _ in range(450)
    )
    theirs = factories.make_task(stranger, state="waiting")
    response = client_for(user).post(f"{BULK}?do=cancel&all=1&filter=state%3Dwaiting", {"expected": "450"})
    task = Task.objects.get(type="ChangeManyRows")
    assert response["Location"] == f"/tasks/{task.pk}/"
    assert Task.objects.filter(state="waiting", type="TestWait", actor=user).count() == 450
    Task.objects.filter(pk=task.pk).update(type="Moved")  # the order below stands for the worker's run
    done = services.run_here(Actor.for_user(user), "ChangeManyRows", BulkArguments(**task.arguments))
    assert done.result is not None and done.result["changed"] >= 450
    theirs.refresh_from_db()
    assert theirs.state == "waiting"


def test_rows_that_leave_the_filter_while_it_runs_do_not_shift_the_others(db: None) -> None:
    Task.objects.bulk_create(Task(type="TestWait", actor_label="x", state="waiting") for _ in range(1000))
    seen: list[tuple[int, int]] = []
    order = BulkOrder(TASKS.name, "write-error", filter="state=waiting", values={"text": "x"})
    outcome = bulk.run_order(Actor.console(), order, progress=lambda done, total: seen.append((done, total)))
    assert outcome.done == 1000
    assert seen[-1] == (1000, 1000) and len(seen) == 5
    assert not Task.objects.filter(state="waiting").exists()


def test_an_order_that_is_stopped_keeps_what_it_did(db: None) -> None:
    Task.objects.bulk_create(Task(type="TestWait", actor_label="x", state="waiting") for _ in range(500))
    done: list[int] = []
    order = BulkOrder(TASKS.name, "write-error", filter="", values={"text": "x"})
    outcome = bulk.run_order(
        Actor.console(), order, progress=lambda count, total: done.append(count), stop=lambda: bool(done)
    )
    assert outcome.done == 200


def test_an_order_checks_right_and_filter_again_when_it_runs(user: User) -> None:
    actor = Actor.for_user(user)
    with pytest.raises(Forbidden):
        bulk.run_order(actor, BulkOrder(TASKS.name, "write-error", filter=""))
    with pytest.raises(BadTerm):
        bulk.run_order(actor, BulkOrder(TASKS.name, "cancel", filter="q=nosuch:x"))
    with pytest.raises(Http404):
        bulk.run_order(actor, BulkOrder("no.list", "cancel", filter=""))
