"""The jobs app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        import jobs.approval_mails
        import jobs.approvals
        import jobs.bulk
        import jobs.configuration.commands
        import jobs.factor_mails
        import jobs.health_commands
        import jobs.job_commands
        import jobs.mail_server_commands
        import jobs.mails
        import jobs.password_commands
        import jobs.people
        import jobs.reports.sending
        import jobs.schema_commands
        import jobs.server_commands
        import jobs.server_settings
        import jobs.server_state
        import jobs.session_commands
        import jobs.sign_in_commands
        import jobs.source_commands
        import jobs.tasks  # registers with Celery and the clock
        import jobs.trail
        import jobs.webhook_commands  # noqa: F401
        from accounts.mails import register_notifier, register_poster
        from jobs import (
            builtin,
            counting,
            factor_mails,
            logs,
            mail_server,
            mails,
            monitoring,
            offers,
            password_commands,
            server_settings,
            server_state,
            trust,
        )
        from jobs.configuration import identity, ours
        from jobs.reports import disks, house

        builtin.register()
        counting.register()
        logs.register()
        mail_server.register()
        monitoring.register()
        server_settings.register()
        server_state.register()
        ours.register_ours()
        identity.register_parts()
        trust.register()
        disks.register_section()
        house.register_sections()
        offers.register()
        password_commands.register()
        register_poster(mails.post)
        register_notifier(factor_mails.post)
