"""The jobs app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        import jobs.approval_mails
        import jobs.approvals
        import jobs.bulk
        import jobs.job_commands
        import jobs.mails
        import jobs.people
        import jobs.server_commands
        import jobs.tasks  # registers with Celery and the clock
        import jobs.trail  # noqa: F401
        from accounts.mails import register_poster
        from jobs import builtin, mails, offers

        builtin.register()
        offers.register()
        register_poster(mails.post)
