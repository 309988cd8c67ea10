"""The groups of version 1, in the order of the reference."""

from __future__ import annotations

from api.door import Door
from api.v1 import dkim, me, options, platforms, quotas, throttles

door = Door([me.group, platforms.group, dkim.group, quotas.group, throttles.group, options.group])
