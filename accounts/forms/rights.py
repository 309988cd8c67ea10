"""What somebody gives: a role or single rights, on a place, to whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.forms.choices import RightsField
from accounts.models import Grant, Role, User
from accounts.permissions import LEVEL_LABELS, Level, Right, known_rights
from accounts.scopes import ScopeRef
from accounts.selectors.administrators import RoleChoice
from accounts.services.grants import Bundle


class PlaceForm(forms.Form):
    """Where: the level, and the name of the object as people know it."""

    level = forms.ChoiceField(label=_("Where"))
    name = forms.CharField(
        label=_("Which one"),
        max_length=300,
        required=False,
        help_text=_("The domain, the customer's name, or the person's address. Nothing for the whole server."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, levels: Iterable[Level], **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["level"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(level.value, LEVEL_LABELS[level]) for level in levels]


class GrantForm(forms.Form):
    """A role, or single rights, and until when."""

    role = forms.ChoiceField(label=_("Role"), required=False, widget=forms.RadioSelect)
    expires_at = forms.DateField(
        label=_("Until"),
        required=False,
        help_text=_("The rights end with this day. Empty: until somebody takes them."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, roles: list[RoleChoice], grantable: Iterable[Right], **options: Any) -> None:
        super().__init__(*args, **options)
        givable = [(each.value, each.label) for each in roles if each.is_givable]
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [*givable, ("", _("No role, only single rights"))]
        self.fields["rights"] = RightsField(grantable, label=_("Single rights"))
        self.order_fields([*(name for name in self.fields if name != "expires_at"), "expires_at"])

    def bundle(self) -> Bundle:
        """What is given."""
        kind, _colon, key = str(self.cleaned_data["role"]).partition(":")
        rights = known_rights(self.cleaned_data["rights"])
        if kind == "own":
            return Bundle(role=Role.objects.filter(pk=int(key)).first(), rights=rights)
        return Bundle(role_key=key if kind == "built-in" else "", rights=rights)

    def end(self) -> datetime | None:
        """The end of the day that was chosen, in the person's time."""
        day = self.cleaned_data["expires_at"]
        if day is None:
            return None
        return timezone.make_aware(datetime.combine(day, datetime.max.time().replace(microsecond=0)))

    @staticmethod
    def initial_of(grant: Grant) -> dict[str, Any]:
        """A grant as the form shows it."""
        role = f"built-in:{grant.role_key}" if grant.role_key else f"own:{grant.role_id}" if grant.role_id else ""
        until = timezone.localtime(grant.expires_at).date() if grant.expires_at else None
        return {"role": role, "rights": grant.rights, "expires_at": until}


class AdministratorForm(GrantForm):
    """Who, and what they get: somebody who is here by their address, or a new account."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("Whoever has this address gets the rights; nobody: a new account is made, and invited."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    name = forms.CharField(label=_("Name"), max_length=200, required=False, help_text=_("Of a new account."))
    language = forms.ChoiceField(label=_("Language"), choices=User.Language.choices, required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.order_fields(["email", "name", "language", "role", "rights", "expires_at"])

    @staticmethod
    def usual_role(scope: ScopeRef, roles: Iterable[RoleChoice]) -> str:
        """The role that an administrator of such a place mostly has, where it can be given."""
        usual = f"built-in:{scope.level.value}_administrator"
        return usual if any(each.value == usual and each.is_givable for each in roles) else ""


class RoleForm(forms.Form):
    """A role's name and rights; `offered`: those of its level that the actor holds."""

    name = forms.CharField(label=_("Name"), max_length=100)
    description = forms.CharField(
        label=_("Description"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    needs_second_factor = forms.BooleanField(
        label=_("Who holds it needs a second factor"),
        required=False,
        help_text=_("They have some days to set one up; the options say how many."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, offered: Iterable[Right], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["rights"] = RightsField(offered, label=_("Rights"))
