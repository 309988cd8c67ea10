"""Trying a source, step by step, with what each step came to. Says what a source's owner may know, and no secret.

Nothing is changed and nobody is signed in. in_full: for somebody who runs the server, who may know what the network
here looks like; others learn only the kind of failure. Not for deciding who comes in.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.sources.errors import Denied, SourceFailed
from accounts.sources.imap import MailServer
from accounts.sources.ldap import Directory
from accounts.sources.oidc import Provider


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what was tried, whether it went well, what was found."""

    name: str
    is_well: bool
    said: str = ""


class _Report:
    """Steps until one fails."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def well(self, name: str, said: str = "") -> None:
        self.steps.append(Step(name, True, said))

    def failed(self, name: str, said: str) -> None:
        self.steps.append(Step(name, False, said))


def try_directory(directory: Directory, address: str = "", password: str = "", *, in_full: bool = False) -> list[Step]:
    """Connect, sign in as the account that searches, find, and check a password where one is given."""
    report = _Report()
    step = _("Connect and sign in to search")
    try:
        with directory.talk() as talk:
            report.well(step, str(directory.settings["bind_dn"]) or _("as nobody"))
            step = _("Look below the base")
            found = talk.search(directory.settings["base_dn"], "(objectClass=*)", ["1.1"], most=1)
            report.well(step) if found else report.failed(step, _("There is nothing below it."))
            if not address:
                return report.steps
            step = _("Find the person")
            entry = directory.find(address, talk)
            if entry is None:
                report.failed(step, _("Nobody has this address there."))
                return report.steps
            report.well(step, entry.dn)
            _say_entry(report, entry.id, entry.address, entry.name, entry.aliases, entry.groups, entry.is_disabled)
            if password:
                step = _("Check the password")
                if talk.bind(entry.dn, password):
                    report.well(step)
                else:
                    report.failed(step, _("The directory says no."))
    except SourceFailed as error:
        report.failed(step, error.words(in_full=in_full))
    return report.steps


def _say_entry(
    report: _Report,
    identity: str,
    address: str,
    name: str,
    aliases: tuple[str, ...],
    groups: tuple[str, ...],
    is_disabled: bool | None,
) -> None:
    if identity:
        report.well(_("Lasting identity"), identity)
    else:
        report.failed(_("Lasting identity"), _("The entry doesn’t have this attribute."))
    if address:
        report.well(_("Address"), address)
    else:
        report.failed(_("Address"), _("The entry doesn’t have one that can be served."))
    for label, said in (
        (_("Name"), name),
        (_("Other addresses"), ", ".join(each for each in aliases if each != address)),
        (_("Groups"), "; ".join(groups)),
    ):
        if said:
            report.well(label, said[:1000])
    if is_disabled:
        report.failed(_("Disabled"), _("The directory shuts this person out."))


def try_mail_server(server: MailServer, address: str = "", password: str = "", *, in_full: bool = False) -> list[Step]:
    """Connect, and sign in where a password is given."""
    report = _Report()
    step = _("Connect")
    try:
        server.greet()
        report.well(step)
        if address and password:
            step = _("Check the password")
            server.check(address, password)
            report.well(step)
    except Denied:
        report.failed(step, _("The mail server says no."))
    except SourceFailed as error:
        report.failed(step, error.words(in_full=in_full))
    return report.steps


def try_provider(provider: Provider, *, in_full: bool = False) -> list[Step]:
    """Read what the provider publishes: its addresses and its keys."""
    report = _Report()
    step = _("Read what the provider says of itself")
    try:
        metadata = provider.metadata()
        report.well(step, str(metadata["issuer"]))
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            report.well(name, str(metadata[name]))
        step = _("Signatures")
        wanted = set(str(provider.settings["algorithms"]).split())
        offered = metadata.get("id_token_signing_alg_values_supported")
        known = {str(each) for each in offered} if isinstance(offered, list) else wanted
        if wanted & known:
            report.well(step, " ".join(sorted(wanted & known)))
        else:
            report.failed(step, _("The provider signs with: %(known)s") % {"known": " ".join(sorted(known))[:200]})
        step = _("Read its keys")
        report.well(step, str(len(provider.keys())))
    except SourceFailed as error:
        report.failed(step, error.words(in_full=in_full))
    return report.steps
