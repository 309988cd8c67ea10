"""The shape of a mailbox's absence note, facts, rights of others, and pulls."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from domains.models import MailboxProfile, RemotePull
from domains.services.profiles import named_lines


class AbsenceForm(forms.Form):
    on = forms.BooleanField(label=_("Answer while away"), required=False)
    start = forms.DateField(label=_("From"), required=False, widget=forms.DateInput({"type": "date"}))
    end = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput({"type": "date"}))
    subject = forms.CharField(label=_("Subject"), required=False, max_length=200)
    text = forms.CharField(label=_("Text"), required=False, max_length=10_000, widget=forms.Textarea({"rows": 5}))

    @classmethod
    def initial_of(cls, profile: MailboxProfile) -> dict[str, Any]:
        return {
            "on": profile.absence_on,
            "start": profile.absence_from,
            "end": profile.absence_until,
            "subject": profile.absence_subject,
            "text": profile.absence_text,
        }


class FactsForm(forms.Form):
    """Facts by name, one a line: `Location: Oslo`."""

    account_type = forms.CharField(label=_("Type of the account"), required=False, max_length=40)
    information = forms.CharField(
        label=_("Information"),
        required=False,
        max_length=200_000,
        help_text=_("One a line, such as “Location: Oslo”."),
        widget=forms.Textarea({"rows": 6}),
    )

    def facts(self, present: dict[str, Any]) -> dict[str, Any]:
        """What is given, and null for what is gone."""
        return {**dict.fromkeys(present), **named_lines(self.cleaned_data["information"])}


class PreferencesForm(forms.Form):
    """What programs remember, by name, one a line: `timeFormat: 24h`."""

    preferences = forms.CharField(
        label=_("Preferences of programs"),
        required=False,
        max_length=200_000,
        help_text=_("One a line, such as “timeFormat: 24h”. What isn't here is as the domain or the server says."),
        widget=forms.Textarea({"rows": 8, "spellcheck": "false", "class": "mono"}),
    )

    def changed_values(self, present: dict[str, Any]) -> dict[str, Any]:
        """What is given anew, and null for what is gone; what stands there as it was keeps its kind (a number)."""
        given = named_lines(self.cleaned_data["preferences"])
        fresh = {name: value for name, value in given.items() if str(present.get(name)) != value}
        return {name: None for name in present if name not in given} | fresh


class RightsForm(forms.Form):
    """Rights of others, one a line: `ada@example.org lrs`."""

    rights = forms.CharField(
        label=_("Rights of others"),
        required=False,
        max_length=50_000,
        help_text=_(
            "One a line: an address or “anyone”, and letters: l see, r read, s mark as read, w flag, i add, p post, "
            "k make folders, x delete folders, t delete mail, e expunge, a give rights."
        ),
        widget=forms.Textarea({"rows": 5, "spellcheck": "false", "class": "mono"}),
    )

    def given(self) -> dict[str, str]:
        lines = (line.split(None, 1) for line in self.cleaned_data["rights"].splitlines() if line.strip())
        return {parts[0]: (parts[1] if len(parts) > 1 else "").replace(" ", "") for parts in lines}


class PullForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)
    protocol = forms.ChoiceField(label=_("Protocol"), choices=RemotePull.Protocol.choices, initial="imap")
    host = forms.CharField(label=_("Server"), max_length=253)
    port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535, initial=993)
    use_tls = forms.BooleanField(label=_("Encrypted"), required=False, initial=True)
    username = forms.CharField(label=_("User name"), max_length=254)
    password = forms.CharField(
        label=_("Password"), required=False, max_length=1000, strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )  # fmt: skip
    remote_folder = forms.CharField(label=_("Folder there"), max_length=200, required=False, initial="INBOX")
    folder = forms.CharField(label=_("Folder here"), max_length=200, required=False, initial="INBOX")
    every_minutes = forms.IntegerField(
        label=_("Every"), min_value=1, max_value=10_080, initial=15, widget=forms.NumberInput({"data-unit": "min"})
    )
    leave_there = forms.BooleanField(label=_("Leave the mail there"), required=False, initial=True)
    is_enabled = forms.BooleanField(label=_("Enabled"), required=False, initial=True)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}
