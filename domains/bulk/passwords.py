"""Wanting a new password of many users at once; setting one or making links for them is in `mailboxes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import proving
from accounts.actors import Actor
from accounts.errors import NoPasswordHere
from accounts.permissions import Right
from accounts.services.password_wishes import want_new_password
from config.kit.bulk import Outcome, Preview
from config.kit.nav import Text
from config.kit.templatetags.kit import number
from domains.bulk.rows import MailboxAction, Values
from domains.errors import Invalid
from domains.models import Mailbox


class _WishForm(forms.Form):
    end_sessions = forms.BooleanField(
        label=gettext_lazy("Sign them out everywhere"),
        help_text=gettext_lazy("Else who is signed in goes on until their next sign-in."),
        required=False,
    )


class WantPasswords(MailboxAction):
    """They choose another one at their next sign-in; programs with the present one are refused at once."""

    name, label, icon = "want-password", gettext_lazy("Want a new password"), "arrow-path"
    needs = right = Right.SET_PASSWORDS

    def form(self, actor: Actor, data: Mapping[str, Any] | None) -> forms.Form:
        return _WishForm(data)

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        own = actor.user.pk if actor.user is not None else 0
        without = Q(user=None) | Q(user__password="") | Q(user__password__startswith=UNUSABLE_PASSWORD_PREFIX)
        wanted: list[tuple[Q, Text]] = [
            (without, _("have no password that is kept here")),
            (Q(user=own), _("are you yourself")),
        ]
        if not values.get("end_sessions"):
            wanted.append((Q(user__password_wanted=True), _("are asked for one already")))
        return wanted

    def preview(self, actor: Actor, rows: QuerySet[Mailbox], values: Values) -> Preview:
        proving.require_recent(actor)  # whoever runs it passes here, also where a task does it
        return super().preview(actor, rows, values)

    def title_of(self, count: int, values: Values) -> str:
        text = ngettext("Want a new password of %(n)s user", "Want new passwords of %(n)s users", count)
        return text % {"n": number(count)}

    def notes(self, actor: Actor, values: Values) -> Sequence[Text]:
        return (_("They choose one at their next sign-in. Mail programs with the present one are refused at once."),)

    def apply(self, actor: Actor, row: Mailbox, values: Values) -> None:
        if row.user is None:
            raise Invalid(_("have no password that is kept here"))
        try:
            asked = want_new_password(actor, row.user, end_sessions=bool(values.get("end_sessions")))
        except NoPasswordHere as error:
            raise Invalid(_("have no password that is kept here")) from error
        if not asked and not values.get("end_sessions"):
            raise Invalid(_("are asked for one already"))

    def said(self, outcome: Outcome) -> str:
        text = ngettext(
            "A new password is wanted of %(n)s user.", "New passwords are wanted of %(n)s users.", outcome.done
        )
        return text % {"n": number(outcome.done)}
