"""The kinds of files that can be imported, by name; a new one is added here and nowhere else in the services."""

from __future__ import annotations

from typing import Any

from domains.services.importing.aliases import ALIASES
from domains.services.importing.catch_alls import CATCH_ALLS
from domains.services.importing.delivering import FORWARDS, GROUPS
from domains.services.importing.forwarding import FORWARDING
from domains.services.importing.running import Importer
from domains.services.importing.subscribers import SUBSCRIBERS
from domains.services.importing.users import USERS

KINDS: dict[str, Importer[Any]] = {
    each.name: each for each in (USERS, ALIASES, GROUPS, FORWARDS, FORWARDING, CATCH_ALLS, SUBSCRIBERS)
}
