"""Giving many users a policy: each the one of that name in their own domain, or back to the domain's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.bulk import Outcome
from config.kit.nav import Text
from config.kit.templatetags.kit import number
from domains.bulk.rows import MailboxAction, Values
from domains.errors import Invalid
from domains.models import Mailbox, Policy
from domains.services.policies import set_mailbox_policy


class _PolicyForm(forms.Form):
    policy = forms.CharField(
        label=gettext_lazy("Policy"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("The name of a policy of their domain. Empty: the policy of the domain."),
    )


class SetPolicies(MailboxAction):
    name, label, icon = "policy", gettext_lazy("Set the policy"), "adjustments-horizontal"
    needs = right = Right.MANAGE_POLICIES

    def form(self, actor: Actor, data: Mapping[str, Any] | None) -> forms.Form:
        return _PolicyForm(data)

    def stays(self, actor: Actor, values: Values) -> Sequence[tuple[Q, Text]]:
        name = values.get("policy")
        if not name:
            return ()
        there = Policy.objects.filter(domain=OuterRef("domain"), name=name)
        return ((~Q(Exists(there)), _("have no policy of this name in their domain")),)

    def left(self, actor: Actor, rows: Any, values: Values) -> Sequence[tuple[Q, Text]]:
        return self.stays(actor, values)  # a policy takes nothing from anybody's rights

    def title_of(self, count: int, values: Values) -> str:
        return ngettext("Set the policy of %(n)s user", "Set the policy of %(n)s users", count) % {"n": number(count)}

    def apply(self, actor: Actor, row: Mailbox, values: Values) -> None:
        name = values.get("policy")
        found = Policy.objects.filter(domain_id=row.domain_id, name=name).first() if name else None
        if name and found is None:
            raise Invalid(_("have no policy of this name in their domain"))
        set_mailbox_policy(actor, row, found)

    def said(self, outcome: Outcome) -> str:
        text = ngettext("The policy of %(n)s user is set.", "The policies of %(n)s users are set.", outcome.done)
        return text % {"n": number(outcome.done)}
