"""Tests of the gateway work on real stores below this session's HOME; what one left open is closed after it."""

from tests.archive.django.conftest import stores

__all__ = ["stores"]
