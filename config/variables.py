"""The variables of the environment, for the list of settings: what each does and what counts without it.

A test compares this with every variable that the code reads. Not for reading them (`config.environment`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from config import environment
from config.kit import paths
from config.kit.known_settings import Setting

Text = str | Promise
Usual = Callable[[], str] | str


@dataclass(frozen=True, slots=True)
class Variable:
    """usual: what counts without it. secret: never shown; address: shown without the name and password in it."""

    name: str
    group: Text
    label: Text
    effect: Text
    usual: Usual = ""
    secret: bool = False
    address: bool = False


_WEB, _FOLDERS, _NET, _MAIL, _SMTP, _DATA, _DIALECTS = (
    _("Environment: pages"),
    _("Environment: folders and keys"),
    _("Environment: connections"),
    _("Environment: own mails"),
    _("Environment: gateway"),
    _("Environment: database and broker"),
    _("Environment: dialects"),
)


def _home(part: str) -> Callable[[], str]:
    return lambda: str(paths.home() / part)


VARIABLES = (
    Variable("POSTKEEP_HOME", _FOLDERS, _("Home folder"), _("Everything lives in it."), lambda: str(paths.home())),
    Variable("POSTKEEP_MASTER_KEY_FILE", _FOLDERS, _("File of the master key"),
             _("It opens the keys of stores and of stored secrets; it is in no backup."), _home("keys/master")),
    Variable("POSTKEEP_IMPORT_ROOTS", _FOLDERS, _("Folders for imports"),
             _("Pages and profiles import from below these folders only."), _home("import")),
    Variable("POSTKEEP_EXPORT_ROOTS", _FOLDERS, _("Folders for exports"),
             _("Exporting profiles write below these folders only."), _home("exported")),
    Variable("POSTKEEP_BACKUP_ROOTS", _FOLDERS, _("Folders for backups"),
             _("Backups are written below these folders only."), _home("backups")),
    Variable("POSTKEEP_STORE_ROOTS", _FOLDERS, _("Folders for stores"),
             _("Stores lie below these folders only."), _home("stores")),
    Variable("POSTKEEP_CERTIFICATE_ROOTS", _FOLDERS, _("Folders for certificates"),
             _("Certificates and their keys are read from below these folders only."), _home("certificates")),
    Variable("POSTKEEP_BREACH_LIST", _FOLDERS, _("File of known passwords"),
             _("Nobody may choose one of them: SHA-1 hashes as of Have I Been Pwned, or words, one a line.")),
    Variable("POSTKEEP_BIND", _WEB, _("Address of the pages"), _("The web server listens on it."), environment.bind),
    Variable("POSTKEEP_PORT", _WEB, _("Port of the pages"), _("The web server listens on it."), "8000"),
    Variable("POSTKEEP_URL", _WEB, _("Public address"),
             _("Links in mails begin with it; https:// turns on secure cookies."), environment.public_url),
    Variable("POSTKEEP_WEB_TLS", _WEB, _("TLS of the pages"),
             _("certificate: where one is chosen for the pages; always: else with one that Postkeep signs itself."),
             "certificate"),
    Variable("POSTKEEP_TRUSTED_PROXIES", _WEB, _("Trusted proxies"),
             _("What these addresses say about the client (X-Forwarded-…) is believed.")),
    Variable("POSTKEEP_API_RATE", _WEB, _("Requests of a token"),
             _("So many requests may one access token make in a minute."), "1200"),
    Variable("POSTKEEP_ADMIN_EMAIL", _WEB, _("First administrator"),
             _("Made at the first start, without asking; nothing later.")),
    Variable("POSTKEEP_ADMIN_PASSWORD", _WEB, _("Password of the first administrator"),
             _("Counts at the first start only; take it out of the environment then."), secret=True),
    Variable("POSTKEEP_ALLOWED_RELAYS", _NET, _("Networks that may be reached"),
             _("Relays and other connections that people aim reach these beside public addresses.")),
    Variable("POSTKEEP_ALLOWED_PORTS", _NET, _("Ports that may be reached"),
             _("Such connections use these ports beside those of SMTP.")),
    Variable("POSTKEEP_DNS_SERVERS", _NET, _("Resolvers"),
             _("They are asked about domains and senders; without any the system's are.")),
    Variable("POSTKEEP_SCANNER_SOCKETS", _NET, _("Sockets of scanners"),
             _("clamd may be asked by these sockets beside Debian's usual one.")),
    Variable("POSTKEEP_MX_NAMES", _NET, _("Names of our gateways"),
             _("MX records of served domains should point to these; the first is what the gateway calls itself.")),
    Variable("POSTKEEP_MAIL_HOST", _MAIL, _("Server"), _("Our own mails leave by it where the page sets none.")),
    Variable("POSTKEEP_MAIL_PORT", _MAIL, _("Port"), _("Of that server; without it the usual one of the encryption.")),
    Variable("POSTKEEP_MAIL_TLS", _MAIL, _("Encryption"), _("starttls, tls or none."), "starttls"),
    Variable("POSTKEEP_MAIL_USER", _MAIL, _("User name"), _("Who signs in at that server.")),
    Variable("POSTKEEP_MAIL_PASSWORD", _MAIL, _("Password"), _("With which it signs in."), secret=True),
    Variable("POSTKEEP_MAIL_PASSWORD_FILE", _MAIL, _("File of the password"), _("Read instead of the variable.")),
    Variable("POSTKEEP_MAIL_FROM", _MAIL, _("Sender"), _("What our own mails are from."),
             lambda: str(environment.smtp()["from"])),
    Variable("POSTKEEP_SMTP_BIND", _SMTP, _("Address of the gateway"), _("Its ports listen on it."), "127.0.0.1"),
    Variable("POSTKEEP_SMTP_PORT", _SMTP, _("Port for other servers"), _("They bring mail here; none: no port."),
             "2525"),
    Variable("POSTKEEP_SUBMISSION_PORT", _SMTP, _("Port for people (STARTTLS)"), _("Usually 587; none: no port."),
             "none"),
    Variable("POSTKEEP_SUBMISSIONS_PORT", _SMTP, _("Port for people (TLS)"), _("Usually 465; none: no port."), "none"),
    Variable("POSTKEEP_FILTER_PORT", _SMTP, _("Port for a Postfix in front"),
             _("It hands mail over here to be filtered; none: no port."), "none"),
    Variable("POSTKEEP_FILTER_CLIENTS", _SMTP, _("Who may use that port"), _("Addresses and networks."),
             "127.0.0.0/8,::1"),
    Variable("POSTKEEP_FILTER_NEXT", _SMTP, _("Where filtered mail goes"), _("The address and port of that Postfix.")),
    Variable("POSTKEEP_GATEWAY_PROCESSES", _SMTP, _("Processes that take mail in"), _("0: no gateway here."), "2"),
    Variable("POSTKEEP_SMTP_SIZE", _SMTP, _("Largest message"), _("In MiB; larger ones are refused."), "50"),
    Variable("POSTKEEP_SMTP_BARE", _SMTP, _("Line ends that stand alone"),
             _("refuse: such messages are refused; fix: they are mended."), "refuse"),
    Variable("POSTKEEP_SMTP_AUTH", _SMTP, _("Signing in"), _("tls: only encrypted; always: also without."), "tls"),
    Variable("POSTKEEP_SMTP_PROXIES", _SMTP, _("Proxies of the gateway"),
             _("Their connections begin with a PROXY header, which is believed.")),
    Variable("POSTKEEP_SMTP_XCLIENT", _SMTP, _("Servers that speak for others"),
             _("These may say for whom they speak (XCLIENT, XFORWARD).")),
    Variable("DATABASE_URL", _DATA, _("Database"), _("A PostgreSQL of one's own; without it Postkeep runs one."),
             address=True),
    Variable("REDIS_URL", _DATA, _("Broker"), _("A Valkey or Redis of one's own; without it Postkeep runs one."),
             address=True),
    Variable("POSTKEEP_DIALECTS", _DIALECTS, _("Dialects that are on"),
             _("Interfaces of other systems that answer whatever their pages say.")),
    Variable("POSTKEEP_DIALECT_CLIENTS", _DIALECTS, _("Who may use dialects"),
             _("Addresses and networks, where a dialect's page names none."), "127.0.0.0/8,::1"),
    Variable("POSTKEEP_DIALECT_BIND", _DIALECTS, _("Address of the dialects' own ports"),
             _("They listen on it; without it on that of the pages."), environment.bind),
    *(
        Variable(environment.dialect_port_variable(name), _DIALECTS, format_lazy(_("Port of {name}"), name=name),
                 _("A port on which this dialect alone answers; none: no port."), "none")
        for name in environment.DIALECT_NAMES
    ),
)  # fmt: skip
# What the supervisor tells its children; nobody sets it.
INTERNAL = frozenset({"POSTKEEP_PART", "POSTKEEP_ROOT_DIALECT"})


def settings() -> Iterator[Setting]:
    """For config.kit.known_settings."""
    for each in VARIABLES:
        given = os.environ.get(each.name, "")
        usual = each.usual() if callable(each.usual) else each.usual
        value = _without_password(given) if each.address else given
        yield Setting(
            name=each.name,
            group=each.group,
            label=each.label,
            value="" if each.secret else value or usual,
            source="environment" if given else "default",
            effect=each.effect,
            is_secret=each.secret,
            is_set=each.secret and bool(given),
            restarts=True,
        )


def _without_password(url: str) -> str:
    """Scheme, host, port and path of an address: what may be shown of it."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    except ValueError:
        return str(_("set"))
