"""Which pages stay open to somebody of whom a second factor is overdue: those that set one up, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "while_setting_up"


def while_setting_up(view: View) -> View:
    """Mark a view as open meanwhile. It must stand outside of decorators that don't keep marks."""
    setattr(view, _MARK, True)
    return view


def is_open(view: Callable[..., Any]) -> bool:
    """Also pages for strangers (signing in, links) stay open."""
    return bool(getattr(view, _MARK, False)) or not getattr(view, "login_required", True)
