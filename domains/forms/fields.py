"""Fields that more than one form of the directory has."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.kit.list_values import size_bytes
from domains.limits import UNLIMITED

_UNITS = ((40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB"))


def limit_text(value: int | None, *, is_size: bool) -> str:
    """A limit as it is typed: empty inherits, "unlimited", "2 GiB", "1000"."""
    if value is None:
        return ""
    if value == UNLIMITED:
        return _("unlimited")
    for power, unit in _UNITS if is_size else ():
        if value and value % (1 << power) == 0:
            return f"{value >> power} {unit}"
    return str(value)


class LimitField(forms.CharField):
    """A quota or another limit: empty inherits, "unlimited" (or −1) is without end, else a size or a number."""

    def __init__(self, *, is_size: bool, **options: Any) -> None:
        self.is_size = is_size
        options.setdefault("required", False)
        options.setdefault("max_length", 30)
        super().__init__(**options)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else limit_text(value, is_size=self.is_size)

    def clean(self, value: Any) -> int | None:
        text = str(super().clean(value)).strip()
        if not text:
            return None
        if text.casefold() in (_("unlimited").casefold(), "unlimited", "-1", "−1"):
            return UNLIMITED
        try:
            return size_bytes(text) if self.is_size else int(text.replace(" ", "").replace(",", ""))
        except ValueError as error:
            wrong = _("Write a size such as 500 MB or 2 GB.") if self.is_size else _("Write a whole number.")
            raise forms.ValidationError(wrong) from error


class LinesField(forms.CharField):
    """Addresses, one a line (or set apart by commas); cleaned to (line, text) pairs."""

    widget = forms.Textarea

    def __init__(self, *, rows: int = 6, **options: Any) -> None:
        options.setdefault("required", False)
        attrs = {"rows": rows, "class": "mono", "spellcheck": "false", "autocapitalize": "none"}
        super().__init__(widget=forms.Textarea(attrs), max_length=20_000_000, strip=False, **options)


class VersionField(forms.IntegerField):
    """Which version of the object the form showed, so that the second of two people is told."""

    def __init__(self) -> None:
        super().__init__(widget=forms.HiddenInput, required=False)


def yes_no_inherit(label: Any, inherited: Any = "") -> forms.TypedChoiceField:
    """Yes, no, or as above."""
    words = inherited or gettext_lazy("As the domain")
    return forms.TypedChoiceField(
        label=label,
        choices=[("", words), ("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))],
        coerce=lambda value: value == "yes",
        empty_value=None,
        required=False,
    )
