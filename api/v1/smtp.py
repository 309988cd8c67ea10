"""The server by which Postkeep's own mails leave, by the names of the dataset that archive programs know."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Created, Group
from api.schemas import Answer, Body, Port
from api.v1 import subjects
from api.v1.tasks import TaskAnswer
from api.v1.tasks import present as present_task
from jobs import mail_server, services
from jobs.mail_server_commands import TestSmtpSettingsArguments
from jobs.models import MailServer

# What the API calls the columns; the rest of the dataset's names are their camelCase.
NAMES = {
    "trusts_all": "ignoreSslPolicyErrors",
    "signs_in": "authenticationRequired",
    "from_name": "fromDisplayName",
    "from_address": "fromEmailAddress",
    "recipients": "recipientEmailAddresses",
}
group = Group("Mail server", "By which server Postkeep's own mails leave: invitations, alerts, reports.", names=NAMES)
Protocol = Literal["SMTP", "SMTP-TLS", "SMTP-SSL"]
Address = Annotated[str, Field(min_length=3, max_length=254, examples=["postkeep@example.org"])]


class SmtpSet(Body):
    """The whole configuration."""

    hostname: Annotated[str, Field(min_length=1, max_length=253, examples=["mail.example.org"])]
    port: Port = 587
    protocol: Annotated[Protocol, Field(description="SMTP-TLS: STARTTLS; SMTP-SSL: TLS from the first byte.")] = (
        "SMTP-TLS"
    )
    ignore_ssl_policy_errors: bool = False
    authentication_required: bool = False
    username: Annotated[str, Field(max_length=254)] = ""
    password: Annotated[str | None, Field(max_length=500, description="Never answered; left out, it stays.")] = None
    from_display_name: Annotated[str, Field(max_length=200)] = ""
    from_email_address: Address
    recipient_email_addresses: Annotated[list[Address], Field(max_length=50)] = []


class SmtpAnswer(Answer):
    """The configuration without its password; `hostname` null where none is set."""

    hostname: str | None
    port: int | None
    protocol: Protocol | None
    ignore_ssl_policy_errors: bool
    authentication_required: bool
    username: str | None
    has_password: bool
    from_display_name: str | None
    from_email_address: str | None
    recipient_email_addresses: list[str]
    is_from_environment: Annotated[bool, Field(description="The environment says it; nobody set it here.")]


class SmtpTest(Body):
    """To whom; without a recipient the first of notices, else who asks."""

    recipient: Annotated[str, Field(max_length=254)] = ""


def present(row: MailServer | None) -> SmtpAnswer:
    if row is not None:
        given = {_inside(name): value for name, value in mail_server.as_json(row).items()}
        return SmtpAnswer(**{**given, "is_from_environment": False})
    by = mail_server.environment_server()
    protocols: dict[str, Any] = {"none": "SMTP", "starttls": "SMTP-TLS", "tls": "SMTP-SSL"}
    return SmtpAnswer(
        hostname=by.host if by else None,
        port=by.port if by else None,
        protocol=protocols[by.security.value] if by else None,
        ignore_ssl_policy_errors=False,
        authentication_required=bool(by and by.username),
        username=(by.username or None) if by else None,
        has_password=bool(by and by.password),
        from_display_name=None,
        from_email_address=by.sender if by else None,
        recipient_email_addresses=[],
        is_from_environment=by is not None,
    )


def _inside(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@group.get("/server/smtp", admit=subjects.server(Right.MANAGE_SERVER))
def smtp_detail(actor: Actor, server: subjects.Server) -> SmtpAnswer:
    """Read by which server our own mails leave."""
    return present(mail_server.get_mail_server(actor))


@group.put("/server/smtp", admit=subjects.server(Right.MANAGE_SERVER))
def smtp_set(actor: Actor, server: subjects.Server, body: SmtpSet) -> None:
    """Set by which server our own mails leave.

    The password is kept when it is left out, but only for the server and user it was given for.
    """
    sent = body.model_dump(by_alias=True)
    if sent["password"] is None:
        del sent["password"]
    mail_server.set_mail_server(actor, mail_server.from_json(sent))


@group.delete("/server/smtp", admit=subjects.server(Right.MANAGE_SERVER))
def smtp_forget(actor: Actor, server: subjects.Server) -> None:
    """Forget the server that was set; the environment's counts again."""
    mail_server.forget_mail_server(actor)


@group.post("/server/smtp/test", admit=subjects.server(Right.MANAGE_SERVER), status=202)
def smtp_test(actor: Actor, server: subjects.Server, body: SmtpTest) -> Created[TaskAnswer]:
    """Send a test mail, as a task whose result has the transcript."""
    task = services.submit(actor, "TestSmtpSettings", TestSmtpSettingsArguments(body.recipient))
    return Created(present_task(task), f"/tasks/{task.pk}")
