"""The shape of a mailing list's settings and of a paste of subscribers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from domains.models import MailingList, Subscriber

MIB = 1 << 20
_OWN = (
    "subscribing", "posting", "reply_to", "first_moderated", "bounces_allowed", "confirm_hours", "subject_prefix",
    "header", "footer",
)  # fmt: skip


class ListForm(forms.Form):
    """A list; `owner` is the address of a mailbox of the domain."""

    email = forms.CharField(label=_("Address"), max_length=254, help_text=_("The part before the @ is enough."))
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    description = forms.CharField(label=_("Description"), max_length=1000, required=False)
    owner = forms.CharField(
        label=_("Owner"),
        max_length=254,
        help_text=_("The address of a mailbox of this domain. The owner manages the list."),
    )
    subscribing = forms.ChoiceField(
        label=_("Who may subscribe"), choices=MailingList.Subscribing.choices, initial="confirmed"
    )
    posting = forms.ChoiceField(label=_("Who may post"), choices=MailingList.Posting.choices, initial="subscribers")
    first_moderated = forms.IntegerField(
        label=_("First messages of everybody that wait for the owner"), min_value=0, max_value=1000, initial=0
    )
    reply_to = forms.ChoiceField(label=_("Answers go to"), choices=MailingList.ReplyTo.choices, initial="sender")
    subject_prefix = forms.CharField(label=_("Prefix of the subject"), max_length=60, required=False, strip=False)
    header = forms.CharField(label=_("Text above"), max_length=4000, required=False, widget=forms.Textarea({"rows": 3}))
    footer = forms.CharField(label=_("Text below"), max_length=4000, required=False, widget=forms.Textarea({"rows": 3}))
    max_message_mib = forms.DecimalField(
        label=_("Largest message"), required=False, min_value=0, max_digits=12, decimal_places=3,
        widget=forms.NumberInput({"data-unit": "MiB"}),
    )  # fmt: skip
    bounces_allowed = forms.IntegerField(
        label=_("Bounces before a pause"), min_value=0, max_value=1000, initial=5, help_text=_("0: never.")
    )
    confirm_hours = forms.IntegerField(
        label=_("Confirm within"), min_value=1, max_value=720, initial=72, widget=forms.NumberInput({"data-unit": "h"})
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    @classmethod
    def initial_of(cls, found: MailingList) -> dict[str, Any]:
        size = found.max_message_bytes
        return {name: getattr(found, name) for name in _OWN} | {
            "email": found.address.text,
            "name": found.address.name,
            "description": found.address.description,
            "owner": found.owner.address,
            "max_message_mib": None if size is None else size / MIB,
            "version": found.version,
        }

    def values(self) -> dict[str, Any]:
        """As `services.lists.settings` takes them, without address and owner."""
        data = self.cleaned_data
        size = data["max_message_mib"]
        values = {name: data[name] for name in (*_OWN, "name", "description")}
        return values | {"max_message_bytes": None if size is None else int(size * MIB)}


class SubscribersForm(forms.Form):
    """A paste of addresses, one a line."""

    subscribers = forms.CharField(
        label=_("Addresses"),
        max_length=8_000_000,
        help_text=_("One a line, or set apart by commas. “Name <name@example.org>” is fine."),
        widget=forms.Textarea({"rows": 10, "spellcheck": "false", "autocapitalize": "none"}),
    )
    mode = forms.ChoiceField(label=_("They get"), choices=Subscriber.Mode.choices, initial="feed")


class SubscriberForm(forms.Form):
    """One subscriber: what they get and what happens to what they post."""

    mode = forms.ChoiceField(label=_("They get"), choices=Subscriber.Mode.choices)
    posting = forms.ChoiceField(label=_("Their messages"), choices=Subscriber.Posting.choices)
    moderate_next = forms.IntegerField(
        label=_("So many of their next messages wait"), min_value=0, max_value=1000, initial=0
    )
