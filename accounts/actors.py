"""Who acts: a signed-in person, somebody at the shell, or the system itself.

Every service takes an `Actor` first, so that a check can't be forgotten on a second path. An actor decides rights; it
reads no database.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.contrib.auth.models import AnonymousUser

from accounts.errors import Forbidden
from accounts.permissions import Right

if TYPE_CHECKING:
    from accounts.models import User

ActorKind = Literal["user", "console", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for something. `label` is what the audit trail and task lists show."""

    user: User | None
    kind: ActorKind
    label: str

    @classmethod
    def for_user(cls, user: User | AnonymousUser) -> Actor:
        """The actor behind a request; somebody not signed in is an actor without a user and without rights."""
        if isinstance(user, AnonymousUser) or not user.is_authenticated:
            return cls(user=None, kind="user", label="anonymous")
        return cls(user=user, kind="user", label=user.email)

    @classmethod
    def console(cls) -> Actor:
        """Whoever has a shell on this machine: may do all that the machine's owner may."""
        return cls(user=None, kind="console", label=f"console:{_unix_user()}")

    @classmethod
    def system(cls) -> Actor:
        """The clock and the machinery."""
        return cls(user=None, kind="system", label="system")

    @property
    def is_administrator(self) -> bool:
        if self.kind != "user":
            return True
        return self.user is not None and self.user.is_active and self.user.is_administrator

    def has(self, right: str, obj: object | None = None) -> bool:
        """Whether the actor holds this `Right` (`obj` is for the scopes that grants will have)."""
        Right(right)  # a misspelt right is an error, not a refusal
        return self.is_administrator

    def require(self, right: str, obj: object | None = None) -> None:
        """Raises: Forbidden."""
        if not self.has(right, obj):
            raise Forbidden(f"{self.label} lacks the right {right}")


def _unix_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without a passwd row
        return str(os.getuid())
