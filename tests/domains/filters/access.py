"""Who gets in where: policies, filters, the tester, and one's own senders."""

from __future__ import annotations

from typing import Any

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from domains.forms.policies import PolicyForm
from domains.models import Domain
from domains.policy.rules import RuleKind
from domains.selectors import mailbox_of
from domains.services import policies, rules
from tests.access import Cast, Row, in_domain, somewhere
from tests.domains.factories import make_mailbox_in
from tests.domains.filters.builders import VALUES, make_rule

SEE, FILTERS, DLP, POLICIES = Right.VIEW_POLICIES, Right.MANAGE_FILTERS, Right.MANAGE_DLP, Right.MANAGE_POLICIES
POLICY: dict[str, Any] = {
    name: field.initial for name, field in PolicyForm().fields.items() if field.initial not in (None, False)
} | {"name": "another"}  # fmt: skip
SENDER = VALUES[RuleKind.SENDER]
FILE = {"text": "type,value\nblock,evil.example\n"}


def of_kind(kind: RuleKind) -> Any:
    return lambda cast, domain: (domain.pk, kind)


def a_rule(kind: RuleKind) -> Any:
    return lambda cast, domain: (kind, make_rule(kind, domain).pk)


def a_policy(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (policies.create_policy(Actor.system(), domain, {"name": "spare"}).pk,)


def a_mailbox(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (make_mailbox_in(domain).pk,)


def own_rule(cast: Cast, owner: User) -> tuple[object, ...]:
    mailbox = mailbox_of(owner)
    if mailbox is None:  # who has no mailbox has no rules
        return (987_654,)
    return (rules.create_rule(Actor.system(), RuleKind.SENDER, mailbox, SENDER).pk,)


def of_a_user(route: str, need: Right, answer: int = 200, **more: Any) -> Any:
    return in_domain(route, answer, see=Right.VIEW_USERS, need=need, args=a_mailbox, **more)


OF_SENDERS, OF_FILES, OF_LEAKS = (of_kind(kind) for kind in (RuleKind.SENDER, RuleKind.ATTACHMENT, RuleKind.DLP))
ROWS = [
    somewhere("domains:policy-list", need=SEE),
    in_domain("domains:domain-policies", need=SEE),
    in_domain("domains:policy-create", need=POLICIES),
    in_domain("domains:policy-create", 303, method="POST", need=POLICIES, data=POLICY),
    in_domain("domains:policy-detail", see=SEE, args=a_policy),
    in_domain("domains:policy-edit", see=SEE, need=POLICIES, args=a_policy),
    in_domain("domains:policy-edit", 303, method="POST", see=SEE, need=POLICIES, args=a_policy, data=POLICY),
    in_domain("domains:policy-delete", 303, method="POST", see=SEE, need=POLICIES, args=a_policy),
    in_domain("domains:policy-default", 303, method="POST", see=SEE, need=POLICIES, args=a_policy),
    of_a_user("domains:user-policy", SEE),
    of_a_user("domains:user-policy-edit", POLICIES),
    of_a_user("domains:user-policy-edit", POLICIES, 303, method="POST", data={"spam_score": "7"}),
    somewhere("domains:rule-overview", need=SEE),
    somewhere("domains:rule-list", need=SEE, args=lambda cast, owner: (RuleKind.URI,)),
    somewhere("domains:rule-list-bulk", 404, need=SEE, args=lambda cast, owner: (RuleKind.URI,)),
    somewhere("domains:rule-list-bulk", 404, method="POST", need=SEE, args=lambda cast, owner: (RuleKind.URI,)),
    in_domain("domains:domain-rules", need=SEE, args=OF_SENDERS),
    in_domain("domains:rule-create", need=FILTERS, args=OF_FILES),
    in_domain("domains:rule-create", 303, method="POST", need=FILTERS, args=OF_SENDERS, data=SENDER),
    in_domain("domains:rule-edit", see=SEE, args=a_rule(RuleKind.URI)),
    in_domain(
        "domains:rule-edit", 303, method="POST", see=SEE, need=FILTERS, args=a_rule(RuleKind.SENDER), data=SENDER
    ),
    in_domain("domains:rule-switch", 303, method="POST", see=SEE, need=FILTERS, args=a_rule(RuleKind.URI)),
    in_domain("domains:rule-delete", 303, method="POST", see=SEE, need=DLP, args=a_rule(RuleKind.DLP)),
    in_domain("domains:rule-move", 404, method="POST", need=FILTERS, args=OF_FILES, data={"up": "1"}),
    in_domain("domains:rule-bulk", 404, need=FILTERS, args=OF_FILES),
    in_domain("domains:rule-bulk", 404, method="POST", need=FILTERS, args=OF_FILES),
    in_domain("domains:rule-import", need=FILTERS, args=OF_SENDERS),
    in_domain("domains:rule-import", method="POST", need=FILTERS, args=OF_SENDERS, data=FILE),
    in_domain("domains:rule-export", need=SEE, args=OF_LEAKS),
    in_domain("domains:rule-try", need=SEE),
    in_domain("domains:rule-try", method="POST", need=SEE, data={"direction": "incoming", "sender": "a@b.example"}),
    of_a_user("domains:user-senders", SEE),
    of_a_user("domains:user-sender-create", FILTERS),
    of_a_user("domains:user-sender-create", FILTERS, 303, method="POST", data=SENDER),
    of_a_user("domains:user-sender-bulk", FILTERS, 404),
    of_a_user("domains:user-sender-bulk", FILTERS, 404, method="POST"),
    Row("domains:own-sender-list", own=200, administrator=200),
    Row(
        "domains:own-sender-list", method="POST", own=303, delegate=404, administrator=404,
        data=SENDER | {"value": "own@evil.example"},
    ),
    Row("domains:own-sender-edit", own=200, foreign=404, delegate=404, administrator=404, args=own_rule),
    Row(
        "domains:own-sender-edit", method="POST", own=303, foreign=404, delegate=404, administrator=404,
        args=own_rule, data=SENDER,
    ),
    Row(
        "domains:own-sender-delete", method="POST", own=303, foreign=404, delegate=404, administrator=404,
        args=own_rule,
    ),
]  # fmt: skip
