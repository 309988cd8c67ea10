"""The archive app: what it registers with the apps below it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ArchiveConfig(AppConfig):
    name = "archive"
    verbose_name = _("Archive")

    def ready(self) -> None:
        import archive.backup_commands
        import archive.commands
        import archive.keeping_commands
        import archive.profile_commands
        import archive.tasks  # registers with Celery, also where nothing autodiscovers
        from archive import (
            attachment_options,
            backup_reporting,
            configuration,
            evidence_commands,
            evidence_offers,
            health,
            known_settings,
            monitoring,
            navigation,
            overview,
            profile_reporting,
            reporting,
            sentences,
            usage,
        )
        from archive.services.backup.running import register_alerts
        from archive.services.profiles.automatic import EVERY_S
        from config.kit import clock
        from domains.usage import register_source

        assert archive.backup_commands and archive.commands and archive.keeping_commands and archive.profile_commands
        clock.every(EVERY_S, archive.tasks.PROFILES)
        attachment_options.register()
        configuration.register_parts()
        evidence_commands.register_jobs()
        register_alerts()
        evidence_offers.register()
        clock.every(archive.tasks.HOUSEKEEPING_EVERY_S, archive.tasks.HOUSEKEEPING)
        clock.every(archive.tasks.FOLLOW_EVERY_S, archive.tasks.FOLLOW_RETENTION)
        clock.every(archive.tasks.STORES_EVERY_S, archive.tasks.STORES)
        clock.every(archive.tasks.SEALING_EVERY_S, archive.tasks.SEALING)
        health.register()
        known_settings.register()
        monitoring.register()
        navigation.register()
        overview.register()
        profile_reporting.register()
        backup_reporting.register()
        reporting.register()
        sentences.register()
        register_source(usage.held)
