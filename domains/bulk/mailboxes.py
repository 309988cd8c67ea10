"""What can be done to many users at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import proving
from accounts.actors import Actor
from accounts.errors import BadPassword
from accounts.forms.passwords import NewPasswordField, for_whom
from accounts.permissions import Right
from accounts.services import set_password
from config.kit.bulk import Outcome, Preview
from config.kit.nav import Text
from config.kit.sealed import seal, unseal
from config.kit.templatetags.kit import number
from domains import selectors
from domains.bulk.passwords import WantPasswords
from domains.bulk.policies import SetPolicies
from domains.bulk.rows import MailboxAction, Values
from domains.errors import Invalid
from domains.forms.fields import LimitField
from domains.forms.mailboxes import LANGUAGES
from domains.models import Address, Domain, Mailbox, Status
from domains.services import mailbox_states, quotas
from domains.services.mailboxes import update_mailbox
from domains.services.readdressing import rename_mailbox

PURPOSE = "password of many users"
_IS_DELETED = (Q(status=Status.DELETED), gettext_lazy("are deleted"))


class EnableUsers(MailboxAction):
    name, label, icon = "enable", gettext_lazy("Enable"), "check-circle"
    needs = right = Right.MANAGE_USERS

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return (_IS_DELETED, (Q(status=Status.ENABLED), _("are enabled already")))

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Enable %(n)s user", "Enable %(n)s users", count) % {"n": number(count)}

    def apply(self, actor: Actor, row: Mailbox, values: Values) -> None:
        mailbox_states.set_status(actor, row, Status.ENABLED)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s user is enabled.", "%(n)s users are enabled.", outcome.done)
        return text % {"n": number(outcome.done)}


class DisableUsers(MailboxAction):
    name, label, icon = "disable", gettext_lazy("Disable"), "no-symbol"
    needs = right = Right.MANAGE_USERS
    destructive = True

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return (_IS_DELETED, (Q(status=Status.DISABLED), _("are disabled already")))

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Disable %(n)s user", "Disable %(n)s users", count) % {"n": number(count)}

    def notes(self, actor: Actor, values: Values) -> Sequence[Text]:
        return (_("No mail is taken for them any more, and they are signed out everywhere. Archives stay."),)

    def apply(self, actor: Actor, row: Mailbox, values: Values) -> None:
        mailbox_states.set_status(actor, row, Status.DISABLED)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s user is disabled.", "%(n)s users are disabled.", outcome.done)
        return text % {"n": number(outcome.done)}


class DeleteUsers(MailboxAction):
    name, label, icon = "delete", gettext_lazy("Delete"), "trash"
    needs = right = Right.MANAGE_USERS
    destructive = True

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return ((Q(status=Status.DELETED), _("are deleted already")),)

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Delete %(n)s user", "Delete %(n)s users", count) % {"n": number(count)}

    def notes(self, actor: Actor, values: Values) -> Sequence[Text]:
        return (_("They can be restored until their purge. Archived mail always stays."),)

    def apply(self, actor: Actor, row: Mailbox, values: Values) -> None:
        mailbox_states.delete_mailbox(actor, row)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s user is deleted.", "%(n)s users are deleted.", outcome.done)
        return text % {"n": number(outcome.done)}


class RestoreUsers(MailboxAction):
    name, label, icon = "restore", gettext_lazy("Restore"), "arrow-uturn-left"
    needs = right = Right.MANAGE_USERS

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return ((~Q(status=Status.DELETED), _("aren't deleted")),)

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Restore %(n)s user", "Restore %(n)s users", count) % {"n": number(count)}

    def apply(self, actor: Actor, row: Mailbox, values: Values) -> None:
        mailbox_states.restore_mailbox(actor, row)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s user is restored.", "%(n)s users are restored.", outcome.done)
        return text % {"n": number(outcome.done)}


class _MoveForm(forms.Form):
    domain = forms.CharField(label=gettext_lazy("To the domain"), max_length=253)
    keep_alias = forms.BooleanField(
        label=gettext_lazy("Keep the old addresses as aliases"), required=False, initial=True
    )

    def __init__(self, actor: Actor, data: Mapping[str, Any] | None) -> None:
        super().__init__(data)
        self.actor = actor

    def clean_domain(self) -> int:
        name = self.cleaned_data["domain"]
        found = selectors.find_domain(self.actor, name, need=Right.MANAGE_USERS)
        if found is None:
            raise forms.ValidationError(_("This is not a domain in which you can make users."))
        return found.pk


class MoveUsers(MailboxAction):
    name, label, icon = "move", gettext_lazy("Move"), "arrow-right-circle"
    needs = right = Right.MANAGE_USERS

    def form(self, actor: Actor, data: Mapping[str, Any] | None) -> forms.Form:
        return _MoveForm(actor, data)

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        target = self.target(actor, values)
        if target is None:
            return (_IS_DELETED,)
        taken = Address.objects.filter(domain=target, local=OuterRef("claim__local"))
        return (
            _IS_DELETED,
            (Q(domain=target), _("are there already")),
            (~_same_customer(target), _("belong to another customer")),
            (Q(Exists(taken)), _("have an address that is taken there")),
        )

    def target(self, actor: Actor, values: Values) -> Domain | None:
        seen = Domain.objects.visible_to(actor, Right.MANAGE_USERS)
        return seen.filter(pk=values["domain"]).first() if "domain" in values else None

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Move %(n)s user", "Move %(n)s users", count) % {"n": number(count)}

    def notes(self, actor: Actor, values: Values) -> Sequence[Text]:
        return (_("They sign in with the new address. Archives, groups and rights come along."),)

    def apply(self, actor: Actor, row: Mailbox, values: Values) -> None:
        target = self.target(actor, values)
        if target is None:
            raise Invalid(_("The domain isn't there any more."))
        email = f"{row.address.rpartition('@')[0]}@{target.name}"
        rename_mailbox(actor, row, email=email, keep_alias=bool(values.get("keep_alias")))

    def said(self, outcome: Outcome) -> str:
        text = ngettext("%(n)s user is moved.", "%(n)s users are moved.", outcome.done)
        return text % {"n": number(outcome.done)}


class _QuotaForm(forms.Form):
    quota_bytes = LimitField(
        label=gettext_lazy("Quota"),
        is_size=True,
        help_text=gettext_lazy("For instance 2 GB. Empty: as the domain. “unlimited”: without end."),
    )


class SetQuotas(MailboxAction):
    name, label, icon = "quota", gettext_lazy("Set the quota"), "chart-pie"
    needs = right = Right.MANAGE_QUOTAS

    def form(self, actor: Actor, data: Mapping[str, Any] | None) -> forms.Form:
        return _QuotaForm(data)

    def left(self, actor: Actor, rows: Any, values: Values) -> Sequence[tuple[Q, Text]]:
        return self.stays(actor, values)  # a quota takes nothing from anybody's rights

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Set the quota of %(n)s user", "Set the quota of %(n)s users", count) % {"n": number(count)}

    def apply(self, actor: Actor, row: Mailbox, values: Values) -> None:
        quotas.set_mailbox_quota(actor, row, {"quota_bytes": values.get("quota_bytes")})

    def said(self, outcome: Outcome) -> str:
        text = ngettext("The quota of %(n)s user is set.", "The quotas of %(n)s users are set.", outcome.done)
        return text % {"n": number(outcome.done)}


class _LanguageForm(forms.Form):
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=LANGUAGES)


class SetLanguages(MailboxAction):
    name, label, icon = "language", gettext_lazy("Set the language"), "language"
    needs = right = Right.MANAGE_USERS

    def form(self, actor: Actor, data: Mapping[str, Any] | None) -> forms.Form:
        return _LanguageForm(data)

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return ((Q(user=None), _("have no person")),)

    def title_of(self, count: int, values: Values) -> str:
        text = ngettext("Set the language of %(n)s user", "Set the language of %(n)s users", count)
        return text % {"n": number(count)}

    def apply(self, actor: Actor, row: Mailbox, values: Values) -> None:
        update_mailbox(actor, row, {"language": values["language"]})

    def said(self, outcome: Outcome) -> str:
        text = ngettext("The language of %(n)s user is set.", "The language of %(n)s users is set.", outcome.done)
        return text % {"n": number(outcome.done)}


class _TransportForm(forms.Form):
    transport = forms.CharField(
        label=gettext_lazy("Transport"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("How mail is handed to the mailbox, where it isn't the domain's way. Usually empty."),
    )


class SetTransports(MailboxAction):
    name, label, icon = "transport", gettext_lazy("Set the transport"), "truck"
    needs = right = Right.MANAGE_USERS

    def form(self, actor: Actor, data: Mapping[str, Any] | None) -> forms.Form:
        return _TransportForm(data)

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return (_IS_DELETED,)

    def title_of(self, count: int, values: Values) -> str:
        text = ngettext("Set the transport of %(n)s user", "Set the transport of %(n)s users", count)
        return text % {"n": number(count)}

    def apply(self, actor: Actor, row: Mailbox, values: Values) -> None:
        update_mailbox(actor, row, {"transport": values.get("transport", "")})

    def said(self, outcome: Outcome) -> str:
        text = ngettext("The transport of %(n)s user is set.", "The transport of %(n)s users is set.", outcome.done)
        return text % {"n": number(outcome.done)}


class MakeLinks(MailboxAction):
    """The links are a download of their own (`views.mailbox_links`): they are shown once and kept nowhere."""

    name, label, icon = "links", gettext_lazy("Links for passwords"), "link"
    needs = right = Right.SET_PASSWORDS

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return ((Q(user=None) | ~Q(user__is_active=True), _("may not sign in")),)

    def title_of(self, count: int, values: Values) -> str:
        text = ngettext("Make a link for %(n)s user", "Make links for %(n)s users", count)
        return text % {"n": number(count)}

    def notes(self, actor: Actor, values: Values) -> Sequence[Text]:
        return (
            _("You get a CSV file with a link for each, with which they choose a password. Older links stop working."),
        )

    def apply(self, actor: Actor, row: Mailbox, values: Values) -> None:
        raise Invalid(_("The links are made by the page that shows them."))


class _OnePasswordForm(forms.Form):
    password = NewPasswordField(label=gettext_lazy("The same password for all"))
    sure = forms.BooleanField(label=gettext_lazy("I know that each of them can then sign in as every other"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for_whom(self, None)

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password)
        return password


class SetOnePassword(MailboxAction):
    name, label, icon = "password", gettext_lazy("Set one password"), "key"
    needs = right = Right.SET_PASSWORDS
    destructive = True

    def form(self, actor: Actor, data: Mapping[str, Any] | None) -> forms.Form:
        return _OnePasswordForm(data)

    def stored(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {"password": seal(values["password"], purpose=PURPOSE)}

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        return ((Q(user=None), _("have no person")),)

    def preview(self, actor: Actor, rows: QuerySet[Mailbox], values: Values) -> Preview:
        proving.require_recent(actor)  # whoever runs it passes here, also where a task does it
        return super().preview(actor, rows, values)

    def title_of(self, count: int, values: Values) -> str:
        text = ngettext("Set one password for %(n)s user", "Set one password for %(n)s users", count)
        return text % {"n": number(count)}

    def notes(self, actor: Actor, values: Values) -> Sequence[Text]:
        return (_("Links let each choose a password that nobody else knows; use this only where they can't."),)

    def apply(self, actor: Actor, row: Mailbox, values: Values) -> None:
        assert row.user is not None
        try:
            set_password(actor, row.user, password=unseal(values["password"], purpose=PURPOSE))
        except BadPassword as error:  # too like this person's own name
            raise Invalid(" ".join(error.messages)) from error

    def said(self, outcome: Outcome) -> str:
        text = ngettext("The password of %(n)s user is set.", "The passwords of %(n)s users are set.", outcome.done)
        return text % {"n": number(outcome.done)}


def _same_customer(domain: Domain) -> Q:
    return Q(customer_id=domain.customer_id) if domain.customer_id is not None else Q(customer_id=None)


ACTIONS = (
    EnableUsers(), DisableUsers(), MoveUsers(), SetPolicies(), SetQuotas(), SetLanguages(), SetTransports(),
    MakeLinks(),
    SetOnePassword(), WantPasswords(), RestoreUsers(), DeleteUsers(),
)  # fmt: skip
