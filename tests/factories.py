"""The cast of the tests and how to make more of it: plain functions, no magic.

`administrator`, `user` and `stranger` are also fixtures (tests/conftest.py); a stranger is another user who owns
nothing that `user` owns.
"""

from __future__ import annotations

import itertools
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Session, User
from accounts.scopes import SERVER
from accounts.services import create_user
from accounts.sessionstore import ABOUT, SessionStore
from domains.models import Mailbox
from domains.services.mailboxes import ensure_mailbox
from jobs import alerts, planning
from jobs.models import Alert, Job, JobRun, Task
from jobs.schedules import read_schedule

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


def make_user(email: str | None = None, *, password: str | None = PASSWORD, name: str = "") -> User:
    """Somebody who may sign in with PASSWORD."""
    return create_user(
        Actor.system(), email=email or f"person{next(_numbers)}@example.org", name=name, password=password
    )


def make_administrator(email: str | None = None, *, password: str | None = PASSWORD) -> User:
    """Somebody who may do everything."""
    return create_user(
        Actor.system(),
        email=email or f"administrator{next(_numbers)}@example.org",
        administrator=True,
        password=password,
    )


def make_session(user: User, **about: str) -> Session:
    """A browser in which the person is signed in. about: how, second, address, agent."""
    store = SessionStore()
    store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store[ABOUT] = {"how": "password", **about}
    store.create()
    store.save()
    assert store.row is not None
    return store.row


def make_mailbox(user: User) -> Mailbox:
    """The person's own mailbox."""
    return ensure_mailbox(Actor.system(), user.email)[0]


def make_job(owner: User, command: str = "PurgeOldTasks", *, name: str = "", **schedule: object) -> Job:
    """A job of an administrator, daily by default."""
    when = {"timeZoneId": "UTC", **(schedule or {"time": "02:30"})}
    actor = Actor.for_user(owner)
    return planning.create_job(actor, command=command, arguments={}, schedule=read_schedule(when), name=name)


def make_job_run(job: Job, *, state: str = "completed", **fields: object) -> JobRun:
    """A run as if it had come there."""
    now = timezone.now()
    return JobRun.objects.create(job=job, state=state, **{"started_at": now, "ended_at": now, **fields})


def make_alert(scope: object = SERVER, text: str = "The disk is nearly full.", **values: Any) -> Alert:
    """An open alert, posted by the house itself."""
    return alerts.post_alert(Actor.system(), text, scope=scope, **values)


def make_task(
    actor: User | None = None,
    *,
    state: str = Task.State.COMPLETED,
    type: str = "PurgeOldTasks",
    **fields: object,
) -> Task:
    """A task row in any state, as if it had come there."""
    label = actor.email if actor else "system"
    return Task.objects.create(type=type, actor=actor, actor_label=label, state=state, **fields)
