"""What can go wrong with the addresses we serve: one root."""

from __future__ import annotations


class DomainsError(Exception):
    """Root of this app's errors; `permanent` says whether trying again later can help."""

    permanent = True


class BadAddress(DomainsError, ValueError):
    """Not an address that we can serve; the text says why."""
