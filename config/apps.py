"""The config package as a Django app: the `up` command, its health checks, and the Celery application."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        # These need the settings, so not before.
        from config import celery, components  # noqa: F401  (celery: the app behind every @shared_task)
        from config.shell import offers

        components.register()
        offers.register()
