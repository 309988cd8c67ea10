"""The shape of a branding: texts for everybody, and the same in each language. Rules raise in the service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from domains.brands import Looks
from domains.forms.fields import LinesField, VersionField
from domains.models.tenants import LANGUAGES

_QUIET = {"autocomplete": "off", "spellcheck": "false"}


class BrandingForm(forms.Form):
    """What a place says itself; empty inherits. No `maxlength`: a browser would cut a paste and say nothing."""

    name = forms.CharField(label=_("Name"), required=False, widget=forms.TextInput(_QUIET))
    colour = forms.CharField(
        label=_("Colour"), required=False, widget=forms.TextInput({**_QUIET, "class": "mono", "data-colour": ""})
    )
    greeting = forms.CharField(
        label=_("Greeting on the sign-in page"), required=False, widget=forms.Textarea({"rows": 3})
    )
    support_text = forms.CharField(label=_("Support line"), required=False)
    support_address = forms.CharField(label=_("Support address"), required=False, widget=forms.TextInput(_QUIET))
    hosts = LinesField(
        label=_("Further host names"),
        rows=3,
        help_text=_(
            "One a line, such as mail.example.org. It is shown under the domain's own names without being named here. "
            "Each name must lead to this server, and its certificate too."
        ),
    )
    version = VersionField()

    def __init__(self, *args: Any, looks: Looks, helps: Mapping[str, Any], with_hosts: bool, **options: Any) -> None:
        options["initial"] = _initial(looks)
        super().__init__(*args, **options)
        for name, text in helps.items():
            self.fields[name].help_text = text
        for code, label in LANGUAGES:
            self.fields[f"greeting_{code}"] = forms.CharField(
                label=label, required=False, widget=forms.Textarea({"rows": 3, "lang": code})
            )
            self.fields[f"support_text_{code}"] = forms.CharField(
                label=label, required=False, widget=forms.TextInput({"lang": code})
            )
        if not with_hosts:
            del self.fields["hosts"]

    def in_languages(self, name: str) -> Iterator[forms.BoundField]:
        """The fields of one text in each language."""
        return (self[f"{name}_{code}"] for code, _label in LANGUAGES)

    @property
    def greetings(self) -> list[forms.BoundField]:
        return list(self.in_languages("greeting"))

    @property
    def support_texts(self) -> list[forms.BoundField]:
        return list(self.in_languages("support_text"))

    def values(self) -> dict[str, Any]:
        """As the service takes them; nothing for what is empty."""
        found: dict[str, Any] = {
            "name": self._given("name"),
            "colour": self._given("colour"),
            "greeting": self._text("greeting"),
            "support": {"address": self._given("support_address"), "text": self._text("support_text")},
        }
        if "hosts" in self.fields:
            found["hosts"] = self._given("hosts").replace(",", " ").split()
        return found

    def _given(self, name: str) -> str:
        """What the field says; nothing where its form was wrong already."""
        return str(self.cleaned_data.get(name, ""))

    def _text(self, name: str) -> dict[str, str]:
        return {"": self._given(name), **{code: self._given(f"{name}_{code}") for code, _label in LANGUAGES}}


class LogoForm(forms.Form):
    """One picture."""

    logo = forms.FileField(
        label=_("Picture"),
        help_text=_("PNG, JPEG or WebP, 512 KiB and 2,048 pixels at most. Shown 32 to 72 pixels high."),
        widget=forms.FileInput({"accept": "image/png,image/jpeg,image/webp", "data-logo": ""}),
    )
    version = VersionField()


def _initial(looks: Looks) -> dict[str, Any]:
    own = {name: said.own for name, said in looks.values.items()}
    support = own["support"] or {}
    found: dict[str, Any] = {
        "name": own["name"] or "",
        "colour": own["colour"] or "",
        "support_address": support.get("address", ""),
        "hosts": "\n".join(looks.hosts),
        "version": looks.version,
    }
    for name, text in (("greeting", own["greeting"] or {}), ("support_text", support.get("text", {}))):
        found |= {f"{name}_{key}" if key else name: value for key, value in text.items()}
    return found
