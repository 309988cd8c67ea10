"""White and black lists: our sender rules of a domain or a user, for mail that comes in.

iRedAdmin-Pro writes a domain as @example.org, and with everything below it as @.example.org.
"""

from __future__ import annotations

from collections.abc import Callable

from api.iredadmin import domains, users
from api.iredadmin.answers import BAD_VALUE, Failure
from api.iredadmin.asking import Asked
from domains.models import Domain, Mailbox, SenderRule
from domains.policy.rules import RuleKind
from domains.services import rule_lists, rules
from domains.services.rule_values import KINDS

ADDRESSES = "addresses"
KIND = KINDS[RuleKind.SENDER]
LISTS = {"whitelist": SenderRule.Type.ALLOW, "blacklist": SenderRule.Type.BLOCK}
OF_ALL = "rules about senders belong to a domain or a user"
GOING_OUT = "mail that goes out is not judged by where it goes"
Owner = Domain | Mailbox


def of_domain(asked: Asked) -> Owner:
    return domains.find(asked.actor, asked.named["domain"])


def of_user(asked: Asked) -> Owner:
    return users.find(asked.actor, asked.named["mail"])


def add(asked: Asked, owner: Owner, type_: str) -> None:
    """Those that are on the list already stay."""
    rules.require_rules(asked.actor, RuleKind.SENDER, owner)
    here = set(rules.rows_of(KIND, owner).filter(type=type_).values_list("value", flat=True))
    wanted = [value for value in _values(asked) if value not in here]
    rule_lists.create_rules(asked.actor, RuleKind.SENDER, owner, [{"value": value, "type": type_} for value in wanted])


def remove(asked: Asked, owner: Owner, type_: str) -> None:
    """Those that aren't on the list are passed over."""
    rules.require_rules(asked.actor, RuleKind.SENDER, owner)
    rule_lists.delete_rules(asked.actor, rules.rows_of(KIND, owner).filter(type=type_, value__in=_values(asked)))


def clear(asked: Asked, owner: Owner, type_: str) -> None:
    rules.require_rules(asked.actor, RuleKind.SENDER, owner)
    rule_lists.delete_rules(asked.actor, rules.rows_of(KIND, owner).filter(type=type_))


CHANGES: dict[str, tuple[Callable[[Asked, Owner, str], None], str]] = {
    "POST": (add, "put senders on the {} of {}"),
    "PUT": (remove, "take senders off the {} of {}"),
    "DELETE": (clear, "empty the {} of {}"),
}


def _values(asked: Asked) -> list[str]:
    """As our rules have them, each once. Raises: Failure."""
    found = list(dict.fromkeys(each.lower().removeprefix("@") for each in asked.words(ADDRESSES)))
    if not found:
        raise Failure(BAD_VALUE, f"{ADDRESSES} is missing.")
    return found
