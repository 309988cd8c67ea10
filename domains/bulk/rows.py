"""What bulk actions of the directory share: who may, whom nobody below them touches, and what it says in numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.holdings import grants_in_force
from accounts.membership import beyond
from accounts.models import User
from accounts.permissions import Right
from config.kit.bulk import Action, Group, Outcome, Preview
from config.kit.nav import Text
from config.kit.versions import ChangedMeanwhile
from domains.errors import DomainsError, Taken
from domains.models import Mailbox

M = TypeVar("M", bound=Model)
Values = Mapping[str, Any]


class DirectoryAction(Action, ABC, Generic[M]):
    """One service over many rows. Subclasses say the right, what stays as it is and why, and what is done to one."""

    right: ClassVar[Right]

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        """Rows that would be left as they are, and why."""
        return ()

    @abstractmethod
    def apply(self, actor: Actor, row: M, values: Values) -> None:
        """Do it to one row. Raises: Forbidden, DomainsError, ChangedMeanwhile."""

    @abstractmethod
    def title_of(self, count: int, values: Values) -> str:
        """What would be done, with the number."""

    def notes(self, actor: Actor, values: Values) -> Sequence[Text]:
        return ()

    def preview(self, actor: Actor, rows: QuerySet[M], values: Values) -> Preview:
        total = rows.count()
        allowed = self.allowed(actor, rows)
        refused = []
        count = allowed.count()
        if total > count:
            refused.append(Group(total - count, _("you may not do this there")))
        for condition, why in self.left(actor, allowed, values):
            hit = allowed.filter(condition).count()
            if hit:
                refused.append(Group(hit, why))
                allowed = allowed.exclude(condition)
                count -= hit
        return Preview(count, self.title_of(count, values), (), refused, self.notes(actor, values))

    def allowed(self, actor: Actor, rows: QuerySet[M]) -> QuerySet[M]:
        seen: QuerySet[M] = rows.model._default_manager.visible_to(actor, self.right)  # type: ignore[attr-defined]
        return rows.filter(pk__in=seen.values("pk")) if not actor.reach(self.right).everything else rows

    def left(self, actor: Actor, rows: QuerySet[M], values: Values) -> Sequence[tuple[Q, Text]]:
        return self.stays(actor, values)

    def run(self, actor: Actor, rows: Sequence[M], values: Values) -> Outcome:
        outcome = Outcome()
        for row in rows:
            try:
                self.apply(actor, row, values)
                outcome.done += 1
            except Forbidden:
                outcome.refuse(_("you may not do this there"))
            except Taken:
                outcome.refuse(_("the address is taken"))
            except ChangedMeanwhile:
                outcome.refuse(_("somebody else changed it meanwhile"))
            except DomainsError as error:
                outcome.refuse(str(error))
        return outcome


class MailboxAction(DirectoryAction[Mailbox]):
    """An action on users: nobody does it to who holds more than they do."""

    def left(self, actor: Actor, rows: QuerySet[Mailbox], values: Values) -> Sequence[tuple[Q, Text]]:
        above = _too_high(actor, rows)
        refusals = list(self.stays(actor, values))
        if above:
            refusals.insert(0, (Q(user_id__in=above), _("hold rights that you don't")))
        return refusals


def _too_high(actor: Actor, rows: QuerySet[Mailbox]) -> frozenset[int]:
    """The people of these mailboxes who hold more than the actor: only those who hold anything are looked at."""
    if actor.dominates_everybody:
        return frozenset()
    holders = User.objects.filter(Q(is_administrator=True) | Q(pk__in=grants_in_force().values("user_id")))
    return beyond(actor, holders.filter(mailbox__in=rows.order_by()).values_list("pk", flat=True))
