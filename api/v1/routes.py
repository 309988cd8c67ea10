"""The groups of version 1, in the order of the reference."""

from __future__ import annotations

from api.door import Door
from api.v1 import (
    admins,
    customers,
    dkim,
    domain_aliases,
    domains,
    expansions,
    forwards,
    groups,
    health,
    lists,
    me,
    options,
    platforms,
    policies,
    quotas,
    roles,
    rules,
    sender_rules,
    signs,
    tasks,
    throttles,
    tokens,
    users,
)

door = Door(
    [
        me.group,
        customers.group,
        domains.group,
        domain_aliases.group,
        users.group,
        signs.group,
        forwards.group,
        groups.group,
        lists.group,
        expansions.group,
        policies.group,
        sender_rules.group,
        rules.attachment_group,
        rules.uri_group,
        rules.dlp_group,
        platforms.group,
        dkim.group,
        health.group,
        quotas.group,
        throttles.group,
        options.group,
        admins.group,
        roles.group,
        tokens.group,
        tasks.group,
        customers.provider_group,
    ]
)
