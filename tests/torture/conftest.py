"""Places for stores, the same as beside the engine's own tests."""

from __future__ import annotations

from tests.archive.store.conftest import quick_path

__all__ = ["quick_path"]
