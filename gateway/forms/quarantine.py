"""What people say along with what they do to a quarantined message. Shape only; rules are the services'."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class ReleaseForm(forms.Form):
    """then: what is done beside releasing it."""

    then = forms.ChoiceField(
        choices=[
            ("", _("only this message")),
            ("allow", _("and allow the sender")),
            ("clean", _("and report it as clean")),
        ],
        required=False,
        label=_("Release"),
    )
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)

    def __init__(self, data: Any = None, *, infected: bool = False) -> None:
        super().__init__(data)
        self.fields["reason"].required = infected


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)


class OpenForm(forms.Form):
    reason = forms.CharField(
        label=_("Why you read it"), max_length=500, help_text=_("It is kept in the passport and in the audit trail.")
    )


class RequestForm(forms.Form):
    why = forms.CharField(label=_("Why you need it"), max_length=500)


class DecideForm(forms.Form):
    answer = forms.CharField(label=_("Answer"), max_length=500, required=False)

    def __init__(self, data: Any = None, *, infected: bool = False) -> None:
        super().__init__(data)
        self.fields["answer"].required = infected


class SenderForm(forms.Form):
    """whole: the whole domain of the sender."""

    mark = forms.ChoiceField(choices=[("allow", _("Allow")), ("block", _("Block"))])
    whole = forms.BooleanField(required=False)
    delete = forms.BooleanField(required=False)


class ReportForm(forms.Form):
    """send: to those who look after the filters, too."""

    verdict = forms.ChoiceField(choices=[("spam", _("spam")), ("clean", _("not spam"))])
    send = forms.BooleanField(required=False)
