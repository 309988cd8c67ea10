"""What can be done to many groups and forwards at once."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.nav import Text
from config.kit.templatetags.kit import number
from domains.bulk.rows import DirectoryAction, Values
from domains.models import Address
from domains.services import objects


class EnableAddresses(DirectoryAction[Address]):
    name, label, icon = "enable", gettext_lazy("Enable"), "check-circle"
    needs = right = Right.MANAGE_ADDRESSES

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return ((Q(is_enabled=True), _("are enabled already")),)

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Enable %(n)s address", "Enable %(n)s addresses", count) % {"n": number(count)}

    def apply(self, actor: Actor, row: Address, values: Values) -> None:
        objects.set_enabled(actor, row, enabled=True)


class DisableAddresses(DirectoryAction[Address]):
    name, label, icon = "disable", gettext_lazy("Disable"), "no-symbol"
    needs = right = Right.MANAGE_ADDRESSES

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return ((Q(is_enabled=False), _("are disabled already")),)

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Disable %(n)s address", "Disable %(n)s addresses", count) % {"n": number(count)}

    def apply(self, actor: Actor, row: Address, values: Values) -> None:
        objects.set_enabled(actor, row, enabled=False)


class DeleteAddresses(DirectoryAction[Address]):
    name, label, icon = "delete", gettext_lazy("Delete"), "trash"
    needs = right = Right.MANAGE_ADDRESSES
    destructive = True

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Delete %(n)s address", "Delete %(n)s addresses", count) % {"n": number(count)}

    def notes(self, actor: Actor, values: Values) -> Sequence[Text]:
        return (_("They are free at once, and what named them doesn't any more. This can't be taken back."),)

    def apply(self, actor: Actor, row: Address, values: Values) -> None:
        objects.delete_address(actor, row)


ACTIONS = (EnableAddresses(), DisableAddresses(), DeleteAddresses())
