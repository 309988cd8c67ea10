"""The jobs app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        import jobs.builtin  # registers its commands
        import jobs.bulk
        import jobs.mails
        import jobs.people
        import jobs.tasks  # registers with Celery and the clock
        import jobs.trail  # noqa: F401
        from accounts.actors import Actor
        from config.kit import bulk, nav
        from jobs import selectors, sentences
        from jobs.actions import CancelTasks
        from jobs.tables import TASKS

        sentences.register()
        bulk.register(TASKS, selectors.list_tasks, CancelTasks())
        nav.register("jobs", _("Tasks"), "jobs:task-list", "queue-list", order=10, keys="t")
        nav.register_running(lambda actor: selectors.count_running(actor) if isinstance(actor, Actor) else 0)
