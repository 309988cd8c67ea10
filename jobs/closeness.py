"""Whether two people are two: somebody whom the requester made, or let in, days ago is no second person.

An account made, rights given (also through a role), a password, a second factor or an address set anew: whoever did
one of these could be both, also by way of a third. So for seven days after it the other's approval doesn't count. Read
from the audit trail, which nobody changes. Not for who holds which right (`two_people`).
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import AuditEvent, Grant, Role, User

DAYS = 7
# What makes a person, gives them rights, or opens their account to who did it.
MAKING = (
    "user.create",
    "user.make_administrator",
    "user.enable",
    "user.set_password",
    "user.initialise_second_factor",
    "user.remove_second_factors",
    "user.sign_in_link",
    "user.rename",
    "grant.add",
    "grant.change",
    "mailbox.create",
    "mailbox.rename",
)
EDITING = ("user.change", "user.edit")  # only where the address changes
# What leaves somebody alone with a right.
TAKING = ("user.unmake_administrator", "grant.remove", "grant.change")


def is_close(requester: User | None, requester_label: str, person: User) -> bool:
    """Whether the requester made this person, or let them in, within the last days, themselves or through others.

    requester: None where it was asked at the shell, then by the label.
    """
    seen, asked = {person.pk}, [person.pk]
    while asked:
        makers = _makers(asked).values_list("actor", "actor_label").distinct()
        found = set(makers)
        if requester is None and any(actor is None and label == requester_label for actor, label in found):
            return True
        if requester is not None and any(actor == requester.pk for actor, _label in found):
            return True
        asked = [actor for actor, _label in found if actor is not None and actor not in seen]
        seen.update(asked)
    return False


def _makers(people: list[int]) -> QuerySet[AuditEvent]:
    """What was done to these people by others."""
    roles = Grant.objects.filter(user__in=people).exclude(role=None).values_list("role", flat=True)
    numbers = [str(each) for each in people]
    about = Q(about_user_id__in=people) | Q(object_type=User._meta.label_lower, object_id__in=numbers)
    making = Q(action__in=MAKING) | Q(action__in=EDITING, changes__has_key="email")
    role = Q(action="role.change", object_type=Role._meta.label_lower, object_id__in=[str(each) for each in roles])
    recent = AuditEvent.objects.filter(at__gt=timezone.now() - timedelta(days=DAYS))
    others = Q(actor=None) | ~Q(actor__in=people)
    return recent.filter((about & making) | role).filter(others).order_by()


def took_lately(requester: User | None, within: timedelta) -> bool:
    """Whether the requester took rights from anybody within so long: then nobody else being there says little."""
    if requester is None:
        return False
    events = AuditEvent.objects.filter(actor=requester, action__in=TAKING, at__gt=timezone.now() - within)
    return events.exclude(about_user_id=requester.pk).exists()
