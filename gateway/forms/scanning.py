"""The shape of the scanners' settings. Rules are the service's."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gateway.models import Scanning

_PLAIN = {"spellcheck": "false", "autocomplete": "off", "autocapitalize": "none"}


def _seconds(label: Any, **attributes: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=1, max_value=120, help_text=_("In seconds."), widget=forms.NumberInput(attributes)
    )


def _then(label: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=Scanning.Down.choices)


class ScanningForm(forms.Form):
    """`values()` is what the service takes; an empty password keeps the stored one."""

    spam_scanner = forms.ChoiceField(
        label=_("Who looks for spam"), choices=Scanning.Spam.choices, widget=forms.Select({"data-group": _("Spam")})
    )
    rspamd_url = forms.CharField(
        label=_("Address of rspamd"),
        max_length=300,
        widget=forms.TextInput(_PLAIN),
        help_text=_("Its normal or proxy worker. Whoever runs this server must have opened address and port."),
    )
    rspamd_learn_url = forms.CharField(
        label=_("Address of its controller"),
        max_length=300,
        required=False,
        widget=forms.TextInput(_PLAIN),
        help_text=_("It learns there what people report. Empty: it isn't taught."),
    )
    rspamd_password = forms.CharField(
        label=_("Password of its controller"),
        required=False,
        max_length=500,
        strip=False,
        help_text=_("Leave empty to keep the one that is stored."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    spam_timeout_s = _seconds(_("Wait for rspamd"))
    spam_when_down = _then(_("When rspamd doesn't answer"))
    virus_scanner = forms.ChoiceField(
        label=_("Who looks for viruses"),
        choices=Scanning.Virus.choices,
        widget=forms.Select({"data-group": _("Viruses")}),
    )
    clamd_address = forms.CharField(
        label=_("Address of clamd"),
        max_length=300,
        widget=forms.TextInput(_PLAIN),
        help_text=_("A server and a port, such as 127.0.0.1:3310, or the path of its socket."),
    )
    virus_timeout_s = _seconds(_("Wait for clamd"))
    virus_when_down = _then(_("When clamd doesn't answer"))
    authenticate = forms.BooleanField(
        label=_("Check SPF, DKIM, DMARC and ARC"),
        required=False,
        widget=forms.CheckboxInput({"data-group": _("Who it is from")}),
    )
    dns_timeout_s = _seconds(_("Wait for DNS"))
    dns_when_down = _then(_("When DNS doesn't answer"))
    verify_senders = forms.BooleanField(
        label=_("Ask senders' servers whether the sender exists"),
        required=False,
        help_text=_("Only for domains that want it, seldom, and remembered. Some servers take offence."),
    )
    authserv_id = forms.CharField(
        label=_("Our name in results"),
        max_length=253,
        required=False,
        widget=forms.TextInput(_PLAIN),
        help_text=_("In the header Authentication-Results. Empty: the name of this server."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    @classmethod
    def initial_of(cls, row: Scanning) -> dict[str, Any]:
        return {name: getattr(row, name) for name in cls.base_fields if name != "rspamd_password"}

    def values(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        given.pop("version", None)
        if not given["rspamd_password"]:
            del given["rspamd_password"]
        return given
