"""What people write about holds, retention and deletions. Shape only; rules are the services'."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from archive.models import Case, RetentionPolicy
from archive.services.holds import HoldTerms
from domains.models import Mailbox

_PLAIN = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}


class DeleteMessageForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        help_text=gettext_lazy("It stands in the archive's journal for ever."),
    )


class DeleteManyForm(forms.Form):
    """Which messages, and why."""

    query = forms.CharField(
        label=gettext_lazy("Search"),
        max_length=4000,
        help_text=gettext_lazy("In the language of the search box. What retention, a hold or compliance keeps stays."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    user_name = forms.CharField(
        label=gettext_lazy("In the archive of"),
        max_length=254,
        required=False,
        help_text=gettext_lazy("An address. Nothing: all archives. What others have too stays."),
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "email"}),
    )
    at_most = forms.IntegerField(
        label=gettext_lazy("At most"),
        min_value=1,
        max_value=10_000_000,
        initial=1000,
        help_text=gettext_lazy("Messages. When more are found, nothing is deleted."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        help_text=gettext_lazy("A second person reads it, and it stands in the archive's journal for ever."),
    )


class AddressesField(forms.CharField):
    """Addresses, one a line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 3, **_PLAIN}), required=False, **options)

    def clean(self, value: Any) -> list[str]:
        text = super().clean(value)
        return sorted({line.strip().lower() for line in str(text).replace(",", "\n").splitlines() if line.strip()})


def mailboxes_of(addresses: list[str]) -> list[Mailbox]:
    """Raises: ValidationError for an address nobody has."""
    found = {mailbox.address: mailbox for mailbox in Mailbox.objects.filter(address__in=addresses)}
    unknown = [address for address in addresses if address not in found]
    if unknown:
        raise forms.ValidationError(_("There is no mailbox “%(address)s”.") % {"address": unknown[0]})
    return list(found.values())


class HoldForm(forms.Form):
    """A hold: everything, or whose mail, which and of when."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)
    everything = forms.BooleanField(
        label=gettext_lazy("Everything"),
        required=False,
        help_text=gettext_lazy("All mail of all stores; what stands below counts for nothing then."),
    )
    custodians = AddressesField(
        label=gettext_lazy("Mailboxes"), help_text=gettext_lazy("One address a line. None: the mail of everybody.")
    )
    query = forms.CharField(
        label=gettext_lazy("Search"),
        max_length=4000,
        required=False,
        help_text=gettext_lazy("In the language of the search box. Nothing: all mail."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    date_from = forms.DateField(
        label=gettext_lazy("Dated from"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    date_to = forms.DateField(
        label=gettext_lazy("Dated until"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    case = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def clean_custodians(self) -> list[Mailbox]:
        return mailboxes_of(self.cleaned_data["custodians"])

    def clean_case(self) -> Case | None:
        number = self.cleaned_data["case"]
        found = None if number is None else Case.objects.filter(pk=number).first()
        if number is not None and found is None:
            raise forms.ValidationError(_("There is no such case."))
        return found

    def terms(self) -> HoldTerms:
        values = self.cleaned_data
        return HoldTerms(
            values["name"],
            values["reason"],
            values["everything"],
            values["custodians"],
            values["query"],
            values["date_from"],
            values["date_to"],
            values["case"],
        )


class PolicyForm(forms.Form):
    """One retention policy and its place among the others."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    position = forms.IntegerField(
        label=gettext_lazy("Place"),
        min_value=1,
        help_text=gettext_lazy("The first policy that fits a message decides about it."),
    )
    enabled = forms.BooleanField(label=gettext_lazy("In force"), required=False, initial=True)
    period = forms.IntegerField(label=gettext_lazy("Keep for"), min_value=1, max_value=36_500)
    interval = forms.ChoiceField(label=gettext_lazy("Unit"), choices=RetentionPolicy.Interval.choices, initial="year")
    reference = forms.ChoiceField(
        label=gettext_lazy("Counted from"),
        choices=RetentionPolicy.Reference.choices,
        help_text=gettext_lazy("A message's own date is what its sender wrote; it may be wrong."),
    )
    deletes = forms.BooleanField(
        label=gettext_lazy("Delete afterwards"),
        required=False,
        help_text=gettext_lazy("By themselves, when retention is processed. Otherwise people may delete them then."),
    )
    from_text = forms.CharField(label=gettext_lazy("From"), max_length=1000, required=False)
    to_text = forms.CharField(label=gettext_lazy("To or Cc"), max_length=1000, required=False)
    query = forms.CharField(
        label=gettext_lazy("Search"),
        max_length=4000,
        required=False,
        help_text=gettext_lazy("In the language of the search box; nothing ticked below: anywhere."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    in_subject = forms.BooleanField(label=gettext_lazy("In the subject"), required=False)
    in_body = forms.BooleanField(label=gettext_lazy("In the text"), required=False)
    in_attachments = forms.BooleanField(label=gettext_lazy("In names of attachments"), required=False)
    in_attachment_contents = forms.BooleanField(label=gettext_lazy("In attachments"), required=False)
    included = AddressesField(
        label=gettext_lazy("Only these archives"), help_text=gettext_lazy("One address a line. None: all.")
    )
    excluded = AddressesField(label=gettext_lazy("Not these archives"))
    locked = forms.BooleanField(
        label=gettext_lazy("Locked"),
        required=False,
        help_text=gettext_lazy("For ever: nobody can shorten, weaken, unlock or remove it again."),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Needed where messages may go earlier than now; a second person reads it."),
    )

    def values(self) -> dict[str, Any]:
        """By the model's names."""
        found = {name: value for name, value in self.cleaned_data.items() if name not in ("seen", "reason", "position")}
        return found | {"included": found["included"] or None}


class ComplianceForm(forms.Form):
    """What the organisation has set."""

    legal_hold = forms.BooleanField(
        label=gettext_lazy("Hold everything"),
        required=False,
        help_text=gettext_lazy("Nothing at all is deleted or expires. Ending it takes two people."),
    )
    deletion_allowed = forms.BooleanField(
        label=gettext_lazy("People may delete messages"),
        required=False,
        help_text=gettext_lazy("With the right and a reason; never what retention or a hold keeps."),
    )
    admin_email_preview = forms.BooleanField(label=gettext_lazy("Administrators see previews of mail"), required=False)
    password_policy = forms.BooleanField(label=gettext_lazy("Passwords follow the rules"), required=False)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Needed to end the hold on everything."),
    )
