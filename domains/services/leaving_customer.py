"""What must not stay in other hands when a domain goes to another customer, or a customer to another broker.

Roles that somebody further up made are frozen into single rights, so that nobody there can widen them any more;
archives shared across the new border are closed, and rights on mailboxes across it end. For `moving` and `customers`,
which asked the rights; call it inside their transaction.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.models import FolderGrant, Grant, User
from accounts.permissions import Level
from domains.models import AccountRight, Broker, Customer, Domain, Mailbox


def borrowed_in_domain(domain: Domain) -> QuerySet[Grant]:
    """Grants in the domain by a role that its customer made."""
    if domain.customer_id is None:
        return Grant.objects.none()
    people = User.objects.filter(home_domain_id=domain.pk).values("pk")
    here = Q(level=Level.DOMAIN, object_id=domain.pk) | Q(level=Level.USER, object_id__in=people)
    return Grant.objects.filter(here, role__level=Level.CUSTOMER, role__object_id=domain.customer_id)


def borrowed_of_broker(customer: Customer, broker: Broker | None) -> QuerySet[Grant]:
    """Grants on a customer by a role that this broker made; what lies below the customer can't have one."""
    if broker is None:
        return Grant.objects.none()
    on_it = Grant.objects.filter(level=Level.CUSTOMER, object_id=customer.pk)
    return on_it.filter(role__level=Level.BROKER, role__object_id=broker.pk)


def freeze(grants: QuerySet[Grant]) -> None:
    """The rights of a role become the grant's own: what they come to stays, and nobody changes it through the role."""
    for grant in grants.select_related("role"):
        assert grant.role is not None
        grant.rights = sorted({*grant.rights, *grant.role.rights})
        grant.role = None
        grant.save(update_fields=["rights", "role"])


def close_across(domain: Domain) -> dict[str, int]:
    """End what people outside the domain may read or do in its mailboxes, and its people outside; how much of each.

    What keeps somebody out stays.
    """
    mailboxes = Mailbox.objects.filter(domain=domain)
    people = User.objects.filter(Q(home_domain_id=domain.pk) | Q(pk__in=mailboxes.values("user_id")))
    into = Q(mailbox_id__in=mailboxes.values("pk")) & ~Q(user__in=people)
    out_of = Q(user__in=people) & ~Q(mailbox_id__in=mailboxes.values("pk"))
    shares = FolderGrant.objects.filter(into | out_of).exclude(privileges=[]).delete()[0]
    across = Q(mailbox__domain=domain) & ~Q(grantee__domain=domain) & Q(grantee__isnull=False)
    across |= Q(grantee__domain=domain) & ~Q(mailbox__domain=domain)
    rights = AccountRight.objects.filter(across).delete()[0]
    return {"shares_ended": shares, "mailbox_rights_ended": rights}
