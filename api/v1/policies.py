"""Policies of domains: which services are on for their mail, and with which values."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import QuerySet

from accounts.actors import Actor
from accounts.permissions import Right
from api.errors import Fault, Invalid
from api.listing import Listing
from api.operations import Created, Group
from api.v1 import subjects
from api.v1.policy_documents import NAMES, PolicyAdd, PolicyAnswer, PolicyChange, present, values_of
from domains.models import Domain, Policy
from domains.selectors.rules import list_policies
from domains.services import policies

group = Group("Policies", "What happens to a domain's mail: five services, and their values.", names=NAMES)

POLICIES = Listing(
    PolicyAnswer,
    lambda actor, rows: [present(row) for row in rows],
    sorts={"name": "name", "id": "pk"},
    default="name",
)


def policy(need: Right = Right.VIEW_POLICIES) -> Callable[[Actor, int], Policy]:
    def admit(actor: Actor, policy_id: int) -> Policy:
        found: Policy = subjects.of_domain(actor, Policy, policy_id, see=Right.VIEW_POLICIES, need=need)
        return found

    return admit


@group.list("/policies", POLICIES)
def policies_all(actor: Actor) -> QuerySet[Policy]:
    """List the policies of all domains one sees."""
    return list_policies(actor)


@group.list("/domains/{int:domainId}/policies", POLICIES)
def policy_list(actor: Actor, domain_id: int) -> QuerySet[Policy]:
    """List a domain's policies."""
    domain = subjects.domain()(actor, domain_id)
    actor.require(Right.VIEW_POLICIES, domain)
    return domain.policies.all()


@group.post("/domains/{int:domainId}/policies", admit=subjects.domain(Right.MANAGE_POLICIES))
def policy_create(actor: Actor, domain: Domain, body: PolicyAdd) -> Created[PolicyAnswer]:
    """Make a policy in a domain."""
    _require_own_ids(body, domain_id=domain.pk)
    made = policies.create_policy(actor, domain, values_of(body))
    return Created(present(made), f"/policies/{made.pk}")


@group.get("/policies/{int:policyId}", admit=policy())
def policy_detail(actor: Actor, policy: Policy) -> PolicyAnswer:
    """Read a policy."""
    return present(policy)


@group.patch("/policies/{int:policyId}", admit=policy(Right.MANAGE_POLICIES))
def policy_change(actor: Actor, policy: Policy, body: PolicyChange) -> None:
    """Change some fields of a policy."""
    _require_own_ids(body, domain_id=policy.domain_id, id=policy.pk)
    policies.update_policy(actor, policy, values_of(body))


@group.delete("/policies/{int:policyId}", admit=policy(Right.MANAGE_POLICIES))
def policy_delete(actor: Actor, policy: Policy) -> None:
    """Remove a policy.

    409 while it is the domain's, or mailboxes have it.
    """
    policies.delete_policy(actor, policy)


def _require_own_ids(body: PolicyChange, **own: int) -> None:
    """What the manual lets say again must be said right."""
    for name, value in own.items():
        if name in body.model_fields_set and getattr(body, name) != value:
            field = {"id": "id", "domain_id": "domainId"}[name]
            text = "This is another one than the address names."
            raise Invalid(f"{field}: {text}", faults=[Fault(field, text)])
