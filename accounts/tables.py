"""How the list of people looks."""

from __future__ import annotations

from typing import Any

from django.template.loader import get_template
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django_tables2 import Column

from accounts.models import User
from config.kit.tables import BaseTable, MainColumn, TextColumn, TimeColumn


class UserTable(BaseTable):
    """One person a row."""

    caption = _("Users")
    email = MainColumn(verbose_name=_("E-mail address"))
    name = TextColumn(verbose_name=_("Name"), default="–")
    is_administrator = Column(verbose_name=_("Role"))
    is_active = Column(verbose_name=_("State"))
    last_login = TimeColumn(verbose_name=_("Last signed in"), default="–")

    def row_url(self, record: User) -> str:
        return reverse("accounts:user-detail", args=[record.pk])

    def render_is_administrator(self, value: bool) -> Any:
        return _("Administrator") if value else _("User")

    def render_is_active(self, record: User) -> SafeString:
        return mark_safe(get_template("accounts/person_state.html").render({"person": record}))  # noqa: S308
