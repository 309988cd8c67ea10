"""What can be done to many quarantined messages at once. One's own and others' lists have the same actions; the
services say for each row whether the actor may.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from archive.errors import StoreUnavailable
from archive.store.errors import StoreError
from config.kit.bulk import Action, Group, Outcome, Preview
from config.kit.nav import Text
from config.kit.templatetags.kit import number
from domains.errors import DomainsError
from domains.policy.decision import Category
from gateway.content import DamagedContent
from gateway.errors import GatewayError, RequestNeeded
from gateway.learning import Verdict
from gateway.models import Recipient
from gateway.services import quarantine, sender_marks

Values = Mapping[str, Any]
_INFECTED = Q(category=Category.VIRUS.value)


class KeptAction(Action, ABC):
    """One service over many messages."""

    def refusals(self, actor: Actor) -> Sequence[tuple[Q, Text]]:
        """Rows that would be left as they are, and why."""
        return ()

    @abstractmethod
    def title_of(self, count: int) -> str: ...

    @abstractmethod
    def apply(self, actor: Actor, row: Recipient) -> None: ...

    def preview(self, actor: Actor, rows: QuerySet[Recipient], values: Values) -> Preview:
        refused, left = [], rows
        for condition, why in self.refusals(actor):
            count = left.filter(condition).count()
            if count:
                refused.append(Group(count, why))
                left = left.exclude(condition)
        will = left.count()
        return Preview(will, self.title_of(will), (), refused)

    def run(self, actor: Actor, rows: Sequence[Recipient], values: Values) -> Outcome:
        outcome = Outcome()
        for row in rows:
            try:
                self.apply(actor, row)
                outcome.done += 1
            except Forbidden:
                outcome.refuse(_("you may not do this there"))
            except RequestNeeded:
                outcome.refuse(_("an administrator must agree to it"))
            except (GatewayError, DomainsError) as error:
                outcome.refuse(str(error))
            except (StoreError, StoreUnavailable, DamagedContent):
                outcome.refuse(_("its bytes can't be read"))
        return outcome


class Release(KeptAction):
    name, label, icon = "release", gettext_lazy("Release"), "paper-airplane"

    def refusals(self, actor: Actor) -> Sequence[tuple[Q, Text]]:
        return ((_INFECTED, _("are infected; they are released one by one, with a reason")),)

    def title_of(self, count: int) -> str:
        return ngettext("Release %(n)s message", "Release %(n)s messages", count) % {"n": number(count)}

    def apply(self, actor: Actor, row: Recipient) -> None:
        quarantine.release(actor, row)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s message is on its way.", "%(n)s messages are on their way.", outcome.done)
        return text % {"n": number(outcome.done)}


class Delete(KeptAction):
    name, label, icon = "delete", gettext_lazy("Delete"), "trash"
    destructive = True

    def title_of(self, count: int) -> str:
        return ngettext("Delete %(n)s message", "Delete %(n)s messages", count) % {"n": number(count)}

    def apply(self, actor: Actor, row: Recipient) -> None:
        quarantine.delete(actor, row)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s message is deleted.", "%(n)s messages are deleted.", outcome.done)
        return text % {"n": number(outcome.done)}


class ReportClean(KeptAction):
    name, label, icon = "report-clean", gettext_lazy("Report as not spam"), "hand-thumb-up"

    def refusals(self, actor: Actor) -> Sequence[tuple[Q, Text]]:
        return ((_INFECTED, _("are infected")),)

    def title_of(self, count: int) -> str:
        text = ngettext("Report %(n)s message as not spam", "Report %(n)s messages as not spam", count)
        return text % {"n": number(count)}

    def apply(self, actor: Actor, row: Recipient) -> None:
        quarantine.report(actor, row, Verdict.CLEAN)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s message is reported.", "%(n)s messages are reported.", outcome.done)
        return text % {"n": number(outcome.done)}


class BlockSenders(KeptAction):
    name, label, icon = "block", gettext_lazy("Block senders and delete"), "no-symbol"
    destructive = True

    def title_of(self, count: int) -> str:
        text = ngettext(
            "Block the sender of %(n)s message and delete it", "Block the senders of %(n)s messages and delete them",
            count,
        )  # fmt: skip
        return text % {"n": number(count)}

    def apply(self, actor: Actor, row: Recipient) -> None:
        sender_marks.block_sender(actor, row, delete=True)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s message is dealt with.", "%(n)s messages are dealt with.", outcome.done)
        return text % {"n": number(outcome.done)}


class ReleaseManaged(Release):
    needs = Right.MANAGE_QUARANTINE


class DeleteManaged(Delete):
    needs = Right.MANAGE_QUARANTINE


class ReportManaged(ReportClean):
    needs = Right.MANAGE_QUARANTINE


class BlockManaged(BlockSenders):
    needs = Right.MANAGE_FILTERS


OF_OWN = (Release(), ReportClean(), BlockSenders(), Delete())
OF_MANAGED = (ReleaseManaged(), ReportManaged(), BlockManaged(), DeleteManaged())
