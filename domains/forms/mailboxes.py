"""Forms about mailboxes and the people who sign in with them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import options as options_of
from accounts import password_age
from accounts.forms.passwords import NewPasswordField, for_whom
from accounts.models import User
from accounts.scopes import ScopeRef
from domains.forms.fields import LimitField, LinesField, VersionField, yes_no_inherit
from domains.models import Status
from domains.services.mailboxes import NEW_STATUSES

STATUSES = [(status.value, status.label) for status in NEW_STATUSES]
LANGUAGES = [choice for choice in User.Language.choices if choice[0]]
_ADDRESS = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}


class SignInWay(forms.ChoiceField):
    """How somebody new comes to their password."""

    LINK, PASSWORD, LATER = "link", "password", "later"

    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Password"),
            choices=[
                (self.LINK, gettext_lazy("They choose it: show me a link to pass on")),
                (self.PASSWORD, gettext_lazy("I set it")),
                (self.LATER, gettext_lazy("Later")),
            ],
            widget=forms.RadioSelect({"data-group": gettext_lazy("Signing in")}),
            initial=self.LINK,
        )


class MailboxForm(forms.Form):
    """A new mailbox and its person."""

    email = forms.CharField(label=gettext_lazy("Address"), max_length=254, widget=forms.TextInput(_ADDRESS))
    first_name = forms.CharField(label=gettext_lazy("First name"), max_length=100, required=False)
    last_name = forms.CharField(label=gettext_lazy("Last name"), max_length=100, required=False)
    name = forms.CharField(
        label=gettext_lazy("Display name"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Where it differs from first and last name."),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"), choices=[("", gettext_lazy("As the domain")), *LANGUAGES], required=False
    )
    sign_in = SignInWay()
    password = NewPasswordField(
        label=gettext_lazy("Password set by me"),
        required=False,
        help_text=gettext_lazy("Only where “I set it” is chosen."),
    )
    status = forms.ChoiceField(
        label=gettext_lazy("State"),
        choices=STATUSES,
        initial=Status.ENABLED,
        widget=forms.Select({"data-group": gettext_lazy("Mailbox")}),
        help_text=gettext_lazy("Disabled and pending: no mail is taken, and nobody signs in."),
    )
    aliases = LinesField(
        label=gettext_lazy("Aliases"), rows=3, help_text=gettext_lazy("Other addresses of the mailbox, one a line.")
    )
    quota_bytes = LimitField(
        label=gettext_lazy("Quota"),
        is_size=True,
        help_text=gettext_lazy("For instance 2 GB. Empty: as the domain. “unlimited”: without end."),
    )

    def __init__(self, *args: Any, domain_name: str = "", within: ScopeRef | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for_whom(self, within)
        if domain_name:
            self.fields["email"].widget.attrs["data-unit"] = f"@{domain_name}"

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("sign_in") == SignInWay.PASSWORD and not values.get("password"):
            self.add_error("password", _("Type the password, or choose another way."))
        return values


class MailboxEditForm(forms.Form):
    """What is changed of a mailbox and its person without moving it."""

    first_name = forms.CharField(label=gettext_lazy("First name"), max_length=100, required=False)
    last_name = forms.CharField(label=gettext_lazy("Last name"), max_length=100, required=False)
    name = forms.CharField(
        label=gettext_lazy("Display name"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Where it differs from first and last name."),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"), choices=[("", gettext_lazy("Like the browser")), *LANGUAGES], required=False
    )
    sender_verify = yes_no_inherit(gettext_lazy("Verify senders"))
    transport = forms.CharField(
        label=gettext_lazy("Transport"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("How mail is handed to the mailbox, where it isn't the domain's way. Usually empty."),
    )
    version = VersionField()


class QuotaForm(forms.Form):
    """The quotas of one mailbox."""

    quota_bytes = LimitField(label=gettext_lazy("Size"), is_size=True)
    quota_messages = LimitField(label=gettext_lazy("Messages"), is_size=False)
    sieve_quota_bytes = LimitField(label=gettext_lazy("Sieve scripts"), is_size=True)
    version = VersionField()


class RenameForm(forms.Form):
    """Another address."""

    email = forms.CharField(label=gettext_lazy("New address"), max_length=254, widget=forms.TextInput(_ADDRESS))
    keep_alias = forms.BooleanField(
        label=gettext_lazy("Keep the old address as an alias"), required=False, initial=True
    )
    version = VersionField()


class AliasForm(forms.Form):
    """One more address of a mailbox."""

    email = forms.CharField(label=gettext_lazy("New alias"), max_length=254, widget=forms.TextInput(_ADDRESS))


class ForwardingForm(forms.Form):
    """Where a mailbox forwards to."""

    targets = LinesField(
        label=gettext_lazy("Forward to"), rows=4, help_text=gettext_lazy("One address a line. Empty: nowhere.")
    )
    keep_copy = forms.BooleanField(label=gettext_lazy("Keep a copy in the mailbox"), required=False, initial=True)
    version = VersionField()


class PasswordForm(forms.Form):
    """A password that an administrator sets for somebody."""

    password = NewPasswordField(
        label=gettext_lazy("New password"), help_text=gettext_lazy("All of the person's sessions end.")
    )
    change_next = forms.BooleanField(
        label=gettext_lazy("They choose another one at their next sign-in"),
        required=False,
        help_text=gettext_lazy("Until then programs that come with this password get no mail and no answer."),
    )

    def __init__(self, *args: Any, about: User, **options: Any) -> None:
        super().__init__(*args, **options)
        for_whom(self, about)
        if options_of.value(password_age.AFTER_RESET, about):
            field = self.fields["change_next"]
            field.initial, field.disabled = True, True
            field.help_text = _("An option wants it of everybody here, before any program gets in with this one.")


class DeleteForm(forms.Form):
    """When a deleted mailbox is purged."""

    after_days = forms.IntegerField(
        label=gettext_lazy("Purge after"),
        min_value=0,
        max_value=3650,
        widget=forms.NumberInput({"data-unit": gettext_lazy("days")}),
        help_text=gettext_lazy("Until then the user can be restored with everything. Archived mail always stays."),
    )
