"""Addresses of the pages of filters; `kind` is one of domains.policy's RuleKind."""

from __future__ import annotations

from django.urls import path, register_converter

from domains.policy.rules import RuleKind
from domains.views import own_senders, rule_files, rule_trials, rules


class RuleKindConverter:
    """A kind of rules in an address."""

    regex = "|".join(RuleKind)

    def to_python(self, value: str) -> RuleKind:
        return RuleKind(value)

    def to_url(self, value: str) -> str:
        return str(RuleKind(value))


register_converter(RuleKindConverter, "rulekind")

patterns = [
    path("filters/", rules.rule_list, {"kind": RuleKind.SENDER}, name="rule-overview"),
    path("filters/<rulekind:kind>/", rules.rule_list, name="rule-list"),
    path("filters/<rulekind:kind>/bulk/", rules.rule_list_bulk, name="rule-list-bulk"),
    path("filters/<rulekind:kind>/<int:rule_id>/", rules.rule_edit, name="rule-edit"),
    path("filters/<rulekind:kind>/<int:rule_id>/delete/", rules.rule_delete, name="rule-delete"),
    path("filters/<rulekind:kind>/<int:rule_id>/switch/", rules.rule_switch, name="rule-switch"),
    path("domains/<int:domain_id>/filters/<rulekind:kind>/", rules.domain_rules, name="domain-rules"),
    path("domains/<int:domain_id>/filters/<rulekind:kind>/new/", rules.rule_create, name="rule-create"),
    path("domains/<int:domain_id>/filters/<rulekind:kind>/move/", rules.rule_move, name="rule-move"),
    path("domains/<int:domain_id>/filters/<rulekind:kind>/bulk/", rules.rule_bulk, name="rule-bulk"),
    path("domains/<int:domain_id>/filters/<rulekind:kind>/import/", rule_files.rule_import, name="rule-import"),
    path("domains/<int:domain_id>/filters/<rulekind:kind>/export/", rule_files.rule_export, name="rule-export"),
    path("domains/<int:domain_id>/filters/try/", rule_trials.rule_try, name="rule-try"),
    path("users/<int:mailbox_id>/senders/", rules.user_senders, name="user-senders"),
    path("users/<int:mailbox_id>/senders/new/", rules.user_sender_create, name="user-sender-create"),
    path("users/<int:mailbox_id>/senders/bulk/", rules.user_sender_bulk, name="user-sender-bulk"),
    path("senders/", own_senders.own_sender_list, name="own-sender-list"),
    path("senders/<int:rule_id>/", own_senders.own_sender_edit, name="own-sender-edit"),
    path("senders/<int:rule_id>/delete/", own_senders.own_sender_delete, name="own-sender-delete"),
]
