"""The shape of a line of an IP list, of the router table, and of a certificate."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gateway.models import IpEntry, RouterRule

_MONO = {"class": "mono", "autocapitalize": "none", "spellcheck": "false"}
_PEM = forms.Textarea({"rows": 8, "spellcheck": "false", "class": "mono", "autocomplete": "off"})


class IpForm(forms.Form):
    network = forms.CharField(
        label=_("Address or network"),
        max_length=60,
        help_text=_("Such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32."),
        widget=forms.TextInput(_MONO),
    )
    list = forms.ChoiceField(
        label=_("List"),
        choices=IpEntry.List.choices,
        help_text=_(
            "Client: one of our own; it may send from every domain we serve. Denied: no conversation at all. "
            "Blacklisted: may write only to postmaster and abuse. Blocked for now: is told to come again later. "
            "White hole: whatever the other lists say, it is on none of them."
        ),
    )
    expires_at = forms.DateTimeField(
        label=_("Until"),
        required=False,
        help_text=_("Empty: until it is taken off."),
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    comment = forms.CharField(label=_("Comment"), max_length=200, required=False)


class RouteForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    pattern = forms.CharField(
        label=_("Address"),
        max_length=320,
        help_text=_("An address, in which * may stand once before the @ and once behind it: *@example.org."),
        widget=forms.TextInput(_MONO),
    )
    kind = forms.ChoiceField(label=_("What happens"), choices=RouterRule.Kind.choices)
    target = forms.CharField(
        label=_("Target"),
        max_length=320,
        required=False,
        help_text=_(
            "Another address, where * stands for what stood there (*@example.org); a server (mail.example.org:25); "
            "for what is refused, the words the sender reads; for journal reports, the networks of the servers that "
            "may send them (192.0.2.0/24)."
        ),
        widget=forms.TextInput(_MONO),
    )
    comment = forms.CharField(label=_("Comment"), max_length=200, required=False)
    is_enabled = forms.BooleanField(label=_("In use"), required=False, initial=True)
    position = forms.IntegerField(
        label=_("Place in the table"),
        required=False,
        min_value=1,
        help_text=_("The first line that fits an address counts."),
    )

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("pattern", "kind", "target", "comment", "is_enabled")}


class CertificateForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("For this list; clients don't see it."))
    chain = forms.CharField(
        label=_("Certificate and chain"),
        required=False,
        max_length=100_000,
        help_text=_("PEM: the server's certificate first, then those between it and the authority."),
        widget=_PEM,
    )
    private_key = forms.CharField(
        label=_("Private key"),
        required=False,
        max_length=100_000,
        help_text=_("PEM, without a password. It is sealed and never shown again."),
        widget=_PEM,
    )
    chain_path = forms.CharField(
        label=_("Or: file of the certificate and chain"),
        required=False,
        max_length=500,
        help_text=_("On the server, below its folders for certificates; read again when it changes."),
        widget=forms.TextInput(_MONO),
    )
    key_path = forms.CharField(
        label=_("File of the key"), required=False, max_length=500, widget=forms.TextInput(_MONO)
    )
    pkcs12 = forms.FileField(
        label=_("Or: a PKCS#12 file"), required=False, help_text=_("Certificate, chain and key in one (.p12, .pfx).")
    )
    password = forms.CharField(
        label=_("Its password"),
        required=False,
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    is_web = forms.BooleanField(
        label=_("For the pages"),
        required=False,
        help_text=_("The web server speaks TLS with it, instead of a proxy in front. It starts again for that."),
    )
    is_default = forms.BooleanField(
        label=_("For every other name"),
        required=False,
        help_text=_("Shown where a client asks for no name, or for one that no certificate has."),
    )

    def values(self) -> dict[str, Any]:
        names = ("name", "chain", "private_key", "chain_path", "key_path", "is_default", "is_web", "password")
        found = {name: self.cleaned_data[name] for name in names}
        file = self.cleaned_data["pkcs12"]
        return found if file is None else {**found, "pkcs12": file.read(200_000)}


class IpCheckForm(forms.Form):
    address = forms.CharField(label=_("IP address"), max_length=60, widget=forms.TextInput(_MONO))


class RouteCheckForm(forms.Form):
    address = forms.CharField(label=_("Recipient's address"), max_length=320, widget=forms.TextInput(_MONO))
    sender = forms.CharField(
        label=_("Sender's address"),
        max_length=320,
        required=False,
        help_text=_("Lists and some addresses take mail of some senders only."),
        widget=forms.TextInput(_MONO),
    )
