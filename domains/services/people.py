"""Who belongs to a domain, for what changes all of them at once. Not for changing anybody."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import User
from domains.models import Domain, Mailbox, Status


def people_of(domain: Domain) -> QuerySet[User]:
    """Those at home in the domain, and who has a mailbox there: each found by an index (with OR all would be read)."""
    mailboxes = Mailbox.objects.filter(domain=domain).exclude(status=Status.PURGED).order_by()
    at_home = User.objects.filter(home_domain_id=domain.pk).order_by()
    return User.objects.filter(pk__in=at_home.values("pk").union(mailboxes.values("user_id")))
