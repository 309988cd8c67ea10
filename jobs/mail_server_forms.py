"""The shape of the mail server's settings. Rules are the service's."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.models import MailServer


class MailServerForm(forms.Form):
    """`values()` is what the service takes; an empty password keeps the stored one."""

    hostname = forms.CharField(
        label=_("Server"),
        max_length=253,
        help_text=_("A host name or an address that this server may connect to."),
        widget=forms.TextInput({"spellcheck": "false", "autocomplete": "off"}),
    )
    protocol = forms.ChoiceField(label=_("Protocol"), choices=MailServer.Protocol.choices, initial="SMTP-TLS")
    port = forms.IntegerField(
        label=_("Port"), min_value=1, max_value=65535, initial=587, help_text=_("587 for STARTTLS, 465 for TLS, 25.")
    )
    trusts_all = forms.BooleanField(
        label=_("Take any certificate"),
        required=False,
        help_text=_("Only for a server whose certificate nobody vouches for: who stands between could read all."),
    )
    signs_in = forms.BooleanField(label=_("Sign in with a name and a password"), required=False)
    username = forms.CharField(
        label=_("User name"),
        max_length=254,
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=_("Password"),
        required=False,
        max_length=500,
        strip=False,
        help_text=_("Leave empty to keep the one that is stored."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    from_address = forms.EmailField(
        label=_("Sender's address"),
        max_length=254,
        widget=forms.EmailInput({"data-group": _("What people see"), "autocomplete": "off"}),
    )
    from_name = forms.CharField(
        label=_("Sender's name"),
        max_length=200,
        required=False,
        help_text=_("Where a domain has a name of its own, that one stands there."),
    )
    recipients = forms.CharField(
        label=_("Recipients of notices"),
        required=False,
        max_length=20_000,
        help_text=_("One address a line. Test mails and reports without other recipients go there."),
        widget=forms.Textarea({"rows": 3, "class": "mono", "spellcheck": "false", "autocapitalize": "none"}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    @staticmethod
    def initial_of(row: MailServer | None) -> dict[str, Any]:
        if row is None:
            return {}
        names = ("hostname", "protocol", "port", "trusts_all", "signs_in", "username", "from_address", "from_name")
        found = {name: getattr(row, name) for name in (*names, "version")}
        return {**found, "recipients": "\n".join(row.recipients)}

    def values(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        given.pop("version", None)
        given["recipients"] = given["recipients"].replace(",", " ").split()
        if not given["password"]:
            del given["password"]
        return given


class TestMailForm(forms.Form):
    """To whom a test mail goes."""

    recipient = forms.EmailField(label=_("Test mail to"), max_length=254, required=False)
