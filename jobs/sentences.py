"""What this app's audit events say to people."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences


def register() -> None:
    sentences.register(
        {
            "alert.acknowledge": _("Alert acknowledged"),
            "alert.delete": _("Alert removed"),
            "alert.post": _("Alert posted"),
            "job.cancel": _("Run of a job cancelled"),
            "job.change": _("Job changed"),
            "job.create": _("Job made"),
            "job.delete": _("Job deleted"),
            "job.disable": _("Job disabled"),
            "job.enable": _("Job enabled"),
            "job.run": _("Job started by hand"),
            "job.stop": _("Job stopped, for it couldn't run any more"),
            "task.cancel": _("Task cancelled"),
            "task.create": _("Task started"),
            "task.resume": _("Task gone on with"),
            "task.purge": _("Old tasks purged"),
        }
    )
