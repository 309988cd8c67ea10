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
            "authority.add": _("Authority trusted"),
            "authority.remove": _("Authority not trusted any more"),
            "configuration.export": _("Configuration exported"),
            "configuration.import": _("Configuration imported"),
            "counters.reset": _("Counters set back"),
            "element.delete": _("Monitoring element forgotten"),
            "element.set": _("Monitoring element set"),
            "log.search": _("Log of the server searched"),
            "log.settings": _("What the log keeps was changed"),
            "log.write": _("Line put into the log"),
            "mail_server.change": _("Mail server changed"),
            "mail_server.forget": _("Mail server forgotten"),
            "mail_server.set": _("Mail server set"),
            "mail_server.test": _("Test mail sent"),
            "approval.approve": _("Approved what somebody else asked for"),
            "approval.ask": _("Asked for something that takes two people"),
            "approval.emergency": _("Done without a second person, as an emergency"),
            "approval.expire": _("Request ended without an answer"),
            "approval.reject": _("Rejected what somebody else asked for"),
            "approval.skip": _("Done without a second person, where the rule wasn't in force"),
            "approval.withdraw": _("Request withdrawn"),
            "report.send": _("Status report mailed"),
            "task.cancel": _("Task cancelled"),
            "task.create": _("Task started"),
            "task.resume": _("Task gone on with"),
            "task.purge": _("Old tasks purged"),
        }
    )
    sentences.register_fields(
        {
            "arguments": _("With"),
            "asked_by": _("Asked by"),
            "basis": _("On what grounds"),
            "command": _("Command"),
            "from_address": _("Sender's address"),
            "from_name": _("Sender's name"),
            "hostname": _("Server"),
            "numbers": _("In numbers"),
            "parts": _("Parts"),
            "with_secrets": _("With sealed secrets"),
            "password_replaced": _("With a new password"),
            "port": _("Port"),
            "protocol": _("Protocol"),
            "recipients": _("Recipients"),
            "sent": _("Sent"),
            "server": _("Server"),
            "signs_in": _("Signs in"),
            "subject": _("Of what"),
            "timespan": _("Period"),
            "trusts_all": _("Takes any certificate"),
            "username": _("User name"),
        }
    )
