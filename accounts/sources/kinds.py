"""The kinds of sources and what each is told: one catalogue that forms, the API and commands all read.

A value that isn't in the catalogue doesn't exist; what is checked here is shape. Whether a source answers is tried
(`trying`), and who may set one up is the service's. Secrets are not among the settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.sources.errors import BadSource
from accounts.sources.reaching import Security, context_for, is_loopback
from config.kit import net

Text = str | Promise
Shape = Literal["text", "host", "number", "yes", "choice", "pem", "filter", "dn", "words", "url", "attribute"]
LONGEST = 2_000
LONGEST_PEM = 64_000
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
PLACEHOLDERS = ("address", "local", "domain")


class Kind(StrEnum):
    """What a source is. Two are another one with values that fit a product."""

    LDAP = "ldap"
    ACTIVE_DIRECTORY = "active_directory"
    IMAP = "imap"
    OIDC = "oidc"
    ENTRA = "entra"

    @property
    def label(self) -> Text:
        return LABELS[self]

    @property
    def is_directory(self) -> bool:
        return self in (Kind.LDAP, Kind.ACTIVE_DIRECTORY)

    @property
    def is_web(self) -> bool:
        """Whether people sign in on a page of the source, and never type a password here."""
        return self in (Kind.OIDC, Kind.ENTRA)


LABELS: dict[Kind, Text] = {
    Kind.LDAP: gettext_lazy("LDAP directory"),
    Kind.ACTIVE_DIRECTORY: gettext_lazy("Active Directory"),
    Kind.IMAP: gettext_lazy("IMAP server"),
    Kind.OIDC: gettext_lazy("OpenID Connect"),
    Kind.ENTRA: gettext_lazy("Microsoft Entra ID"),
}
ABOUT: dict[Kind, Text] = {
    Kind.LDAP: gettext_lazy("Passwords are checked by the directory; its people can be taken over."),
    Kind.ACTIVE_DIRECTORY: gettext_lazy("The same with what Active Directory calls things."),
    Kind.IMAP: gettext_lazy("Whoever can sign in at the mail server can sign in here with the same password."),
    Kind.OIDC: gettext_lazy("People sign in on the provider’s page: Keycloak, Authentik, Google, Okta and others."),
    Kind.ENTRA: gettext_lazy("The same for one tenant of Microsoft 365."),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One value: what it is called, what it may be. group: under which heading forms show it."""

    name: str
    label: Text
    shape: Shape = "text"
    default: Any = ""
    help: Text = ""
    group: str = "connection"
    required: bool = False
    choices: tuple[tuple[str, Text], ...] = ()
    least: int = 0
    most: int = 0
    unit: Text = ""


GROUPS: dict[str, Text] = {
    "connection": gettext_lazy("Connection"),
    "people": gettext_lazy("Finding people"),
    "sync": gettext_lazy("Synchronisation"),
}
_SECURITY = (
    (Security.TLS.value, gettext_lazy("TLS from the start")),
    (Security.STARTTLS.value, gettext_lazy("StartTLS")),
    (Security.NONE.value, gettext_lazy("None: passwords can be read on the way")),
)
_CA = Setting(
    "ca_pem",
    gettext_lazy("Own certificate authority"),
    "pem",
    help=gettext_lazy("PEM. Empty: the authorities that this system trusts."),
)
_TIMEOUT = Setting(
    "timeout_s", gettext_lazy("Wait at most"), "number", 10, least=1, most=60, unit=gettext_lazy("seconds")
)


def _connection(port: int) -> tuple[Setting, ...]:
    return (
        Setting("host", gettext_lazy("Host"), "host", required=True),
        Setting("port", gettext_lazy("Port"), "number", port, least=1, most=65535),
        Setting("security", gettext_lazy("Encryption"), "choice", Security.TLS.value, choices=_SECURITY),
        _CA,
        _TIMEOUT,
    )


def _directory(*, active: bool) -> tuple[Setting, ...]:
    """The settings of a directory; Active Directory has other names for nearly everything."""
    person = "(objectCategory=person)(objectClass=user)" if active else "(objectClass=inetOrgPerson)"
    login = (
        f"(&{person}(|(mail={{address}})(userPrincipalName={{address}})(proxyAddresses=smtp:{{address}})))"
        if active
        else f"(&{person}(mail={{address}}))"
    )
    attribute: Shape = "attribute"
    return (
        *_connection(636),
        Setting(
            "bind_dn",
            gettext_lazy("Sign in as"),
            "dn",
            help=gettext_lazy("The name of an account that may search. Empty: as nobody."),
        ),
        Setting("base_dn", gettext_lazy("Search below"), "dn", group="people", required=True),
        Setting(
            "login_filter", gettext_lazy("Filter at sign-in"), "filter", login, group="people", required=True,
            help=gettext_lazy("{address}, {local} and {domain} stand for what somebody signs in with."),
        ),
        Setting("id_attribute", gettext_lazy("Lasting identity"), attribute,
                "objectGUID" if active else "entryUUID", group="people", required=True,
                help=gettext_lazy("An attribute that never changes and is never given twice.")),
        Setting("address_attribute", gettext_lazy("Address"), attribute, "mail", group="people", required=True),
        Setting("name_attribute", gettext_lazy("Name"), attribute, "displayName" if active else "cn", group="people"),
        Setting("first_name_attribute", gettext_lazy("First name"), attribute, "givenName", group="people"),
        Setting("last_name_attribute", gettext_lazy("Last name"), attribute, "sn", group="people"),
        Setting("groups_attribute", gettext_lazy("Groups"), attribute, "memberOf", group="people",
                help=gettext_lazy("Names the groups somebody is in, for the roles they get.")),
        Setting("group_member_attribute", gettext_lazy("Members of a group"), attribute, "" if active else "member",
                group="people", help=gettext_lazy("For directories whose people don’t name their groups.")),
        Setting("member_name_attribute", gettext_lazy("What a group calls its members"), attribute, "", group="people",
                help=gettext_lazy("The person’s attribute that stands there: uid for posixGroup with memberUid. Empty: "
                                  "the name of their entry.")),
        Setting("nested_groups", gettext_lazy("Groups in groups count"), "yes", False, group="people",
                help=gettext_lazy("Who is in a group that is in another has what the other gives.")),
        Setting("groups_base_dn", gettext_lazy("Groups are below"), "dn", group="people",
                help=gettext_lazy("For groups in groups. Empty: where people are.")),
        Setting("primary_group_attribute", gettext_lazy("Primary group"), attribute,
                "primaryGroupID" if active else "", group="people",
                help=gettext_lazy("Of Active Directory, whose groups don’t list who has them as their primary one.")),
        Setting("disabled_attribute", gettext_lazy("Disabled"), attribute,
                "userAccountControl" if active else "", group="people",
                help=gettext_lazy("userAccountControl is read by its bit; of others any value but no, false or 0 shuts "
                                  "somebody out.")),
        Setting("sync_filter", gettext_lazy("Whom to take over"), "filter", f"(&{person}(mail=*))", group="sync",
                required=True),
        Setting("aliases_attribute", gettext_lazy("Other addresses"), attribute,
                "proxyAddresses" if active else "", group="sync",
                help=gettext_lazy("Become aliases, in domains of this source. Of proxyAddresses the smtp: ones.")),
        Setting("quota_attribute", gettext_lazy("Quota"), attribute, "", group="sync"),
        Setting("quota_unit", gettext_lazy("Quota is in"), "choice", "mb", group="sync",
                choices=(("bytes", gettext_lazy("bytes")), ("kb", "KiB"), ("mb", "MiB"))),
        Setting("creates_mailboxes", gettext_lazy("Make mailboxes for new people"), "yes", True, group="sync"),
        Setting("disables_leavers", gettext_lazy("Shut out who is gone from the directory"), "yes", True, group="sync",
                help=gettext_lazy("Their mail and archive stay.")),
        Setting("page_size", gettext_lazy("Entries at once"), "number", 500, least=10, most=1000, group="sync"),
    )  # fmt: skip


def _web(*, entra: bool) -> tuple[Setting, ...]:
    issuer = "https://login.microsoftonline.com/TENANT/v2.0" if entra else ""
    return (
        Setting("issuer", gettext_lazy("Issuer"), "url", issuer, required=True,
                help=gettext_lazy("The address under which /.well-known/openid-configuration stands.")),
        Setting("client_id", gettext_lazy("Client ID"), required=True),
        Setting("algorithms", gettext_lazy("Signatures"), "words", "RS256",
                help=gettext_lazy("Only tokens signed like this count. With spaces between.")),
        Setting("scopes", gettext_lazy("Scopes"), "words", "openid email profile"),
        _CA,
        _TIMEOUT,
        Setting("address_claim", gettext_lazy("Address"), "attribute", "preferred_username" if entra else "email",
                group="people", required=True, help=gettext_lazy("The claim that holds somebody’s e-mail address.")),
        Setting("trusts_addresses", gettext_lazy("Believe addresses that the provider doesn’t call verified"), "yes",
                entra, group="people",
                help=gettext_lazy("Only where nobody can enter an address themselves. Entra says nothing of it; its "
                                  "tenant’s administrators give the names.")),
        Setting("name_claim", gettext_lazy("Name"), "attribute", "name", group="people"),
        Setting("groups_claim", gettext_lazy("Groups"), "attribute", "groups", group="people",
                help=gettext_lazy("Names the groups somebody is in, for the roles they get.")),
        Setting("second_factor_values", gettext_lazy("Signs of a second factor"), "words", "mfa otp hwk swk fpt face",
                group="people", help=gettext_lazy("Values of amr or acr by which the provider says that it asked for "
                                                  "more than a password.")),
    )  # fmt: skip


SETTINGS: dict[Kind, tuple[Setting, ...]] = {
    Kind.LDAP: _directory(active=False),
    Kind.ACTIVE_DIRECTORY: _directory(active=True),
    Kind.IMAP: (
        *_connection(993),
        Setting("login_name", gettext_lazy("Sign in as"), default="{address}", group="people", required=True,
                help=gettext_lazy("{address} or {local}.")),
    ),
    Kind.OIDC: _web(entra=False),
    Kind.ENTRA: _web(entra=True),
}  # fmt: skip


def defaults(kind: Kind) -> dict[str, Any]:
    """What a new source of this kind says before anybody says otherwise."""
    return {each.name: each.default for each in SETTINGS[kind]}


def clean(kind: Kind, given: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a kind from what somebody gave, with defaults for what they left out. Raises: BadSource."""
    known = {each.name: each for each in SETTINGS[kind]}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise BadSource(_("There is no setting %(name)s.") % {"name": unknown[0][:100]}, field=unknown[0][:100])
    found = {name: _cleaned(each, given.get(name, each.default)) for name, each in known.items()}
    if kind.is_web:
        _check_issuer(str(found["issuer"]))
        unknown_ways = set(str(found["algorithms"]).split()) - set(ALGORITHMS)
        if unknown_ways or not found["algorithms"]:
            raise BadSource(_("It is one of: %(known)s.") % {"known": ", ".join(ALGORITHMS)}, field="algorithms")
        if "openid" not in str(found["scopes"]).split():
            raise BadSource(_("The scope openid is needed."), field="scopes")
    return found


def _cleaned(setting: Setting, value: Any) -> Any:
    """Raises: BadSource."""
    name = setting.name
    if setting.shape == "yes":
        if not isinstance(value, bool):
            raise BadSource(_("Yes or no."), field=name)
        return value
    if setting.shape == "number":
        if not isinstance(value, int) or isinstance(value, bool) or not setting.least <= value <= setting.most:
            said = {"least": setting.least, "most": setting.most}
            raise BadSource(_("From %(least)d to %(most)d.") % said, field=name)
        return value
    if not isinstance(value, str) or "\0" in value:
        raise BadSource(_("A text."), field=name)
    return _cleaned_text(setting, value.strip())


def _cleaned_text(setting: Setting, text: str) -> str:
    name = setting.name
    if len(text) > (LONGEST_PEM if setting.shape == "pem" else LONGEST):
        raise BadSource(_("This is too long."), field=name)
    if not text:
        if setting.required:
            raise BadSource(_("This is needed."), field=name)
        return ""
    if setting.shape != "pem" and not text.isprintable():
        raise BadSource(_("On one line, please."), field=name)
    match setting.shape:
        case "host":
            try:
                return net.clean_host(text)
            except net.NameUnknown as error:
                raise BadSource(_("This is not the name of a host."), field=name) from error
        case "choice" if text not in {key for key, _label in setting.choices}:
            known = ", ".join(key for key, _label in setting.choices)
            raise BadSource(_("It is one of: %(known)s.") % {"known": known}, field=name)
        case "pem":
            context_for(text)
        case "attribute" if not _ATTRIBUTE.fullmatch(text):
            raise BadSource(_("This is no name of an attribute."), field=name)
        case "filter":
            _check_filter(name, text)
        case "words":
            return " ".join(text.split())
    if name == "login_name":
        _check_placeholders(name, text)
    return text


_ATTRIBUTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/;-]{0,99}")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def _check_placeholders(name: str, text: str) -> None:
    unknown = [each for each in _PLACEHOLDER.findall(text) if each not in PLACEHOLDERS]
    if unknown or text.count("{") != len(_PLACEHOLDER.findall(text)):
        known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
        raise BadSource(_("Known are: %(known)s.") % {"known": known}, field=name)


def _check_filter(name: str, text: str) -> None:
    """Balanced, in brackets, with known placeholders; the directory judges the rest. Raises: BadSource."""
    _check_placeholders(name, text)
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth < 0 or (depth == 0 and at < len(text) - 1):
            depth = -1
            break
    if depth != 0 or not text.startswith("("):
        raise BadSource(_("A filter stands in brackets, each of them closed."), field=name)
    if name == "login_filter" and not any(f"{{{each}}}" in text for each in ("address", "local")):
        raise BadSource(_("The filter must name {address} or {local}, else it finds anybody."), field=name)


def _check_issuer(url: str) -> None:
    """https, or http on this very machine. Raises: BadSource."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _port = parts.port
    except ValueError as error:
        raise BadSource(_("This is no address of a web server."), field="issuer") from error
    plain = parts.scheme == "http" and is_loopback(host)
    if not host or parts.username or parts.password or parts.query or parts.fragment:
        raise BadSource(_("This is no address of a web server."), field="issuer")
    if parts.scheme != "https" and not plain:
        raise BadSource(_("The address begins with https://."), field="issuer")
    if "TENANT" in url or "/common" in url or "/organizations" in url or "/consumers" in url:
        raise BadSource(_("Give the ID of your tenant: other tenants’ people must not come in."), field="issuer")
