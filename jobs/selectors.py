"""Reads of tasks: everybody sees their own, administrators all."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404

from accounts.actors import Actor
from accounts.permissions import Right
from jobs.commands import Command, list_commands
from jobs.models import Task, TaskLog

LOG_LINES_SHOWN = 200


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
    task = tasks_visible_to(actor).select_related("actor", "origin").filter(pk=task_id).first()
    if task is None:
        raise Http404("no such task")
    return task


def list_log(task: Task) -> list[TaskLog]:
    """The newest lines of a task's log, newest first, so that a live page needn't scroll."""
    return list(TaskLog.objects.filter(task=task).order_by("-pk")[:LOG_LINES_SHOWN])


def list_running(actor: Actor, *, limit: int = 5) -> list[Task]:
    """What runs or waits now, oldest first (the overview's card)."""
    return list(tasks_visible_to(actor).filter(state__in=Task.ACTIVE).order_by("pk")[:limit])


def count_running(actor: Actor) -> int:
    """How many the top bar shows."""
    return tasks_visible_to(actor).filter(state__in=Task.ACTIVE).count()
