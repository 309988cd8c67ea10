"""Every setting of the server in one list: its value now, where that comes from, what it does, where it is changed.

Each module that reads a setting tells of it in `AppConfig.ready()`:

    known_settings.register(lambda: [Setting("queue.lifetime_hours", _("Queue"), _("Given up after"), …)])

A secret shows only whether it is set. Not for setting anything: that is each module's own service and page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django import forms
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext as _

Text = str | Promise
Source = Literal["default", "environment", "page"]
SHOWN = 300


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. name: of the variable, the option or `page.field`; value: as text, "" for none.

    effect: what it does, in a sentence; url: the page that changes it ("" where the environment alone does).
    restarts: counts from the next start on.
    """

    name: str
    group: Text
    label: Text
    value: Text = ""
    source: Source = "default"
    effect: Text = ""
    url: str = ""
    is_secret: bool = False
    is_set: bool = False
    restarts: bool = False

    @property
    def shown(self) -> str:
        """For people; of a secret only whether there is one."""
        if self.is_secret:
            return _("set") if self.is_set else _("not set")
        return str(self.value)[:SHOWN]

    def fits(self, words: Iterable[str]) -> bool:
        """Whether every word stands in it somewhere."""
        text = f"{self.name} {self.group} {self.label} {self.effect} {self.shown} {self.source}".casefold()
        return all(word in text for word in words)


Provider = Callable[[], Iterable[Setting]]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """Add what a module knows; it is asked anew each time."""
    if provider not in _providers:
        _providers.append(provider)


def all_settings() -> list[Setting]:
    """Every setting, by group and name."""
    found = [setting for provider in _providers for setting in provider()]
    return sorted(found, key=lambda each: (str(each.group).casefold(), each.name))


@dataclass(frozen=True)
class RowSettings:
    """The settings of a page that keeps one row: each field of its form that is a field of the row.

    row: the row, None where nobody saved one (then the model's defaults count). effects: for fields without a help
    text. environment: values that count while there is no row.
    """

    prefix: str
    group: Text
    form: type[forms.Form]
    model: type[models.Model]
    row: Callable[[], models.Model | None]
    url: Callable[[], str]
    effects: Mapping[str, Text] = field(default_factory=dict)
    environment: Callable[[], Mapping[str, Any]] = dict

    def __call__(self) -> list[Setting]:
        row, url, given = self.row(), self.url(), self.environment()
        usual = self.model()
        fields = self.form().fields
        return [self._one(name, each, row, usual, url, given) for name, each in fields.items() if self._is_kept(name)]

    def _is_kept(self, name: str) -> bool:
        try:
            self.model._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        return name not in ("version", "id")

    def _one(self, name: str, shape: forms.Field, row: Any, usual: Any, url: str, given: Mapping[str, Any]) -> Setting:
        value: Any = getattr(usual if row is None else row, name)
        source: Source = "default"
        if row is not None:
            source = "page" if value != getattr(usual, name) else "default"
        elif name in given:
            value, source = given[name], "environment"
        is_secret = isinstance(shape.widget, forms.PasswordInput)
        return Setting(
            name=f"{self.prefix}.{name}",
            group=self.group,
            label=shape.label or name,
            value="" if is_secret else in_words(value, getattr(shape, "choices", ())),
            source=source,
            effect=self.effects.get(name) or shape.help_text or shape.label or "",
            url=url,
            is_secret=is_secret,
            is_set=is_secret and bool(value),
        )


def in_words(value: Any, choices: Iterable[Any] = ()) -> str:
    """A value for people."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(in_words(each, choices) for each in value)
    if value is None:
        return ""
    known = {str(key): label for key, label in choices if not isinstance(label, list | tuple)}
    return str(known.get(str(value), value))
