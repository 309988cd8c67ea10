"""The config package as a Django app: the `up` command, its health checks, and the Celery application."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        # These need the settings, so not before.
        from config import celery, components, variables  # noqa: F401  (celery: behind every @shared_task)
        from config.kit import known_settings
        from config.shell import offers

        components.register()
        known_settings.register(variables.settings)
        offers.register()
