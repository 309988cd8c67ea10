"""Second factors: who keeps them, the options about them, their pages in navigation and tabs, their sentences."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import enforcement, factors, options, sentences
from accounts.offers.pages import person_number
from accounts.optiontypes import OptionType
from accounts.permissions import BUILT_IN_ROLES, Right
from accounts.services import second_factors, trusted_devices
from accounts.strictness import Stricter
from config.kit import nav, tabs


def register() -> None:
    factors.register(second_factors.has_factor, second_factors.drop_all)
    _options()
    _pages()
    _sentences()


def _options() -> None:
    group = _("Second factors")
    strictest = _("The strictest of server, customer, domain and person counts.")
    options.define(
        enforcement.WHO,
        OptionType.STRING,
        levels=options.EVERY_LEVEL,
        default=enforcement.NOBODY,
        values=[
            (enforcement.NOBODY, _("Nobody; whoever wants to sets one up")),
            (enforcement.ADMINISTRATORS, _("Who administers anything")),
            (enforcement.EVERYBODY, _("Everybody")),
        ],
        label=_("Who must have a second factor"),
        help=strictest,
        group=group,
        strict=Stricter.LATER,
    )
    options.define(
        enforcement.ROLES,
        OptionType.LIST,
        levels=options.DOWN_TO_DOMAIN,
        default=[],
        values=[(role.key, role.label) for role in BUILT_IN_ROLES.values()],
        label=_("Roles that need a second factor"),
        help=_("Who holds one of them must have one. Roles of your own say it themselves."),
        group=group,
        strict=Stricter.MORE_ITEMS,
    )
    options.define(
        enforcement.DAYS,
        OptionType.INTEGER,
        levels=options.DOWN_TO_DOMAIN,
        default=14,
        minimum=0,
        maximum=365,
        unit=_("days"),
        label=_("Time to set one up"),
        help=_("From the first page after it is demanded; then only the pages for it are open. The least counts."),
        group=group,
        strict=Stricter.LESS,
    )
    options.define(
        trusted_devices.OPTION,
        OptionType.INTEGER,
        levels=options.DOWN_TO_DOMAIN,
        default=30,
        minimum=0,
        maximum=365,
        unit=_("days"),
        label=_("Devices are trusted for"),
        help=_("People may have a browser not asked for the second step for so long; 0 asks at every sign-in."),
        group=group,
        strict=Stricter.LESS,
    )


def _pages() -> None:
    nav.register(
        "account",
        _("Second factors"),
        "accounts:own-factors",
        "finger-print",
        order=15,
        under=("accounts:app-", "accounts:passkey-", "accounts:recovery-codes"),
        words=_("authenticator totp passkey mfa security"),
    )
    for kind in ("person", "user"):
        tabs.register(
            kind,
            _("Second factors"),
            "accounts:user-factors",
            right=Right.SET_PASSWORDS,
            order=560,
            args=person_number,
        )


def _sentences() -> None:
    sentences.register(
        {
            "factor.add_app": _("Authenticator app set up"),
            "factor.add_passkey": _("Passkey added"),
            "factor.begin_app": _("Set-up of an authenticator app begun"),
            "factor.distrust_device": _("Trusted devices revoked"),
            "factor.remove_app": _("Authenticator app removed"),
            "factor.remove_passkey": _("Passkey removed"),
            "factor.rename_passkey": _("Passkey renamed"),
            "factor.renew_codes": _("New recovery codes made"),
            "factor.trust_device": _("Device trusted"),
            "factor.use_code": _("Recovery code used"),
            "user.initialise_second_factor": _("Second factor to be set up anew"),
            "user.second_step_failed": _("Second step failed"),
        }
    )
    sentences.register_fields(
        {
            "how": _("First step"),
            "second": _("Second step"),
            "method": _("Method"),
            "left": _("Left"),
            "devices": _("Devices"),
            "needs_second_factor": _("Needs a second factor"),
        }
    )
