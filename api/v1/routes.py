"""The groups of version 1, in the order of the reference."""

from __future__ import annotations

from api.door import Door
from api.v1 import me, options

door = Door([me.group, options.group])
