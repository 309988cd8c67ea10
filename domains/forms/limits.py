"""The shape of quotas and throttles: an amount with its unit, or a choice between inheriting and unlimited."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from domains.limits import UNLIMITED

MIB = 1 << 20
INHERIT, WITHOUT, LIMITED = "inherit", "unlimited", "limited"


class QuotaForm(forms.Form):
    """One quota: inherited, unlimited, or an amount. `is_size`: typed in MiB, kept in bytes."""

    mode = forms.ChoiceField(label=_("What counts"), widget=forms.RadioSelect)
    amount = forms.DecimalField(label=_("At most"), required=False, min_value=0, max_digits=18, decimal_places=3)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, label: Any, inherited: Any, is_size: bool, value: int | None, **kwargs: Any) -> None:
        self.is_size = is_size
        mode = INHERIT if value is None else WITHOUT if value == UNLIMITED else LIMITED
        amount = None if value is None or value == UNLIMITED else value / MIB if is_size else value
        kwargs["initial"] = {"mode": mode, "amount": amount, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        choices = self.fields["mode"]
        choices.label = label
        choices.choices = [(INHERIT, inherited), (WITHOUT, _("Unlimited")), (LIMITED, _("At most"))]  # type: ignore[attr-defined]
        self.fields["amount"].widget.attrs["data-unit"] = "MiB" if is_size else _("messages")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("mode") == LIMITED and data.get("amount") is None:
            self.add_error("amount", _("Say how much."))
        return data

    @property
    def value(self) -> int | None:
        """null, −1 or a number, as the services take it."""
        mode, amount = self.cleaned_data["mode"], self.cleaned_data["amount"]
        if mode == INHERIT:
            return None
        return UNLIMITED if mode == WITHOUT else int(amount * MIB if self.is_size else amount)


class ThrottleForm(forms.Form):
    """How much in which period; an empty limit is none."""

    PERIODS = [
        ("60", _("A minute")),
        ("600", _("Ten minutes")),
        ("3600", _("An hour")),
        ("86400", _("A day")),
        ("other", _("Another")),
    ]

    period = forms.ChoiceField(label=_("Period"), choices=PERIODS)
    seconds = forms.IntegerField(
        label=_("Another period"),
        required=False,
        min_value=1,
        max_value=31 * 86_400,
        widget=forms.NumberInput({"data-unit": "s"}),
    )
    max_messages = forms.IntegerField(label=_("Messages at most"), required=False, min_value=0)
    max_mib = forms.DecimalField(
        label=_("Sizes at most, added up"), required=False, min_value=0, max_digits=15, decimal_places=3,
        widget=forms.NumberInput({"data-unit": "MiB"}),
    )  # fmt: skip
    max_message_mib = forms.DecimalField(
        label=_("Largest message"), required=False, min_value=0, max_digits=15, decimal_places=3,
        widget=forms.NumberInput({"data-unit": "MiB"}),
    )  # fmt: skip
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("period") == "other" and data.get("seconds") is None:
            self.add_error("seconds", _("Say how long."))
        return data

    @property
    def period_s(self) -> int:
        chosen = self.cleaned_data["period"]
        return int(self.cleaned_data["seconds"] if chosen == "other" else chosen)

    @property
    def limits(self) -> dict[str, int | None]:
        data = self.cleaned_data

        def size(name: str) -> int | None:
            return None if data[name] is None else int(data[name] * MIB)

        return {
            "max_messages": data["max_messages"],
            "max_bytes": size("max_mib"),
            "max_message_bytes": size("max_message_mib"),
        }

    @classmethod
    def initial_of(cls, throttle: Any) -> dict[str, Any]:
        """What the form shows of a throttle, or of none."""
        if throttle is None:
            return {"period": "3600"}
        known = str(throttle.period_s) in {value for value, _label in cls.PERIODS}

        def mib(value: int | None) -> float | None:
            return None if value is None else value / MIB

        return {
            "period": str(throttle.period_s) if known else "other",
            "seconds": None if known else throttle.period_s,
            "max_messages": throttle.max_messages,
            "max_mib": mib(throttle.max_bytes),
            "max_message_mib": mib(throttle.max_message_bytes),
            "version": throttle.version,
        }
