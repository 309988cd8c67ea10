"""What is typed about queues and repositories."""

from __future__ import annotations

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from gateway.models import QueueSettings
from gateway.services.queues import LIMITS

_UNITS = {
    "lifetime_hours": _("hours"), "warning_hours": _("hours"), "first_retry_s": _("seconds"),
    "longest_retry_s": _("seconds"),
}  # fmt: skip
_HELP = {
    "warning_hours": _("0: never"),
    "longest_retry_s": _("The wait doubles with each try, up to this."),
    "per_destination": _("How many at once to one relay, route or domain."),
}


class QueueSettingsForm(forms.Form):
    """All of them, each within its limits."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for name, (least, most) in LIMITS.items():
            label = capfirst(getattr(QueueSettings._meta.get_field(name), "verbose_name", name))
            help_text = _HELP.get(name, "")
            field = forms.IntegerField(label=label, min_value=least, max_value=most, help_text=help_text)
            if name in _UNITS:
                field.widget.attrs["data-unit"] = _UNITS[name]
            self.fields[name] = field

    def values(self) -> dict[str, int]:
        return {name: self.cleaned_data[name] for name in LIMITS}


class RepositoryForm(forms.Form):
    """A new repository."""

    name = forms.CharField(
        label=_("Path"),
        max_length=200,
        help_text=_("Such as var/mail/later."),
        widget=forms.TextInput({"class": "mono", "autocomplete": "off", "spellcheck": "false"}),
    )


class ReasonForm(forms.Form):
    """Why somebody else's message is read."""

    reason = forms.CharField(
        label=_("Reason"), max_length=500, help_text=_("It stands in the audit trail, with your name.")
    )
