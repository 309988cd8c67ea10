"""What can be done to many domains, or many customers, at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import proving
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from config.kit.bulk import Group, Outcome, Preview
from config.kit.nav import Text
from config.kit.templatetags.kit import number
from domains.bulk.rows import DirectoryAction, Values
from domains.models import Customer, Domain, Status
from domains.services import customers, domain_states, moving

_IS_DELETED = (Q(status=Status.DELETED), gettext_lazy("are deleted"))


class DomainAction(DirectoryAction[Domain]):
    """An action on domains; what it hits is told in mailboxes, too."""

    def preview(self, actor: Actor, rows: QuerySet[Domain], values: Values) -> Preview:
        found = super().preview(actor, rows, values)
        hit = self.allowed(actor, rows)
        for condition, _why in self.left(actor, hit, values):
            hit = hit.exclude(condition)
        mailboxes = sum(hit.values_list("mailbox_count", flat=True))
        what = ngettext("mailbox is in them", "mailboxes are in them", mailboxes)
        return Preview(found.will, found.title, [Group(mailboxes, what)], found.refused, found.notes)


class EnableDomains(DomainAction):
    name, label, icon = "enable", gettext_lazy("Enable"), "check-circle"
    needs = right = Right.EDIT_DOMAINS

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return (_IS_DELETED, (Q(status=Status.ENABLED), _("are enabled already")))

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Enable %(n)s domain", "Enable %(n)s domains", count) % {"n": number(count)}

    def apply(self, actor: Actor, row: Domain, values: Values) -> None:
        domain_states.enable_domain(actor, row)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s domain is enabled.", "%(n)s domains are enabled.", outcome.done)
        return text % {"n": number(outcome.done)}


class DisableDomains(DomainAction):
    name, label, icon = "disable", gettext_lazy("Disable"), "no-symbol"
    needs = right = Right.EDIT_DOMAINS
    destructive = True

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return (_IS_DELETED, (Q(status=Status.DISABLED), _("are disabled already")))

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Disable %(n)s domain", "Disable %(n)s domains", count) % {"n": number(count)}

    def notes(self, actor: Actor, values: Values) -> Sequence[Text]:
        return (_("Their mail stops, and their people can't sign in. Everything is kept."),)

    def apply(self, actor: Actor, row: Domain, values: Values) -> None:
        domain_states.disable_domain(actor, row)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s domain is disabled.", "%(n)s domains are disabled.", outcome.done)
        return text % {"n": number(outcome.done)}


class _MoveForm(forms.Form):
    customer = forms.ModelChoiceField(
        label=gettext_lazy("To the customer"), queryset=Customer.objects.none(), empty_label=None
    )


class MoveDomains(DomainAction):
    """To another customer, within its limits for all of them together."""

    name, label, icon = "move", gettext_lazy("Move"), "arrow-right-circle"
    needs = right = Right.DELETE_DOMAINS

    def form(self, actor: Actor, data: Mapping[str, Any] | None) -> forms.Form | None:
        form = _MoveForm(data)
        field = form.fields["customer"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Customer.objects.visible_to(actor, Right.CREATE_DOMAINS).order_by("name")
        return form

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        target = values.get("customer")
        return () if target is None else ((Q(customer_id=target), _("are the customer's already")),)

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Move %(n)s domain", "Move %(n)s domains", count) % {"n": number(count)}

    def notes(self, actor: Actor, values: Values) -> Sequence[Text]:
        return (
            _("Administrators of their customer lose them; those of the other one get them, with everything in them."),
        )

    def apply(self, actor: Actor, row: Domain, values: Values) -> None:
        target = Customer.objects.visible_to(actor, Right.CREATE_DOMAINS).filter(pk=values["customer"]).first()
        if target is None:
            raise Forbidden("no customer of theirs")
        moving.move_domain(actor, row, target)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s domain is moved.", "%(n)s domains are moved.", outcome.done)
        return text % {"n": number(outcome.done)}


class DeleteDomains(DomainAction):
    name, label, icon = "delete", gettext_lazy("Delete"), "trash"
    needs = right = Right.DELETE_DOMAINS
    destructive = True

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return ((Q(status=Status.DELETED), _("are deleted already")),)

    def preview(self, actor: Actor, rows: QuerySet[Domain], values: Values) -> Preview:
        proving.require_recent(actor)  # whoever runs it passes here, also where a task does it
        return super().preview(actor, rows, values)

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Delete %(n)s domain", "Delete %(n)s domains", count) % {"n": number(count)}

    def notes(self, actor: Actor, values: Values) -> Sequence[Text]:
        return (_("They are suspended at once and can be restored until their purge. Archived mail always stays."),)

    def apply(self, actor: Actor, row: Domain, values: Values) -> None:
        domain_states.delete_domain(actor, row)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s domain is deleted.", "%(n)s domains are deleted.", outcome.done)
        return text % {"n": number(outcome.done)}


class RestoreDomains(DomainAction):
    name, label, icon = "restore", gettext_lazy("Restore"), "arrow-uturn-left"
    needs = right = Right.DELETE_DOMAINS

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return ((~Q(status=Status.DELETED), _("aren't deleted")),)

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Restore %(n)s domain", "Restore %(n)s domains", count) % {"n": number(count)}

    def apply(self, actor: Actor, row: Domain, values: Values) -> None:
        domain_states.restore_domain(actor, row)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s domain is restored.", "%(n)s domains are restored.", outcome.done)
        return text % {"n": number(outcome.done)}


class CustomerAction(DirectoryAction[Customer]):
    """An action on customers; what it hits is told in domains, too."""

    needs = right = Right.MANAGE_CUSTOMERS

    def preview(self, actor: Actor, rows: QuerySet[Customer], values: Values) -> Preview:
        found = super().preview(actor, rows, values)
        hit = self.allowed(actor, rows)
        for condition, _why in self.left(actor, hit, values):
            hit = hit.exclude(condition)
        domains = sum(hit.values_list("domain_count", flat=True))
        what = ngettext("domain is theirs", "domains are theirs", domains)
        return Preview(found.will, found.title, [Group(domains, what)], found.refused, found.notes)


class EnableCustomers(CustomerAction):
    name, label, icon = "enable", gettext_lazy("Enable"), "check-circle"

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return ((Q(is_enabled=True), _("are enabled already")),)

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Enable %(n)s customer", "Enable %(n)s customers", count) % {"n": number(count)}

    def apply(self, actor: Actor, row: Customer, values: Values) -> None:
        customers.enable_customer(actor, row)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s customer is enabled.", "%(n)s customers are enabled.", outcome.done)
        return text % {"n": number(outcome.done)}


class DisableCustomers(CustomerAction):
    name, label, icon = "disable", gettext_lazy("Disable"), "no-symbol"
    destructive = True

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return ((Q(is_enabled=False), _("are disabled already")),)

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Disable %(n)s customer", "Disable %(n)s customers", count) % {"n": number(count)}

    def notes(self, actor: Actor, values: Values) -> Sequence[Text]:
        return (_("All their domains are suspended: mail stops, and people can't sign in. Everything is kept."),)

    def apply(self, actor: Actor, row: Customer, values: Values) -> None:
        customers.disable_customer(actor, row)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s customer is disabled.", "%(n)s customers are disabled.", outcome.done)
        return text % {"n": number(outcome.done)}


DOMAIN_ACTIONS = (EnableDomains(), DisableDomains(), MoveDomains(), DeleteDomains(), RestoreDomains())
CUSTOMER_ACTIONS = (EnableCustomers(), DisableCustomers())
