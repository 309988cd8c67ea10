"""Taking a delivered message out of mailboxes: out of whose, why, or only looking first. Shape only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

ONE, ALL = "one", "all"


class RemediateForm(forms.Form):
    """everybody: how many mailboxes got it that the person looks after; address: the one that the page is about."""

    whose = forms.ChoiceField(label=_("Out of"), choices=[(ONE, ""), (ALL, "")], widget=forms.RadioSelect, initial=ONE)
    reason = forms.CharField(
        label=_("Reason"), max_length=500, help_text=_("It is kept in the passport, which the owner sees.")
    )

    def __init__(self, data: Any = None, *, address: str, everybody: int) -> None:
        super().__init__(data)
        one = _now("the mailbox of %(address)s") % {"address": address}
        some = ngettext("the %(count)d mailbox that got it", "all %(count)d mailboxes that got it", everybody)
        choices = [(ONE, one), (ALL, some % {"count": everybody})]
        field = self.fields["whose"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices if everybody > 1 else choices[:1]
