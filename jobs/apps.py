"""The jobs app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        import jobs.builtin  # registers its commands
        import jobs.tasks  # noqa: F401  registers with Celery, also where nothing autodiscovers
