"""The config package as a Django app: the `up` command, and the Celery application behind every `@shared_task`."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import celery  # noqa: F401  (needs the settings; makes it the current app)
