"""The shape of each kind of filter, of files of them, and of moving one. Rules are the services'."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from domains.models import AttachmentRule, DlpRule, SenderRule, UriRule
from domains.models.policies import Mode, UriMode
from domains.policy.rules import RuleKind
from domains.services.rule_values import RuleRow, values_of

_EXPRESSION = {"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off", "class": "mono", "rows": 3}
MODE_HELP = _("Upper and lower case don't matter.")
PLACE_HELP = _("1 is asked first. Empty: last.")


def _description() -> forms.CharField:
    return forms.CharField(
        label=_("Description"), required=False, help_text=_("For people who look at this rule later.")
    )


def _expression(help_text: Any) -> forms.CharField:
    return forms.CharField(label=_("Expression"), widget=forms.Textarea(_EXPRESSION), help_text=help_text)


def _place() -> forms.IntegerField:
    return forms.IntegerField(label=_("Place"), min_value=1, required=False, help_text=PLACE_HELP)


def _enabled() -> forms.BooleanField:
    return forms.BooleanField(label=_("Enabled"), required=False, initial=True)


class RuleForm(forms.Form):
    """What all kinds share. `values()` is what the services take, `wanted_place()` where an ordered rule goes."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    @classmethod
    def initial_of(cls, rule: RuleRow) -> dict[str, Any]:
        return {**values_of(rule), "version": rule.version, "place": getattr(rule, "priority", None)}

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name not in ("version", "place")}

    def wanted_place(self) -> int | None:
        found: int | None = self.cleaned_data.get("place")
        return found


class SenderForm(RuleForm):
    """A sender rule."""

    type = forms.ChoiceField(
        label=_("What happens"),
        choices=[
            ("block", _("Block: their mail isn't delivered")),
            ("allow", _("Allow: no spam filter for their mail; viruses and forbidden attachments still count")),
            ("protected", _("Protect: nobody else may seem to be them")),
        ],
        widget=forms.RadioSelect,
        initial="block",
    )
    value = forms.CharField(
        label=_("Sender"),
        help_text=_("An address (pat@example.org) or a domain (example.org)."),
        widget=forms.TextInput({"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}),
    )
    subdomains = forms.BooleanField(
        label=_("And everything below it"), required=False, help_text=_("For a domain: mail.example.org too.")
    )
    spf_required = forms.BooleanField(
        label=_("Only if SPF passes"),
        required=False,
        help_text=_("For allowed senders: else anybody can write in their name and is let through."),
    )
    display_name = forms.CharField(
        label=_("Their name"),
        required=False,
        help_text=_("For a protected address: the name that nobody else may show."),
    )
    expires_at = forms.DateTimeField(
        label=_("Until"),
        required=False,
        help_text=_("Empty: for good."),
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    description = _description()
    is_enabled = _enabled()

    @classmethod
    def initial_of(cls, rule: RuleRow) -> dict[str, Any]:
        shown = super().initial_of(rule)
        return shown | {"value": str(shown["value"]).removeprefix(".")}


class OwnSenderForm(RuleForm):
    """A sender rule as people make it for themselves: allow or block, and until when."""

    value = SenderForm.base_fields["value"]
    type = forms.ChoiceField(
        label=_("What happens"), choices=[("block", _("Block")), ("allow", _("Allow"))], initial="block"
    )
    expires_at = SenderForm.base_fields["expires_at"]

    def values(self) -> dict[str, Any]:
        return super().values()


class AttachmentForm(RuleForm):
    """A rule about attachments."""

    action = forms.ChoiceField(
        label=_("What happens"),
        choices=AttachmentRule.Action.choices,
        widget=forms.RadioSelect,
        initial="deny",
        help_text=_("The first rule that fits decides; one that allows, before one that denies, is an exception."),
    )
    check_type = forms.ChoiceField(
        label=_("What is looked at"),
        choices=AttachmentRule.Check.choices,
        help_text=_("Inside: the files in a zip, tar, 7z … archive."),
    )
    mode = forms.ChoiceField(label=_("How it is read"), choices=Mode.choices, initial="wildcard", help_text=MODE_HELP)
    filter = _expression(_(r"*.exe as a whole text, or \.(exe|scr)$ as a regular expression."))
    place = _place()
    description = _description()
    is_enabled = _enabled()


class UriForm(RuleForm):
    """A rule about links."""

    action = forms.ChoiceField(
        label=_("What happens"),
        choices=[
            (UriRule.Action.BLOCK, _("Block: raises the spam score by 100")),
            (UriRule.Action.ALLOW, _("Allow: lowers the spam score by 100")),
            (UriRule.Action.SKIP, _("Don't ask block lists about it")),
        ],
        widget=forms.RadioSelect,
        initial=UriRule.Action.BLOCK,
    )
    mode = forms.ChoiceField(label=_("How it is read"), choices=UriMode.choices, initial="domain", help_text=MODE_HELP)
    filter = _expression(
        _("A host, such as example.org. An expression with a slash in it is compared with the whole link.")
    )
    place = _place()
    description = _description()
    is_enabled = _enabled()


class DlpForm(RuleForm):
    """A rule against leaks."""

    identifier = forms.CharField(
        label=_("Id"),
        help_text=_("A short name that is only once in the domain: card-numbers."),
        widget=forms.TextInput({"spellcheck": "false", "autocapitalize": "none"}),
    )
    explanation = forms.CharField(
        label=_("Explanation"), required=False, help_text=_("What the sender is told, and why it must not leave.")
    )
    mode = forms.ChoiceField(label=_("How it is read"), choices=Mode.choices, initial="regex")
    expression = _expression(_(r"Regular expressions: \b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b finds card numbers."))
    case_sensitive = forms.BooleanField(label=_("Upper and lower case matter"), required=False)
    targets_content = forms.BooleanField(
        label=_("Look at the content"),
        required=False,
        initial=True,
        help_text=_("Subject, text, and the names and texts of attachments."),
    )
    targets_sender = forms.BooleanField(label=_("Look at the sender"), required=False)
    targets_recipients = forms.BooleanField(label=_("Look at the recipients"), required=False)
    place = _place()
    is_enabled = _enabled()


FORMS: dict[RuleKind, type[RuleForm]] = {
    RuleKind.SENDER: SenderForm,
    RuleKind.ATTACHMENT: AttachmentForm,
    RuleKind.URI: UriForm,
    RuleKind.DLP: DlpForm,
}
LABELS: dict[RuleKind, Any] = {
    RuleKind.SENDER: _("Senders"),
    RuleKind.ATTACHMENT: _("Attachments"),
    RuleKind.URI: _("Links"),
    RuleKind.DLP: _("Leaks"),
}
TYPES = SenderRule.Type.choices
TARGETS = (
    ("targets_content", DlpRule._meta.get_field("targets_content").verbose_name),
    ("targets_sender", DlpRule._meta.get_field("targets_sender").verbose_name),
    ("targets_recipients", DlpRule._meta.get_field("targets_recipients").verbose_name),
)
