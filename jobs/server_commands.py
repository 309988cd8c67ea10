"""The commands about the server itself, under the names that archive programs know them by.

Where Postkeep has no such thing it says so: there is no licence, and what isn't set up is "not set up". Source of the
names and answers: the MailStore administration API, "Server, SMTP, licence and certificates".
"""

from __future__ import annotations

import platform
import socket

import django
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.links import public_url
from accounts.models import User
from accounts.permissions import Right
from config.kit import mailing, paths, release, web_tls
from jobs.commands import NoArguments, command
from jobs.running import TaskRun

Result = dict[str, object]
NOT_SET_UP = "not set up"


@command("GetServerInfo", needs=None, arguments=NoArguments, label=gettext_lazy("Version of the server"))
def get_server_info(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Read the server's version and the machine's name; who may see its health is told what it runs on, too."""
    told: Result = {"version": release.version(), "machineName": socket.gethostname()}
    if not actor.has(Right.VIEW_HEALTH):
        return told
    return {
        **told,
        "python": platform.python_version(),
        "django": django.get_version(),
        "database": _database_version(),
    }


@command(
    "GetServiceConfiguration",
    needs=Right.MANAGE_SERVER,
    arguments=NoArguments,
    label=gettext_lazy("Configuration of the server"),
)
def get_service_configuration(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Read where the server keeps things, where it is reached, and what isn't set up."""
    database = settings.DATABASES["default"]
    return {
        "home": str(paths.home()),
        "masterDatabase": {"host": str(database["HOST"]), "name": str(database["NAME"])},
        "auditLog": "database, sealed; VerifyAuditTrail compares it",
        "logs": str(paths.home() / "log"),
        "endpoints": [{"url": public_url()}],
        "mailServer": "set up" if mailing.is_configured() else NOT_SET_UP,
        "certificate": _certificate(),
        "certificateText": "" if web_tls.is_on() else _("TLS ends before this server, at the proxy in front of it."),
    }


@command(
    "GetLicenseInformation", needs=Right.VIEW_HEALTH, arguments=NoArguments, label=gettext_lazy("Licence of the server")
)
def get_license_information(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Say the truth about licences: there is none, and no number of users is limited by one."""
    named = User.objects.filter(is_active=True).count()
    return {
        "productKey": None,
        "productVersion": release.version(),
        "maxNamedUsers": None,
        "namedUsers": named,
        "unusedNamedUsers": None,
        "supportExpiryDate": None,
        "supportLevel": None,
        "validFrom": None,
        "validTo": None,
        "licensedTo": None,
        "machineName": socket.gethostname(),
        "text": _("Postkeep needs no licence."),
    }


def _certificate() -> Result | None:
    """What the pages show; None where a proxy in front does."""
    if not web_tls.is_on():
        return None
    found = x509.load_pem_x509_certificates(web_tls.chain_file().read_bytes())[0]
    return {
        "thumbprint": found.fingerprint(hashes.SHA1()).hex(),  # noqa: S303  # its name in archive programs, not a proof
        "sha256": found.fingerprint(hashes.SHA256()).hex(),
        "subject": found.subject.rfc4514_string(),
        "issuer": found.issuer.rfc4514_string(),
        "validTo": found.not_valid_after_utc.isoformat(),
        "isSelfSigned": found.issuer == found.subject,
    }


def _database_version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
    return f"PostgreSQL {version}"
