"""The options of this app. Those of other apps are defined by them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import options, password_age, password_rules
from accounts.models import User
from accounts.options import Text
from accounts.optiontypes import OptionType
from accounts.strictness import Stricter


def register() -> None:
    _pages()
    group = _("Signing in")
    _sign_in_page(group)
    _sessions(group)
    _guesses(group)
    _tokens(group)
    _passwords()


def _pages() -> None:
    group = _("Pages and times")
    options.define(
        "TIME_ZONE",
        OptionType.TIMEZONE,
        levels=options.EVERY_LEVEL,
        default="UTC",
        label=_("Time zone"),
        help=_("Dates and times are shown in it."),
        group=group,
        personal=True,
    )
    options.define(
        "PAGE_SIZE",
        OptionType.INTEGER,
        levels=options.EVERY_LEVEL,
        default=50,
        minimum=10,
        maximum=200,
        label=_("Rows in a list"),
        help=_("How many rows a page of a list shows."),
        group=group,
        personal=True,
    )
    options.define(
        "LANGUAGE",
        OptionType.STRING,
        levels=options.DOWN_TO_CUSTOMER,
        default="en",
        values=[(key, label) for key, label in User.Language.choices if key],
        label=_("Language of new domains"),
        help=_("A domain made without a language gets this one, and its people with it."),
        group=group,
    )


def _sign_in_page(group: Text) -> None:
    options.define(
        "SIGN_IN_TEXT",
        OptionType.TEXT,
        levels=options.SERVER_ONLY,
        default="",
        label=_("Text on the sign-in page"),
        help=_("For everybody who opens the page, signed in or not: whose server this is, whom to ask."),
        group=group,
    )
    options.define(
        "SUPPORT_EMAIL",
        OptionType.EMAIL,
        levels=options.DOWN_TO_DOMAIN,
        default="",
        label=_("Support address"),
        help=_("Whom people write to when something doesn't work; shown on their account page and in our mails."),
        group=group,
    )


def _sessions(group: Text) -> None:
    options.define(
        "SESSION_HOURS",
        OptionType.INTEGER,
        levels=options.EVERY_LEVEL,
        default=14 * 24,
        minimum=1,
        maximum=90 * 24,
        unit=_("hours"),
        label=_("Signed in for at most"),
        help=_("After so long people sign in again. Sessions that began earlier keep the time they began with."),
        group=group,
        strict=Stricter.LESS,
    )
    options.define(
        "SESSION_IDLE_MINUTES",
        OptionType.INTEGER,
        levels=options.EVERY_LEVEL,
        default=0,
        minimum=0,
        maximum=90 * 24 * 60,
        unit=_("minutes"),
        label=_("Signed out after idling for"),
        help=_("Who does nothing for so long signs in again; 0: never. Pages that renew themselves are no use."),
        group=group,
        strict=Stricter.LESS_BUT_0,
    )
    options.define(
        "SESSIONS_MAX",
        OptionType.INTEGER,
        levels=options.EVERY_LEVEL,
        default=50,
        minimum=0,
        maximum=1000,
        label=_("Sessions of a person at most"),
        help=_("Signing in once more ends the session that was used longest ago; 0 sets no limit."),
        group=group,
        strict=Stricter.LESS_BUT_0,
    )
    options.define(
        "APP_PASSWORDS_ONLY",
        OptionType.BOOL,
        levels=options.EVERY_LEVEL,
        default=False,
        label=_("Programs take app passwords only"),
        help=_("Mail programs and the API refuse people's own passwords. Always so for who has a second factor."),
        group=group,
        strict=Stricter.YES,
    )


def _guesses(group: Text) -> None:
    options.define(
        "SAFE_NETWORKS",
        OptionType.LIST,
        levels=options.SERVER_ONLY,
        default=[],
        label=_("Networks that are never blocked"),
        help=_("One in each line, such as 192.0.2.0/24: your offices, where one careless colleague shuts nobody out."),
        group=group,
    )
    options.define(
        "SIGN_IN_BLOCK_AFTER",
        OptionType.INTEGER,
        levels=options.SERVER_ONLY,
        default=50,
        minimum=0,
        maximum=100_000,
        unit=_("wrong guesses"),
        label=_("Block a network after"),
        help=_("So many from one address within a day shut it out for a while; 0: never. Waits begin much earlier."),
        group=group,
    )
    options.define(
        "SIGN_IN_BLOCK_HOURS",
        OptionType.INTEGER,
        levels=options.SERVER_ONLY,
        default=24,
        minimum=1,
        maximum=24 * 365,
        unit=_("hours"),
        label=_("Such a block lasts"),
        group=group,
    )
    options.define(
        "FAILED_SIGN_IN_DAYS",
        OptionType.INTEGER,
        levels=options.SERVER_ONLY,
        default=30,
        minimum=1,
        maximum=3650,
        unit=_("days"),
        label=_("Failed sign-ins are kept for"),
        group=group,
    )


def _tokens(group: Text) -> None:
    options.define(
        "TOKEN_DAYS",
        OptionType.INTEGER,
        levels=options.DOWN_TO_DOMAIN,
        default=0,
        minimum=0,
        maximum=3650,
        unit=_("days"),
        label=_("Access tokens live at most"),
        help=_("New tokens expire after so many days at the latest; 0 lets them live until they are revoked."),
        group=group,
        strict=Stricter.LESS_BUT_0,
    )


def _passwords() -> None:
    group = _("Passwords")
    options.define(
        "PASSWORD_LENGTH",
        OptionType.INTEGER,
        levels=options.EVERY_LEVEL,
        default=10,
        minimum=10,
        maximum=128,
        unit=_("characters"),
        label=_("New passwords have at least"),
        group=group,
        strict=Stricter.MORE,
    )
    options.define(
        "PASSWORD_KINDS",
        OptionType.INTEGER,
        levels=options.EVERY_LEVEL,
        default=0,
        minimum=0,
        maximum=4,
        label=_("Kinds of characters in new passwords"),
        help=_("How many of small letters, capitals, digits and others must be mixed; length helps more."),
        group=group,
        strict=Stricter.MORE,
    )
    options.define(
        password_age.DAYS,
        OptionType.INTEGER,
        levels=options.EVERY_LEVEL,
        default=0,
        minimum=0,
        maximum=3650,
        unit=_("days"),
        label=_("Passwords expire after"),
        help=_("Then people choose a new one when they sign in, and programs get in with app passwords; 0: never."),
        group=group,
        strict=Stricter.LESS_BUT_0,
    )
    options.define(
        password_age.WARN_DAYS,
        OptionType.INTEGER,
        levels=options.DOWN_TO_DOMAIN,
        default=14,
        minimum=0,
        maximum=365,
        unit=_("days"),
        label=_("People are told before their password expires"),
        help=_("On every page, and by mail where a mail server is set up."),
        group=group,
    )
    options.define(
        password_age.AFTER_RESET,
        OptionType.BOOL,
        levels=options.EVERY_LEVEL,
        default=False,
        label=_("People replace passwords that others set"),
        help=_(
            "Whose password an administrator set chooses another one at the next sign-in, before any program gets in "
            "with it."
        ),
        group=group,
        strict=Stricter.YES,
    )
    options.define(
        password_rules.HISTORY,
        OptionType.INTEGER,
        levels=options.EVERY_LEVEL,
        default=0,
        minimum=0,
        maximum=password_rules.HISTORY_MAX,
        label=_("Last passwords that nobody takes again"),
        help=_("How many, the present one among them; kept as hashes. 0 keeps none."),
        group=group,
        strict=Stricter.MORE,
    )
