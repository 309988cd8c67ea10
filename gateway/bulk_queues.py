"""What may be done to many messages of the queues and repositories at once; the services do it, these count before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.bulk import Action, Group, Outcome, Preview
from config.kit.nav import Text
from config.kit.templatetags.kit import number
from gateway.models import QueueItem, RepositoryItem
from gateway.selectors.repositories import list_repositories, repository_named
from gateway.services import queues, repositories

Values = Mapping[str, Any]
State = QueueItem.State


class _QueueAction(Action):
    needs: ClassVar[str | None] = Right.MANAGE_QUEUES
    stays: ClassVar[Q | None] = None
    why: Text = ""

    def title_of(self, count: int) -> str:
        raise NotImplementedError

    def apply(self, actor: Actor, rows: QuerySet[QueueItem], values: Values) -> int:
        raise NotImplementedError

    def preview(self, actor: Actor, rows: QuerySet[QueueItem], values: Values) -> Preview:
        total = rows.count()
        left = rows.filter(self.stays).count() if self.stays is not None else 0
        refused = [Group(left, self.why)] if left else []
        return Preview(total - left, self.title_of(total - left), (), refused, self.notes(rows))

    def notes(self, rows: QuerySet[QueueItem]) -> Sequence[Text]:
        return ()

    def run(self, actor: Actor, rows: Sequence[QueueItem], values: Values) -> Outcome:
        chosen = QueueItem.objects.filter(pk__in=[row.pk for row in rows])
        outcome = Outcome(self.apply(actor, chosen, values))
        for _row in range(len(rows) - outcome.done):
            outcome.refuse(self.why or _("has left meanwhile"))
        return outcome

    def said(self, outcome: Outcome) -> str:
        text = ngettext("Done for %(n)s message.", "Done for %(n)s messages.", outcome.done)
        return text % {"n": number(outcome.done)}


class Flush(_QueueAction):
    name, label, icon = "flush", gettext_lazy("Try now"), "arrow-path"
    stays, why = Q(state=State.HELD), gettext_lazy("held back: let it go first")

    def title_of(self, count: int) -> str:
        return ngettext("Try %(n)s message now", "Try %(n)s messages now", count) % {"n": number(count)}

    def apply(self, actor: Actor, rows: QuerySet[QueueItem], values: Values) -> int:
        return queues.flush_items(actor, rows)


class Hold(_QueueAction):
    name, label, icon = "hold", gettext_lazy("Hold back"), "pause"
    stays, why = Q(state=State.HELD), gettext_lazy("held back already")

    def title_of(self, count: int) -> str:
        return ngettext("Hold %(n)s message back", "Hold %(n)s messages back", count) % {"n": number(count)}

    def apply(self, actor: Actor, rows: QuerySet[QueueItem], values: Values) -> int:
        return queues.hold_items(actor, rows)


class Free(_QueueAction):
    name, label, icon = "free", gettext_lazy("Let go"), "play"
    stays, why = Q(state=State.WAITING), gettext_lazy("not held back")

    def title_of(self, count: int) -> str:
        return ngettext("Let %(n)s message go", "Let %(n)s messages go", count) % {"n": number(count)}

    def apply(self, actor: Actor, rows: QuerySet[QueueItem], values: Values) -> int:
        return queues.free_items(actor, rows)


class RejectForm(forms.Form):
    notice = forms.BooleanField(
        label=gettext_lazy("Tell the senders"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Where a notice may be sent; the others' messages go into a repository."),
    )
    text = forms.CharField(label=gettext_lazy("Reason, for the senders"), required=False, max_length=300)


class Reject(_QueueAction):
    name, label, icon, destructive = "reject", gettext_lazy("Give up"), "arrow-uturn-left", True

    def form(self, actor: Actor, data: Values | None) -> forms.Form:
        return RejectForm(data)

    def title_of(self, count: int) -> str:
        return ngettext("Give %(n)s message up", "Give %(n)s messages up", count) % {"n": number(count)}

    def apply(self, actor: Actor, rows: QuerySet[QueueItem], values: Values) -> int:
        return queues.reject_items(actor, rows, notice=bool(values.get("notice")), text=str(values.get("text") or ""))


class Delete(_QueueAction):
    name, label, icon, destructive = "delete", gettext_lazy("Delete"), "trash", True

    def title_of(self, count: int) -> str:
        return ngettext("Delete %(n)s message", "Delete %(n)s messages", count) % {"n": number(count)}

    def notes(self, rows: QuerySet[QueueItem]) -> Sequence[Text]:
        return (_("Nobody is told: neither senders nor recipients."),)

    def apply(self, actor: Actor, rows: QuerySet[QueueItem], values: Values) -> int:
        return queues.delete_items(actor, rows)


class _StoredAction(Action):
    needs: ClassVar[str | None] = Right.MANAGE_QUEUES

    def said(self, outcome: Outcome) -> str:
        text = ngettext("Done for %(n)s message.", "Done for %(n)s messages.", outcome.done)
        return text % {"n": number(outcome.done)}

    def rows(self, rows: Sequence[RepositoryItem]) -> QuerySet[RepositoryItem]:
        return RepositoryItem.objects.filter(pk__in=[row.pk for row in rows])

    def outcome(self, done: repositories.Done) -> Outcome:
        return Outcome(done.count, dict(done.refused))


class ReprocessForm(forms.Form):
    way = forms.ChoiceField(
        label=gettext_lazy("How"),
        choices=[
            ("", gettext_lazy("From the beginning: recipients looked up and judged anew")),
            ("outgoing", gettext_lazy("Straight into the queue, as it was")),
        ],
        required=False,
    )


class Reprocess(_StoredAction):
    name, label, icon = "reprocess", gettext_lazy("Process again"), "arrow-path"

    def form(self, actor: Actor, data: Values | None) -> forms.Form:
        return ReprocessForm(data)

    def preview(self, actor: Actor, rows: QuerySet[RepositoryItem], values: Values) -> Preview:
        count = rows.count()
        title = ngettext("Process %(n)s message again", "Process %(n)s messages again", count)
        return Preview(count, title % {"n": number(count)})

    def run(self, actor: Actor, rows: Sequence[RepositoryItem], values: Values) -> Outcome:
        queue = str(values.get("way") or "")
        return self.outcome(repositories.reprocess_stored(actor, self.rows(rows), queue=queue))


class MoveForm(forms.Form):
    to = forms.ChoiceField(label=gettext_lazy("Into"), choices=[])

    def __init__(self, actor: Actor, data: Values | None) -> None:
        super().__init__(data)
        names = [each.repository.name for each in list_repositories(actor)]
        self.fields["to"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]  # a choice field


class Move(_StoredAction):
    name, label, icon = "move", gettext_lazy("Put into another repository"), "archive-box-arrow-down"

    def form(self, actor: Actor, data: Values | None) -> forms.Form:
        return MoveForm(actor, data)

    def preview(self, actor: Actor, rows: QuerySet[RepositoryItem], values: Values) -> Preview:
        count = rows.count()
        title = ngettext("Move %(n)s message", "Move %(n)s messages", count)
        return Preview(count, title % {"n": number(count)})

    def run(self, actor: Actor, rows: Sequence[RepositoryItem], values: Values) -> Outcome:
        target = repository_named(actor, str(values["to"]))
        return self.outcome(repositories.move_stored(actor, self.rows(rows), target=target))


class Remove(_StoredAction):
    name, label, icon, destructive = "remove", gettext_lazy("Remove"), "trash", True

    def preview(self, actor: Actor, rows: QuerySet[RepositoryItem], values: Values) -> Preview:
        count = rows.count()
        title = ngettext("Remove %(n)s message", "Remove %(n)s messages", count) % {"n": number(count)}
        return Preview(count, title, notes=(_("They can't be brought back."),))

    def run(self, actor: Actor, rows: Sequence[RepositoryItem], values: Values) -> Outcome:
        return self.outcome(repositories.delete_stored(actor, self.rows(rows)))
