"""Options about mailboxes and other addresses."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import options
from accounts.optiontypes import OptionType
from domains.belonging import SIGN_IN_BY_ALIAS
from domains.services.mailbox_states import DELETION_DAYS
from domains.services.profiles import DEFAULT_PREFERENCES


def register() -> None:
    options.define(
        SIGN_IN_BY_ALIAS,
        OptionType.BOOL,
        levels=options.DOWN_TO_DOMAIN,
        default=False,
        label=_("Sign in with aliases too"),
        help=_("People sign in with any address of their mailbox, under every name of the domain."),
        group=_("Users"),
    )
    options.define(
        DEFAULT_PREFERENCES,
        OptionType.TEXT,
        levels=options.DOWN_TO_DOMAIN,
        default="",
        label=_("Preferences of programs"),
        help=_("One a line, such as “timeFormat: 24h”. Each counts for users whose level below doesn't say its own."),
        group=_("Users"),
    )
    options.define(
        DELETION_DAYS,
        OptionType.INTEGER,
        levels=options.DOWN_TO_DOMAIN,
        default=30,
        minimum=0,
        maximum=3650,
        unit=_("days"),
        label=_("Deleted users can be restored for"),
        help=_("After so many days a deleted user's address is free again. Archived mail always stays."),
        group=_("Users"),
    )
