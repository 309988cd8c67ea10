"""`judge`: what happens to an inspected message for each of its recipients.

Policies and rules are read through the directory's services and remembered as long as nothing changes there
(`gateway.directory`); then judging asks nothing. Outgoing mail is judged once, under its sender's policy. Expressions
get a limited time: what they couldn't look at within it is named in the decision's notes, and outgoing mail whose
content couldn't be looked through is kept back.

Waits for the database at times: not for the event loop's own thread.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domains.models import Domain, Mailbox
from domains.policy.book import EMPTY, RuleBook
from domains.policy.decision import Action, Category, Decision, Finding, Keeping, Unit
from domains.policy.evaluate import Recipient, evaluate
from domains.policy.facts import Direction, Facts
from domains.policy.patterns import OutOfTime, time_limit
from domains.policy.policy import Policy, merge
from domains.policy.reasons import Code, reason
from domains.services.policies import values_of
from domains.services.rule_books import book_for, policy_for, recipient_for, recipient_in
from gateway.directory import Remembered
from gateway.flow import Inspection, Judged, Route

TIME_S, ALL_S, LEAST_S = 5.0, 20.0, 0.05  # for one recipient, for all of them, for one when all is used up
REMEMBERED = 20_000
TIME = "time"
_NEVER_HELD = frozenset({Category.VIRUS, Category.NOT_SERVED})


@dataclass(frozen=True, slots=True)
class Law:
    """What counts for somebody: policy, rules, and who they are to them."""

    policy: Policy
    book: RuleBook
    recipient: Recipient


_laws: Remembered[tuple[int | None, int | None], Law] = Remembered(REMEMBERED)


def judge(inspection: Inspection, routes: Sequence[Route]) -> tuple[Judged, ...]:
    """A decision for each route, in their order. Raises: DatabaseError."""
    found: list[Judged] = []
    ends_at = time.monotonic() + ALL_S
    made: dict[tuple[int | None, int | None, str], Decision] = {}
    for route in routes:
        outgoing = route.direction is Direction.OUTGOING
        key = route.policy_of, route.domain_id, "" if outgoing or route.policy_of is not None else route.address
        if not outgoing or key not in made:
            law = law_of(route)
            left_s = max(ends_at - time.monotonic(), LEAST_S)
            made[key] = decide(_as_for(inspection.facts, route), law, time_s=min(TIME_S, left_s))
        found.append(Judged(route, made[key]))
    return tuple(found)


def _as_for(facts: Facts, route: Route) -> Facts:
    return facts if facts.direction is route.direction else replace(facts, direction=route.direction)


def law_of(route: Route) -> Law:
    """The mailbox's, else the domain's, else that of nobody: the defaults, without rules."""
    law = _laws.ask((route.policy_of, route.domain_id), lambda: _read(route))
    return law if route.policy_of is not None else replace(law, recipient=replace(law.recipient, address=route.address))


def _read(route: Route) -> Law:
    if route.policy_of is not None:
        rows = Mailbox.objects.select_related("domain__default_policy", "domain__customer", "policy")
        box = rows.filter(pk=route.policy_of).first()
        if box is not None:
            return Law(policy_for(box), book_for(box.domain, box), recipient_for(box))
    domain = None
    if route.domain_id is not None:
        domain = Domain.objects.select_related("default_policy", "customer").filter(pk=route.domain_id).first()
    if domain is None:
        return Law(Policy(), EMPTY, Recipient(route.address))
    policy = merge([("domain", values_of(domain.default_policy))]).policy
    return Law(policy, book_for(domain), recipient_in(domain, route.address))


def decide(facts: Facts, law: Law, *, time_s: float = TIME_S) -> Decision:
    """The decision within a time limit: without texts and links when their expressions take too long."""
    ends_at = time.monotonic() + time_s
    try:
        with time_limit(lambda: time.monotonic() > ends_at):
            return evaluate(facts, law.policy, law.book, law.recipient)
    except OutOfTime:
        pass
    hurried = replace(facts, texts=(), uris=(), incomplete=(*facts.incomplete, TIME))
    decision = evaluate(hurried, law.policy, law.book, law.recipient)
    unread = facts.direction is Direction.OUTGOING and law.book.dlp.reads_content(facts)
    return _kept_back(decision, law.policy) if unread else decision


def held_instead(each: Judged) -> Judged:
    """Where nobody can be refused any more: held where there is a quarantine, as if the policy put such mail there.

    Not viruses that the policy doesn't want to lie there, nor mail for what isn't served.
    """
    decision = each.decision
    if decision.action is not Action.REFUSE or decision.category in _NEVER_HELD:
        return each
    policy = law_of(each.route).policy
    if not policy.quarantine:
        return each
    findings = tuple(replace(found, action=Action.HOLD) if found.decides else found for found in decision.findings)
    days = Keeping(policy.quarantine_props.duration_days, Unit.DAYS)
    return replace(each, decision=replace(decision, action=Action.HOLD, findings=findings, quarantine=days))


def _kept_back(decision: Decision, policy: Policy) -> Decision:
    """What might be a leak doesn't leave because nobody had the time to look."""
    if decision.action is not Action.DELIVER:
        return decision
    action = Action.HOLD if policy.quarantine else Action.REFUSE
    finding = Finding(Category.DLP, reason(Code.NOT_ALL_READ, names=TIME), action, decides=True)
    others = tuple(replace(each, decides=False) for each in decision.findings)
    days = Keeping(policy.quarantine_props.duration_days, Unit.DAYS)
    return replace(
        decision,
        category=Category.DLP,
        action=action,
        findings=(finding, *others),
        subject_prefix="",
        quarantine=days if action is Action.HOLD else None,
        retention=None,
        archive=None,
    )
