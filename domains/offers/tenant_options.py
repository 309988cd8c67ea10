"""The options with which customers and the server say what their domains leave open (`domains.inheritance`).

A domain's own values are fields of its row, so that these have no level below the customer.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import options
from accounts.models import User
from accounts.optiontypes import OptionType
from accounts.permissions import END_USER_RIGHTS
from domains.inheritance import ACCOUNT_STATUS, ACCOUNT_THEME
from domains.models import Domain, Status
from domains.services.domain_names import ADMINISTRATORS_ADD_NAMES
from domains.services.domain_states import DELETION_DAYS


def register() -> None:
    group = _("Domains")
    _unsaid_by_domains(group)
    _about_names_and_deletion(group)
    _new_accounts()


def _unsaid_by_domains(group: options.Text) -> None:
    """What holds for domains that don't say otherwise."""
    options.define(
        "AUTO_PROVISIONING",
        OptionType.BOOL,
        levels=options.DOWN_TO_CUSTOMER,
        default=False,
        label=_("Make mailboxes by themselves"),
        help=_(
            "In domains that ask the mail server behind about unknown addresses: whom it knows gets a mailbox here."
        ),
        group=group,
    )
    options.define(
        "SENDER_VERIFY",
        OptionType.BOOL,
        levels=options.DOWN_TO_CUSTOMER,
        default=True,
        label=_("Verify senders"),
        help=_(
            "Whether the sender's server knows the sender, and whether people write as themselves; for domains and "
            "mailboxes that don't say otherwise."
        ),
        group=group,
    )
    options.define(
        "LIST_PRIORITY",
        OptionType.STRING,
        levels=options.DOWN_TO_CUSTOMER,
        default=Domain.ListPriority.USER.value,
        values=Domain.ListPriority.choices,
        label=_("Rules that win"),
        help=_("Where a domain and a mailbox disagree about a sender, for domains that don't say otherwise."),
        group=group,
    )
    options.define(
        "END_USER_RIGHTS",
        OptionType.LIST,
        levels=options.DOWN_TO_CUSTOMER,
        default=sorted(right.value for right in END_USER_RIGHTS),
        values=[(right.value, label) for right, label in END_USER_RIGHTS.items()],
        label=_("What people may do with their own things"),
        help=_("For domains that don't say otherwise."),
        group=group,
    )


def _about_names_and_deletion(group: options.Text) -> None:
    """What whoever is above keeps to themselves: administrators of the level can not change it."""
    options.define(
        DELETION_DAYS,
        OptionType.INTEGER,
        levels=options.DOWN_TO_CUSTOMER,
        default=30,
        minimum=0,
        maximum=3650,
        unit=_("days"),
        label=_("Deleted domains can be restored for"),
        help=_("After so many days a deleted domain is purged. Archived mail always stays."),
        group=group,
        restricted=True,
    )
    options.define(
        ADMINISTRATORS_ADD_NAMES,
        OptionType.BOOL,
        levels=options.DOWN_TO_CUSTOMER,
        default=False,
        label=_("Administrators of a domain may add names to it"),
        help=_(
            "Whoever claims a name gets its mail on this server; without this, only who may add domains claims names."
        ),
        group=group,
        restricted=True,
    )


def _new_accounts() -> None:
    group = _("New users")
    options.define(
        ACCOUNT_STATUS,
        OptionType.STRING,
        levels=options.DOWN_TO_DOMAIN,
        default=Status.ENABLED.value,
        values=[(each.value, each.label) for each in (Status.ENABLED, Status.DISABLED, Status.PENDING)],
        label=_("State of new users"),
        help=_("What a new user is where nobody says it. Those that are there stay as they are."),
        group=group,
    )
    options.define(
        ACCOUNT_THEME,
        OptionType.STRING,
        levels=options.DOWN_TO_DOMAIN,
        default=User.Theme.SYSTEM.value,
        values=User.Theme.choices,
        label=_("Appearance for new users"),
        help=_("They can choose another one."),
        group=group,
    )
