"""The gateway app: what it registers with the apps below it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GatewayConfig(AppConfig):
    name = "gateway"
    verbose_name = _("Gateway")

    def ready(self) -> None:
        import gateway.tasks  # registers with Celery, also where nothing autodiscovers
        from gateway import health, offers, scanner_health

        assert gateway.tasks

        health.register()
        scanner_health.register()
        offers.register()
