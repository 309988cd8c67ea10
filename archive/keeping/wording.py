"""What the rules say, in words for people."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from archive.keeping.policies import Policy, Shortening

WORDS: dict[Shortening, str | Promise] = {
    Shortening.GONE: _("“%(name)s” is gone."),
    Shortening.DISABLED: _("“%(name)s” is no longer in force."),
    Shortening.CRITERIA: _("“%(name)s” is about other messages."),
    Shortening.PERIOD: _("“%(name)s” keeps for a shorter time."),
    Shortening.REFERENCE: _("“%(name)s” counts from another date."),
    Shortening.DELETES: _("“%(name)s” deletes what it only kept."),
    Shortening.ORDER: _("“%(name)s” stands further back."),
    Shortening.PRECEDED: _("“%(name)s” comes after a new policy that may keep less."),
    Shortening.NEW_DELETES: _("“%(name)s” is new and deletes."),
}


def shortening_lines(found: Sequence[tuple[Policy, Shortening]]) -> list[str]:
    """One sentence for each."""
    return [str(WORDS[why]) % {"name": policy.name} for policy, why in found]
