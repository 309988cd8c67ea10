"""What a purge removes, as numbers with their words. No queries, no rights (domains.services.domain_purging)."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import ngettext

from domains.models import Address
from domains.services.domain_purging import Plan

Word = Callable[[int], str]


def plan_lines(plan: Plan) -> list[tuple[int, str]]:
    """(how many, of what), in the order in which people think of them; what isn't there is left out."""
    counted: list[tuple[int, Word]] = [
        (plan.mailboxes, lambda n: ngettext("mailbox with its addresses", "mailboxes with their addresses", n)),
        *((plan.kinds.get(kind.value, 0), word) for kind, word in KINDS.items()),
        (
            len(plan.names),
            lambda n: ngettext(
                "name of the domain, free for others then", "names of the domain, free for others then", n
            ),
        ),
        (plan.people, lambda n: ngettext("person's account", "people's accounts", n)),
        (plan.grants, lambda n: ngettext("person's rights on the domain", "people's rights on the domain", n)),
        (
            plan.outside,
            lambda n: ngettext(
                "entry elsewhere that names its addresses", "entries elsewhere that name its addresses", n
            ),
        ),
        *((count, REST[name]) for name, count in plan.rest if name in REST),
    ]
    return [(count, word(count)) for count, word in counted if count]


KINDS: dict[Address.Kind, Word] = {
    Address.Kind.ALIAS: lambda n: ngettext("alias", "aliases", n),
    Address.Kind.GROUP: lambda n: ngettext("group", "groups", n),
    Address.Kind.FORWARD: lambda n: ngettext("forward", "forwards", n),
    Address.Kind.LIST: lambda n: ngettext("mailing list", "mailing lists", n),
}

# What else hangs on a domain, by the name of its model. Profiles go with their mailboxes and are not told of.
REST: dict[str, Word] = {
    "accountright": lambda n: ngettext("right on a mailbox of somebody else", "rights on mailboxes of others", n),
    "attachmentrule": lambda n: ngettext("rule about attachments", "rules about attachments", n),
    "branding": lambda n: ngettext("look of its own", "looks of its own", n),
    "dkimkey": lambda n: ngettext("DKIM key", "DKIM keys", n),
    "dlprule": lambda n: ngettext("DLP rule", "DLP rules", n),
    "healthcheck": lambda n: ngettext("health check", "health checks", n),
    "policy": lambda n: ngettext("policy", "policies", n),
    "relay": lambda n: ngettext("relay", "relays", n),
    "remotepull": lambda n: ngettext("account that is fetched from", "accounts that are fetched from", n),
    "senderrule": lambda n: ngettext("rule about senders", "rules about senders", n),
    "throttle": lambda n: ngettext("throttle", "throttles", n),
    "urirule": lambda n: ngettext("rule about links", "rules about links", n),
}
QUIET = frozenset({"mailboxprofile"})
