"""The forms of profiles, made of the table of their properties (`archive.profiles.fields`). Rules are the services'."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from archive.models import Profile
from archive.profiles.fields import PORTS, Field, fields_of
from archive.services.profiles.keeping import value_of

# What a way of signing in has no use for.
_TOKENS = ("token_url", "client_id", "client_secret", "scope", "refresh_token", "access_token")
NOT_NEEDED = {"password": _TOKENS, "appPassword": _TOKENS, "oauth2": ("password",)}
_LOOK = {
    "hx-post": "",
    "hx-trigger": "change",
    "hx-vals": '{"look": "1"}',
    "hx-target": "#profile-fields",
    "hx-select": "#profile-fields",
    "hx-swap": "outerHTML",
    "hx-push-url": "false",
}

KEEP = _("Leave empty to keep the one that is stored.")


class ProfileForm(forms.Form):
    """The properties of one kind, as far as the way of signing in needs them.

    `values()` is what the service takes; empty secrets, and what isn't asked for, stay as they are.
    """

    name = forms.CharField(label=_("Name"), max_length=200)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, kind: str, profile: Profile | None = None, **options: Any) -> None:
        self.kind = kind
        options.setdefault("initial", _initial(kind, profile))
        super().__init__(*args, **options)
        self.auth = self.data.get("auth") if self.is_bound else self.initial.get("auth")
        left_out = NOT_NEEDED.get(str(self.auth), ())
        self.shown = [each for each in fields_of(kind) if each.name not in left_out]
        group: object = None
        for each in self.shown:
            heading = each.group if each.group != group else None
            group = each.group
            self.fields[each.name] = _field(each, heading, stored=profile is not None)
        if "auth" in self.fields:
            self.fields["auth"].widget.attrs |= _LOOK
        self.order_fields(["name", *(each.name for each in self.shown), "version"])

    def values(self) -> dict[str, Any]:
        """By inside names."""
        return {each.name: _value(each, self.cleaned_data[each.name]) for each in self.shown}

    @classmethod
    def looked_at(cls, given: QueryDict, *, kind: str, profile: Profile | None = None) -> ProfileForm:
        """The form for another way of signing in, with what was written so far but the secrets."""
        written: dict[str, Any] = {
            each.name: each.name in given if each.kind == "flag" else given.get(each.name, "")
            for each in fields_of(kind)
            if not each.secret and (each.kind == "flag" or each.name in given)
        }
        named = {name: given.get(name, "") for name in ("name", "version")}
        return cls(kind=kind, profile=profile, initial={**_initial(kind, profile), **written, **named})


class AutomaticForm(forms.Form):
    """On or off, the pause in seconds, and when it must not run."""

    automatic = forms.BooleanField(label=_("Runs by itself"), required=False)
    pause_s = forms.IntegerField(
        label=_("Pause between two runs (seconds)"), min_value=0, max_value=2_147_483_647, initial=300, required=False
    )
    window = forms.CharField(
        label=_("Maintenance window"),
        max_length=11,
        required=False,
        help_text=_("In this span of the day it doesn't run, and a run that goes on then stops: 22:00-04:00."),
    )


def _initial(kind: str, profile: Profile | None) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for each in fields_of(kind):
        if not each.secret:
            value = each.default if profile is None else value_of(profile, each)
            shown[each.name] = _text(each, value)
    if profile is not None:
        return shown | {"name": profile.name, "version": profile.version}
    if "port" in shown:
        shown["port"] = PORTS.get(kind, shown["port"])  # type: ignore[call-overload]  # kinds are texts
    return shown


def _text(each: Field, value: Any) -> Any:
    if each.kind == "lines":
        return "\n".join(value)
    if each.kind == "pairs":
        return "\n".join(f"{pair['from']} = {pair['to']}" for pair in value)
    return value


def _value(each: Field, given: Any) -> Any:
    match each.kind:
        case "lines":
            return [line.strip() for line in given.splitlines() if line.strip()]
        case "pairs":
            cut = [line.partition("=") for line in given.splitlines() if line.strip()]
            return [{"from": source.strip(), "to": target.strip()} for source, _sign, target in cut]
        case "secret":
            return given or None
    return given


def _field(each: Field, heading: object, *, stored: bool) -> forms.Field:
    attrs: dict[str, Any] = {} if heading is None else {"data-group": heading}
    common: dict[str, Any] = {"label": each.label, "help_text": each.help}
    plain = {"autocomplete": "off", "spellcheck": "false", **attrs}
    match each.kind:
        case "flag":
            return forms.BooleanField(required=False, widget=forms.CheckboxInput(attrs), **common)
        case "number":
            needed = each.default is not None
            return forms.IntegerField(
                required=needed, min_value=each.least, max_value=each.most, widget=forms.NumberInput(attrs), **common
            )
        case "choice":
            return forms.ChoiceField(choices=list(each.choices.items()), widget=forms.Select(attrs), **common)
        case "lines" | "pairs" | "long":
            return forms.CharField(required=False, widget=forms.Textarea({"rows": 3, **plain}), **common)
        case "secret":
            common["help_text"] = KEEP if stored else each.help
            widget = forms.PasswordInput({"autocomplete": "new-password", **attrs})
            return forms.CharField(required=False, strip=False, max_length=10_000, widget=widget, **common)
    return forms.CharField(required=each.needed, max_length=4_000, widget=forms.TextInput(plain), **common)
