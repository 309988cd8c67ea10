"""The shape of a relay, in groups: where to, a second server, how it signs in, how people sign in, remediation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from domains.models import Relay
from domains.services.relays import API_FIELDS, AUTH_FIELDS, SECRET_API, SECRET_AUTH

KEEP = _("Leave empty to keep the one that is stored.")


def _text(heading: Any) -> forms.TextInput:
    """The first field of a group."""
    return forms.TextInput({"data-group": heading, "autocomplete": "off", "spellcheck": "false"})


def _select(heading: Any) -> forms.Select:
    """The first field of a group."""
    return forms.Select({"data-group": heading})


def _secret(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=1000,
        strip=False,
        help_text=KEEP,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class RelayForm(forms.Form):
    """A relay. `values()` is what the service takes; empty secrets stay as they are."""

    name = forms.CharField(label=_("Name"), max_length=200)
    transport_dest = forms.CharField(
        label=_("Server"),
        max_length=253,
        help_text=_("A host name or an address."),
        widget=forms.TextInput({"spellcheck": "false"}),
    )
    transport_type = forms.ChoiceField(label=_("Protocol"), choices=Relay.Transport.choices, initial="SMTPS_MAY")
    transport_port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535, initial=25)
    is_default = forms.BooleanField(
        label=_("Default relay of the domain"),
        required=False,
        help_text=_("Mail for addresses without a relay of their own goes here."),
    )
    username = forms.CharField(
        label=_("User name"),
        max_length=254,
        required=False,
        widget=_text(_("How we sign in there")),
    )
    password = _secret(_("Password"))
    forget_password = forms.BooleanField(label=_("Remove the stored password"), required=False)
    fallback_dest = forms.CharField(
        label=_("Second server"),
        max_length=253,
        required=False,
        widget=_text(_("When it doesn't answer")),
    )
    fallback_type = forms.ChoiceField(
        label=_("Protocol"), choices=[("", "–"), *Relay.Transport.choices], required=False
    )
    fallback_port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535, required=False)
    auth_type = forms.ChoiceField(
        label=_("Passwords are checked"),
        choices=Relay.Auth.choices,
        widget=_select(_("How people sign in")),
    )
    auth_host = forms.CharField(label=_("Server"), max_length=253, required=False)
    auth_port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535, required=False)
    auth_use_ssl = forms.BooleanField(label=_("Encrypted"), required=False)
    auth_bind_user = forms.CharField(label=_("Bind user (LDAP)"), max_length=500, required=False)
    auth_bind_password = _secret(_("Bind password (LDAP)"))
    auth_base_dn = forms.CharField(label=_("Base DN (LDAP)"), max_length=500, required=False)
    auth_mail_attribute = forms.CharField(label=_("Mail attribute (LDAP)"), max_length=100, required=False)
    auth_username_format = forms.CharField(label=_("User name format"), max_length=200, required=False)
    auth_cert_pem = forms.CharField(
        label=_("Trusted certificate (PEM)"), max_length=20_000, required=False, widget=forms.Textarea({"rows": 3})
    )
    auth_issueruri = forms.CharField(label=_("Issuer (OpenID Connect)"), max_length=500, required=False)
    auth_clientid = forms.CharField(label=_("Client id"), max_length=200, required=False)
    auth_clientsecret = _secret(_("Client secret"))
    auth_nameattr = forms.CharField(label=_("Name attribute"), max_length=100, required=False)
    auth_scope = forms.CharField(label=_("Scope"), max_length=200, required=False)
    auth_tenantid = forms.CharField(label=_("Tenant id (Entra)"), max_length=200, required=False)
    api_type = forms.ChoiceField(
        label=_("Interface"),
        choices=[("", _("None")), *Relay.Api.choices],
        required=False,
        help_text=_("Where mail that was delivered can be removed again."),
        widget=_select(_("Remediation")),
    )
    api_host = forms.CharField(label=_("Server"), max_length=253, required=False)
    api_port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535, required=False)
    api_usessl = forms.BooleanField(label=_("Encrypted"), required=False)
    api_login = forms.CharField(label=_("User name"), max_length=254, required=False)
    api_password = _secret(_("Password"))
    api_testaccount = forms.CharField(label=_("Account to test with"), max_length=254, required=False)
    api_clientid = forms.CharField(label=_("Client id"), max_length=200, required=False)
    api_tenantid = forms.CharField(label=_("Tenant id"), max_length=200, required=False)
    api_clientsecret = _secret(_("Client secret"))
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, is_new: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        if is_new:  # nothing is stored that could be kept or removed
            self.fields["forget_password"].widget = forms.HiddenInput()
            for field in self.fields.values():
                if field.help_text is KEEP:
                    field.help_text = ""

    @classmethod
    def initial_of(cls, relay: Relay) -> dict[str, Any]:
        """What the form shows of a relay: never a secret."""
        own = ("name", "transport_dest", "transport_type", "transport_port", "is_default", "username", "fallback_dest",
               "fallback_type", "fallback_port", "auth_type", "api_type", "version")  # fmt: skip
        shown = {name: getattr(relay, name) for name in own}
        shown |= {f"auth_{name.lower()}": value for name, value in relay.auth_data.items()}
        return shown | {f"api_{name.lower()}": value for name, value in relay.api_data.items()}

    def values(self) -> dict[str, Any]:
        """As `services.relays` takes them."""
        data = self.cleaned_data
        plain = ("name", "transport_dest", "transport_type", "transport_port", "username", "fallback_dest",
                 "fallback_type", "fallback_port", "auth_type", "api_type")  # fmt: skip
        values: dict[str, Any] = {name: data[name] for name in plain}
        values["password"] = "" if data["forget_password"] else data["password"] or None
        if data["is_default"]:
            values["is_default"] = True
        values["auth_data"] = self._settings("auth", AUTH_FIELDS, SECRET_AUTH)
        values["api_data"] = self._settings("api", API_FIELDS, SECRET_API)
        return values

    def _settings(self, stem: str, plain: tuple[str, ...], secret: tuple[str, ...]) -> dict[str, Any]:
        data = self.cleaned_data
        given = {name: data.get(f"{stem}_{name.lower()}") for name in plain}
        given = {name: value for name, value in given.items() if value not in (None, "", False)}
        return given | {name: value for name in secret if (value := data.get(f"{stem}_{name.lower()}"))}
