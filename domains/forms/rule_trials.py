"""The shape of a question to the tester."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from domains.policy.facts import AuthResult, Direction, SenderVerify
from domains.services.rule_trials import MOST_BYTES, MOST_TEXT, Question

_PLAIN = {"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}
PASTED = 1024 * 1024
RESULTS = [
    (AuthResult.NONE, _("not checked, or there is none")),
    (AuthResult.PASS, _("passes")),
    (AuthResult.FAIL, _("fails")),
    (AuthResult.SOFTFAIL, _("fails softly")),
    (AuthResult.NEUTRAL, _("says nothing")),
    (AuthResult.TEMPERROR, _("couldn't be checked now")),
    (AuthResult.PERMERROR, _("can't be checked")),
]


def _line(label: Any, help_text: Any = "", *, group: Any = None, longest: int = 1000) -> forms.CharField:
    attrs = _PLAIN | ({"data-group": group} if group else {})
    return forms.CharField(
        label=label, required=False, max_length=longest, help_text=help_text, widget=forms.TextInput(attrs)
    )


def _result(label: Any, *, group: Any = None) -> forms.ChoiceField:
    widget = forms.Select({"data-group": group} if group else {})
    return forms.ChoiceField(label=label, choices=RESULTS, required=False, widget=widget)


class TrialForm(forms.Form):
    """A message or single things, who it is from and for, and what is assumed."""

    direction = forms.ChoiceField(
        label=_("Direction"),
        choices=[(Direction.INCOMING, _("Incoming")), (Direction.OUTGOING, _("Outgoing"))],
        initial=Direction.INCOMING,
        widget=forms.RadioSelect,
    )
    sender = _line(_("Sender (envelope)"), _("Empty: as the message's From says."))
    recipient = _line(_("Recipient (envelope)"), _("Empty: somebody in the domain without a policy of their own."))
    attachment = _line(_("Name of an attachment"), group=_("Single things"))
    link = _line(_("Link"), longest=2000)
    text = forms.CharField(
        label=_("Text"),
        required=False,
        max_length=MOST_TEXT,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("Looked through for leaks when the direction is outgoing."),
    )
    file = forms.FileField(
        label=_("Message as a file (.eml)"),
        required=False,
        help_text=_("At most 10 MiB. It isn't stored."),
        widget=forms.FileInput({"data-group": _("Or a whole message"), "accept": ".eml,message/rfc822,text/plain"}),
    )
    message = forms.CharField(
        label=_("Or paste its source"),
        required=False,
        max_length=PASTED,
        strip=False,
        widget=forms.Textarea({"rows": 6, "class": "mono", "spellcheck": "false"}),
    )
    spam_score = forms.FloatField(
        label=_("Spam score"),
        required=False,
        min_value=-1000,
        max_value=1000,
        widget=forms.NumberInput({"step": "any", "data-group": _("What is assumed")}),
    )
    spf = _result(_("SPF of the sender"))
    dkim = _result(_("DKIM signature"))
    dkim_domain = _line(_("Signed by"), _("A domain. Empty: the sender's."), longest=253)
    dmarc = _result(_("DMARC"))
    sender_verify = forms.ChoiceField(
        label=_("The sender's server takes mail for the sender"),
        required=False,
        choices=[
            (SenderVerify.NOT_DONE, _("not asked")),
            (SenderVerify.PASSED, _("yes")),
            (SenderVerify.FAILED, _("no")),
            (SenderVerify.UNKNOWN, _("it doesn't say")),
        ],
    )
    virus = _line(_("Name of a virus that was found"), longest=200)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file is not None and file.size > MOST_BYTES:
            raise forms.ValidationError(_("The message is larger than 10 MiB."))
        return file

    def question(self) -> Question:
        data = self.cleaned_data
        file = data["file"]
        raw = file.read(MOST_BYTES + 1) if file is not None else data["message"].encode("utf-8", "replace")
        words = {name: data[name] for name in ("sender", "recipient", "attachment", "link", "text", "virus")}
        return Question(
            direction=Direction(data["direction"]),
            raw=raw,
            spf=AuthResult(data["spf"] or AuthResult.NONE),
            dkim=AuthResult(data["dkim"] or AuthResult.NONE),
            dkim_domain=data["dkim_domain"],
            dmarc=AuthResult(data["dmarc"] or AuthResult.NONE),
            spam_score=data["spam_score"],
            sender_verify=SenderVerify(data["sender_verify"] or SenderVerify.NOT_DONE),
            **words,
        )
