"""Server-side execution: profiles that run by themselves, with a pause between runs, outside their maintenance window.

The clock looks every few seconds; a run that is due becomes a task. Not for schedules of administrators (`jobs`).
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from archive.models import Profile
from archive.profiles.fields import in_window, parse_window
from archive.services.profiles.arguments import AutomaticRunArguments
from jobs.services import submit

EVERY_S = 10.0
LONGEST_PAUSE_S = 10 * 365 * 86_400
logger = logging.getLogger("postkeep.archive")


def start_due() -> list[int]:
    """Submit the runs that are due; their task numbers. Two clocks at once start none twice."""
    started = []
    now = timezone.now()
    minute = timezone.localtime(now).hour * 60 + timezone.localtime(now).minute
    with transaction.atomic():
        due = Profile.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            automatic=True, next_run_at__lte=now
        )
        for profile in due.select_related("task"):
            if in_window(parse_window(profile.window), minute):
                continue
            if profile.task is not None and profile.task.is_active:
                continue
            task = submit(Actor.system(), "RunProfileAutomatically", AutomaticRunArguments(id=profile.pk))
            Profile.objects.filter(pk=profile.pk).update(task=task, next_run_at=next_after(profile))
            started.append(task.pk)
    return started


def next_after(profile: Profile) -> datetime:
    """When it is looked at again: after its pause, counted from the end of the run once that is known."""
    return timezone.now() + timedelta(seconds=min(profile.pause_s, LONGEST_PAUSE_S))


def pause(profile: Profile) -> None:
    """A run has ended: the pause begins."""
    Profile.objects.filter(pk=profile.pk, automatic=True).update(next_run_at=next_after(profile))
