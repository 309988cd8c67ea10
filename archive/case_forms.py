"""What people write about e-discovery cases. Shape only; rules are the services'."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from archive.case_selectors import custodians
from archive.forms import length_text
from archive.keeping_forms import AddressesField, mailboxes_of
from archive.models import Case, CaseSearch, CaseTag, PackageFormat
from archive.services.cases import CaseTerms, Choice
from domains.models import Mailbox

_PLAIN = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}
ALL, TAG, SEARCH = "all", "tag:", "search:"


class CaseForm(forms.Form):
    """Whose mail, of which period, and why."""

    name = forms.CharField(label=_("Name"), max_length=200)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Each custodian reads it beside every opening of their archive."),
    )
    mailboxes = AddressesField(label=_("Custodians"), help_text=_("The addresses of their mailboxes, one a line."))
    date_from = forms.DateField(
        label=_("Dated from"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    date_to = forms.DateField(
        label=_("Dated until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    @staticmethod
    def initial_of(case: Case) -> dict[str, Any]:
        return {
            "name": case.name, "reason": case.reason, "date_from": case.date_from, "date_to": case.date_to,
            "mailboxes": "\n".join(mailbox.address for mailbox in custodians(case)), "seen": case.version,
        }  # fmt: skip

    def clean_mailboxes(self) -> list[Mailbox]:
        return mailboxes_of(self.cleaned_data["mailboxes"])

    def terms(self) -> CaseTerms:
        values = self.cleaned_data
        return CaseTerms(values["name"], values["reason"], values["mailboxes"], values["date_from"], values["date_to"])


class OpenCaseForm(forms.Form):
    """For how long its archives are opened."""

    minutes = forms.TypedChoiceField(label=_("For"), coerce=int)

    def __init__(self, *args: Any, minutes: list[int], chosen: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["minutes"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [(each, length_text(each)) for each in minutes]
        field.initial = min(chosen, max(minutes))


class SaveSearchForm(forms.Form):
    """A search to keep."""

    name = forms.CharField(label=_("Name"), max_length=200)
    query = forms.CharField(label=_("Search"), max_length=4000, widget=forms.TextInput(attrs=_PLAIN))


class NoteForm(forms.Form):
    """A note."""

    text = forms.CharField(label=_("Note"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))


class CloseCaseForm(forms.Form):
    """Why it is over."""

    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)


class CaseExportForm(forms.Form):
    """What of the case, why, as what."""

    what = forms.ChoiceField(label=_("What"), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("It stands in the package, in the audit trail and before the owners, after the case's name."),
    )
    format = forms.ChoiceField(
        label=_("As"), choices=PackageFormat.choices, initial=PackageFormat.EML, widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, count: int, searches: list[CaseSearch], tags: list[CaseTag], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._searches = {str(each.pk): each for each in searches}
        self._tags = {str(each.pk): each for each in tags}
        what = self.fields["what"]
        assert isinstance(what, forms.ChoiceField)
        what.choices = [
            *([(ALL, _("All messages in the case"))] if count else []),
            *((f"{TAG}{each.pk}", _("Tag “%(name)s”") % {"name": each.name}) for each in tags),
            *((f"{SEARCH}{each.pk}", _("Search “%(name)s”") % {"name": each.name}) for each in searches),
        ]

    def choice(self) -> Choice:
        values = self.cleaned_data
        what: str = values["what"]
        return Choice(
            search=self._searches[what.removeprefix(SEARCH)] if what.startswith(SEARCH) else None,
            tag=self._tags[what.removeprefix(TAG)].name if what.startswith(TAG) else "",
            reason=values["reason"],
            format=values["format"],
        )


class CaseDelayForm(forms.Form):
    """Whose notice, until when, and why."""

    mailbox = forms.ChoiceField(label=_("Custodian"))
    until = forms.DateField(
        label=_("The owner is told on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reason = forms.CharField(label=_("Reason"), max_length=500, help_text=_("A second person reads it and decides."))

    def __init__(self, *args: Any, mailboxes: list[Mailbox], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["mailbox"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(mailbox.address, mailbox.address) for mailbox in mailboxes]
