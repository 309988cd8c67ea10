"""Who moderates mailing lists, and who may open the way off one."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from domains.models import Domain, MailingList
from domains.services.lists.settings import create_list
from gateway.lists.addresses import proof
from gateway.models import ListPosting
from tests.access import Cast, in_domain, public
from tests.domains.factories import make_mailbox_in
from tests.gateway.factories import arrive

SEE, MANAGE = Right.VIEW_USERS, Right.MANAGE_LISTS


def _list(domain: Domain) -> MailingList:
    owner = make_mailbox_in(domain)
    return create_list(Actor.system(), domain, email=f"list{owner.pk}@{domain.name}", owner=owner)


def a_list(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (_list(domain).pk,)


def a_held_posting(cast: Cast, domain: Domain) -> tuple[object, ...]:
    found = _list(domain)
    message = arrive((domain, "somebody"), score=0.0)
    return found.pk, ListPosting.objects.create(list=found, message=message, state="held").pk


def a_way_off(cast: Cast, owner: User) -> tuple[object, ...]:
    found = _list(cast.domain)
    return found.pk, proof(found.pk, 1, "leave")


ROWS = [
    in_domain("gateway:list-held", see=SEE, need=MANAGE, args=a_list),
    in_domain(
        "gateway:list-decide", 303, see=SEE, need=MANAGE, args=a_held_posting, method="POST",
        data={"verdict": "approve"},
    ),
    in_domain("gateway:list-digest", 303, see=SEE, need=MANAGE, args=a_list, method="POST"),
    public("gateway:list-leave", args=a_way_off),
    public("gateway:list-leave", args=a_way_off, method="POST"),
]  # fmt: skip
