"""A small house with people, tasks and mail in it, so that pages have something to show. Everything is invented here."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from accounts.services import create_user
from jobs.models import Task, TaskLog
from tests import factories


@dataclass
class World:
    administrator: User
    user: User
    pages: list[tuple[str, str]]  # (name, path) of pages of single objects


def build() -> World:
    administrator = create_user(
        Actor.system(), email="ada@example.org", name="Ada Okafor", administrator=True, password=factories.PASSWORD
    )
    user = create_user(Actor.system(), email="bela@example.org", name="Béla Nagy", password=factories.PASSWORD)
    for number in range(6):
        factories.make_user(f"person{number}@example.net", name=f"Person {number}")
    tasks = [_task(administrator, state, number) for number, state in enumerate(Task.State.values)]
    pages = [(f"task-{task.state}", f"/tasks/{task.pk}/") for task in tasks]
    pages.append(("user", f"/users/{user.pk}/"))
    return World(administrator, user, pages)


def _task(actor: User, state: str, number: int) -> Task:
    now = timezone.now()
    began = now - dt.timedelta(minutes=7 * number, seconds=30)
    progress = {
        "done": 4200 * number,
        "total": 28_032,
        "unit": "messages",
        "note": "lists.mbox",
        "rate": 6120.0,
        "eta_s": 12,
        "counters": {"archived": 4190 * number, "duplicates": 9, "rejected": 1},
    }
    task = factories.make_task(
        actor,
        state=state,
        type="ImportMail",
        arguments={"paths": ["/srv/mail/lists.mbox"], "user": actor.email},
        progress={} if state == "waiting" else progress,
        created_at=began,
        started_at=None if state == "waiting" else began,
        heartbeat_at=None if state == "waiting" else now,
        ended_at=now if state in Task.ENDED else None,
        error="The disk is full: 0 bytes left in /srv/postkeep." if state == "failed" else "",
        result={"archived": 4190, "duplicates": 9, "rejected": 1, "seconds": 4.2} if state == "completed" else None,
    )
    TaskLog.objects.create(task=task, text="Reading /srv/mail/lists.mbox")
    TaskLog.objects.create(task=task, level="warning", text="A message without a header was kept as it is")
    return task
