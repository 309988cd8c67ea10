"""Fields of lists over a million rows: domains and customers by their key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Q

from config.kit.list_big import ilike
from config.kit.list_fields import Text
from config.kit.list_query import Op, Value
from config.kit.list_values import pattern
from domains.models import Customer, Domain

MOST = 500  # objects that a part of a name may mean


@dataclass(frozen=True, eq=False, kw_only=True)
class Belongs(Text):
    """The object a row belongs to, by name: looked up first, so that the rows are found by an index on its key.

    key: the column of the row. find: the keys of the objects that a condition on their name means.
    """

    key: str = ""
    find: Callable[[Op, Value], list[int]] = lambda op, value: []

    def is_blank(self) -> Q:
        return Q(**{f"{self.key}__isnull": True})

    def compare(self, op: Op, value: Value) -> Q:
        return Q(**{f"{self.key}__in": self.find(op, value)})


def domains_named(op: Op, value: Value) -> list[int]:
    """Domains by their own name or an alias: whole, or with `*`."""
    lookup, text = pattern(value.text.lower(), literal=value.literal, whole=True)
    found = Domain.objects.filter(**{f"names__name__{lookup}": text})
    return list(found.order_by().values_list("pk", flat=True).distinct()[:MOST])


def customers_named(op: Op, value: Value) -> list[int]:
    """Customers by their name: whole in any case, or with `*`."""
    return list(
        Customer.objects.filter(ilike("name", value, whole=True)).order_by().values_list("pk", flat=True)[:MOST]
    )
