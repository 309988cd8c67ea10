"""The gateway app: what it registers with the apps below it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GatewayConfig(AppConfig):
    name = "gateway"
    verbose_name = _("Gateway")

    def ready(self) -> None:
        import gateway.service_commands
        import gateway.tasks  # registers with Celery, also where nothing autodiscovers
        from gateway import configuration, events, health, offers, release_options, scanner_health
        from gateway.keeping import clearing, forgetting
        from gateway.keeping import health as keeping_health

        assert gateway.tasks and gateway.service_commands

        events.register()
        health.register()
        keeping_health.register()
        scanner_health.register()
        offers.register()
        configuration.register_parts()
        release_options.register()
        forgetting.register()
        clearing.register()
