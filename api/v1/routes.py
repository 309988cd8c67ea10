"""The groups of version 1, in the order of the reference."""

from __future__ import annotations

from api.door import Door
from api.v1 import dkim, forwards, groups, me, options, platforms, policies, quotas, throttles, users

door = Door(
    [
        me.group,
        users.group,
        forwards.group,
        groups.group,
        policies.group,
        platforms.group,
        dkim.group,
        quotas.group,
        throttles.group,
        options.group,
    ]
)
