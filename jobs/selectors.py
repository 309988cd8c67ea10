"""Reads of tasks and approvals: everybody sees their own, administrators those of what they administer."""

from __future__ import annotations

import time

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from jobs.commands import Command, list_commands
from jobs.models import Approval, Task, TaskLog

LOG_LINES_SHOWN = 200
WAIT_STEP_S = 0.25


def tasks_visible_to(actor: Actor) -> QuerySet[Task]:
    """The tasks this actor may see; fails closed."""
    if actor.has(Right.VIEW_TASKS_ALL):
        return Task.objects.all()
    if actor.user is None or actor.acting is not None:  # what tasks were asked for and found is about people's mail
        return Task.objects.none()
    return Task.objects.filter(actor=actor.user)


def list_tasks(actor: Actor, *, state: str = "", type: str = "") -> QuerySet[Task]:
    """Those of one state ("active": waiting or running) and one type; "" means all."""
    found = tasks_visible_to(actor)
    if state == "active":
        found = found.filter(state__in=Task.ACTIVE)
    elif state:
        found = found.filter(state=state)
    if type:
        found = found.filter(type=type)
    return found.defer("arguments", "secrets", "kept", "result", "error")


def list_startable(actor: Actor) -> list[Command]:
    """The commands that this actor may ask for; on what, their services ask."""
    return [command for command in list_commands() if command.needs is None or actor.has_somewhere(command.needs)]


def list_types(actor: Actor) -> list[str]:
    """What a list of this actor can be filtered by."""
    return [command.name for command in list_startable(actor)]


def get_task(actor: Actor, task_id: int) -> Task:
    """One of them. Raises: Http404 (also for those of others)."""
    task = tasks_visible_to(actor).select_related("actor", "origin", "job_run").filter(pk=task_id).first()
    if task is None:
        raise Http404("no such task")
    return task


def wait_for_task(task: Task, *, timeout_s: float) -> Task:
    """The task once it has ended, or as it is after the time-out. Asks the database a few times a second."""
    deadline = time.monotonic() + timeout_s
    ended = Task.objects.filter(pk=task.pk, state__in=Task.ENDED)
    while not ended.exists() and time.monotonic() < deadline:
        time.sleep(min(WAIT_STEP_S, max(0.0, deadline - time.monotonic())))
    return Task.objects.select_related("job_run").get(pk=task.pk)


def list_log(task: Task) -> list[TaskLog]:
    """The newest lines of a task's log, newest first, so that a live page needn't scroll."""
    return list(TaskLog.objects.filter(task=task).order_by("-pk")[:LOG_LINES_SHOWN])


def list_running(actor: Actor, *, limit: int = 5) -> list[Task]:
    """What runs or waits now, oldest first (the overview's card)."""
    return list(tasks_visible_to(actor).filter(state__in=Task.ACTIVE).order_by("pk")[:limit])


def count_running(actor: Actor) -> int:
    """How many the top bar shows."""
    return tasks_visible_to(actor).filter(state__in=Task.ACTIVE).count()


# --- approvals -----------------------------------------------------------------------------------------------------


def approvals_visible_to(actor: Actor) -> QuerySet[Approval]:
    """What they asked for, what they could decide about, and what an auditor watches over; fails closed."""
    if actor.acting is not None:
        return Approval.objects.none()
    if actor.is_administrator:
        return Approval.objects.all()
    found = Q(pk__in=[]) if actor.user is None else Q(requester=actor.user)
    for need in {command.needs for command in list_commands() if command.two_people is not None and command.needs}:
        found |= Q(need=need) & _within(actor, need)
    return Approval.objects.filter(found | _within(actor, Right.VIEW_AUDIT))


def list_approvals(actor: Actor) -> QuerySet[Approval]:
    """Raises: Forbidden for who administers nothing."""
    if not actor.administers:
        raise Forbidden("there is nothing to approve")
    return approvals_visible_to(actor).defer("arguments", "note")


def get_approval(actor: Actor, approval_id: int) -> Approval:
    """One of them. Raises: Http404."""
    found = approvals_visible_to(actor).select_related("requester", "decider", "task").filter(pk=approval_id).first()
    if found is None:
        raise Http404("no such request")
    return found


def list_to_decide(actor: Actor, *, limit: int = 5) -> list[Approval]:
    """What waits for this actor, oldest first."""
    if actor.user is None or not actor.administers:
        return []
    waiting = approvals_visible_to(actor).filter(state=Approval.State.WAITING, expires_at__gt=timezone.now())
    others = waiting.exclude(requester=actor.user).order_by("pk")[: limit * 4]
    return [each for each in others if actor.has(each.need, each)][:limit]


def _within(actor: Actor, right: str) -> Q:
    """Rows that lie where the actor holds the right."""
    reach = actor.reach(right)
    if reach.everything:
        return Q()
    return (
        Q(domain_id__in=reach.domains) | Q(customer_id__in=reach.customers) | Q(about_user_id__in=reach.users)
        if reach
        else Q(pk__in=[])
    )
