"""CommuniGate's interface as the frame of all dialects knows it. Not for what commands do."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from api.communigate.commands import COMMANDS
from api.communigate.scripts import find_calls
from api.dialects.registry import Dialect, Operation, Option

MAIN_DOMAIN = "main_domain"


def operations() -> list[Operation]:
    """One for each command, by name."""
    return [Operation("", each.name, about=each.about, refused=each.refused, reads=each.reads) for each in COMMANDS]


DIALECT = Dialect(
    name="communigate",
    label="CommuniGate Pro",
    prefix="",
    about=_("The command line interface of CommuniGate Pro 6.3 over its PWD protocol, with STLS."),
    credentials=_(
        "USER with an address, PASS with its password or an access token. APOP for who has a secret of their own for "
        "it: manage.py apop_secret."
    ),
    operations=operations,
    find_calls=find_calls,
    options=(
        Option(
            MAIN_DOMAIN,
            _("Main domain"),
            help=_("Names without a domain are of this one, for people who have no account in a domain themselves."),
        ),
    ),
)
