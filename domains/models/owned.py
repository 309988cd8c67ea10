"""Rows that belong to a domain: which of them an actor may see, by where their domain lies."""

from __future__ import annotations

from typing import TypeVar

from django.db import models
from django.db.models import Q

from accounts.actors import Actor

M = TypeVar("M", bound=models.Model)


class OwnedByDomain(models.QuerySet[M]):
    """For models with a foreign key `domain`."""

    def visible_to(self, actor: Actor, right: str) -> OwnedByDomain[M]:
        """Those in domains on which the actor holds the right; fails closed."""
        reach = actor.reach(right)
        if reach.everything:
            return self
        return self.filter(Q(domain_id__in=reach.domains) | Q(domain__customer_id__in=reach.customers))
