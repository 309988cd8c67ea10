"""Who acts: a signed-in person, a program with their token, somebody at the shell, or the system itself.

Every service takes an `Actor` first, so that a check can't be forgotten on a second path. What a person was granted is
read once per actor, when it is first asked for. Not for finding people or changing grants.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from django.contrib.auth.models import AnonymousUser

from accounts import holdings, places
from accounts.errors import Forbidden
from accounts.permissions import PERSONAL_RIGHTS, EndUserRight, Level, Right
from accounts.scopes import EVERYWHERE, NOWHERE, SERVER, Reach, ScopeRef, chain_of

if TYPE_CHECKING:
    from accounts.models import User

ActorKind = Literal["user", "console", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for something. `label` is what the audit trail and task lists show.

    address: where the request came from; via: by which door (page, api, shell, task …).
    token_id: the access token it came with. session_id: the browser's session.
    allowed: if given, no other right counts (a token's scopes, a temporary sign-in).
    in_person: false where somebody or something stands in for the person: no passwords, tokens, second factors, rights.
    proved_at: when the person last proved that it is them, in this session (`accounts.proving`).
    acting: the administrator who acts as `user`; rights are then the intersection of both, and mail stays closed.
    """

    user: User | None
    kind: ActorKind
    label: str
    address: str = ""
    via: str = ""
    allowed: frozenset[Right] | None = None
    in_person: bool = True
    read_only: bool = False
    token_id: int | None = None
    session_id: int | None = None
    acting: Actor | None = None
    acting_reason: str = ""
    proved_at: datetime | None = None
    _known: dict[str | ScopeRef, object] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def for_user(cls, user: User | AnonymousUser, *, address: str = "", via: str = "") -> Actor:
        """The actor behind a request; somebody not signed in is an actor without a user and without rights."""
        if isinstance(user, AnonymousUser) or not user.is_authenticated:
            return cls(user=None, kind="user", label="anonymous", address=address, via=via)
        return cls(user=user, kind="user", label=user.email, address=address, via=via)

    @classmethod
    def console(cls) -> Actor:
        """Whoever has a shell on this machine: may do all that the machine's owner may."""
        return cls(user=None, kind="console", label=f"console:{_unix_user()}", via="shell")

    @classmethod
    def system(cls) -> Actor:
        """The clock and the machinery."""
        return cls(user=None, kind="system", label="system")

    def restricted(self, allowed: Iterable[Right] | None, *, read_only: bool = False) -> Actor:
        """The same person through a token or a temporary link: at most these rights (None: all but personal ones)."""
        rights = frozenset(Right) if allowed is None else frozenset(allowed)
        return replace(self, allowed=rights - PERSONAL_RIGHTS, in_person=False, read_only=read_only, _known={})

    def acting_as(self, user: User, reason: str) -> Actor:
        """This administrator in somebody's place. Whether they may is decided by `services.acting`."""
        label = f"{self.label} as {user.email}"
        return replace(
            self, user=user, label=label, allowed=None, in_person=False, acting=self, acting_reason=reason, _known={}
        )

    # --- rights ---------------------------------------------------------------------------------------------------

    @property
    def is_administrator(self) -> bool:
        """A system administrator in person, the shell or the system; everything narrower is asked with `has`."""
        return self.allowed is None and self._holds_everything()

    @property
    def administers(self) -> bool:
        """Whether there is anything at all that this actor administers."""
        if self.allowed is not None and not self.allowed:
            return False
        return self._holds_everything() or bool(self._held())

    def has(self, right: str, obj: object | None = None) -> bool:
        """Whether the actor holds this `Right` on `obj`; without one: on the whole server."""
        wanted = Right(right)  # a misspelt right is an error, not a refusal
        if not self._lets(wanted):
            return False
        if self._holds_everything():
            return True
        chain = self._chain(obj)
        return any(wanted in held.rights and held.scope in chain for held in self._held()) and (
            self.acting is None or self.acting.has(wanted, obj)
        )

    def has_somewhere(self, right: str) -> bool:
        """Whether the actor holds this right on at least one object: for menus and doors, never for the object."""
        return bool(self.reach(right))

    def require(self, right: str, obj: object | None = None) -> None:
        """Raises: Forbidden."""
        if not self.has(right, obj):
            raise Forbidden(f"{self.label} lacks the right {right}")

    def require_over(self, right: str, user: User) -> None:
        """The right on this person, from somebody who holds all that the person holds. Raises: Forbidden."""
        self.require(right, user)
        if not self.dominates(user):
            raise Forbidden(f"{user} holds rights that {self.label} doesn't")

    def require_somewhere(self, right: str) -> None:
        """Raises: Forbidden."""
        if not self.has_somewhere(right):
            raise Forbidden(f"{self.label} lacks the right {right}")

    def require_writing(self) -> None:
        """Raises: Forbidden where the token may only read."""
        if self.read_only:
            raise Forbidden("this token may only read")

    def reach(self, right: str) -> Reach:
        """All objects on which the actor holds this right, for filters of querysets; fails closed."""
        wanted = Right(right)
        if not self._lets(wanted) or self.acting is not None:
            return NOWHERE
        if self._holds_everything():
            return EVERYWHERE
        scopes = [held.scope for held in self._held() if wanted in held.rights]
        if SERVER in scopes:
            return EVERYWHERE
        ids = {level: frozenset(scope.id for scope in scopes if scope.level == level) for level in Level}
        return Reach(False, ids[Level.BROKER], ids[Level.CUSTOMER], ids[Level.DOMAIN], ids[Level.USER])

    def rights_on(self, obj: object | None) -> frozenset[Right]:
        """All rights the actor holds on an object: what they could grant there at most."""
        return frozenset(right for right in Right if self.has(right, obj))

    def holds(self, rights: Iterable[Right], scope: ScopeRef) -> bool:
        """Whether the actor holds all of these on a scope: nobody grants beyond that."""
        return all(self.has(right, scope) for right in rights)

    def dominates(self, user: User) -> bool:
        """Whether the actor holds everything that this person holds: nobody resets or edits beyond what they hold.

        A program is measured by what its token lets it do, and never dominates a system administrator: whoever signs in
        as one is more than any token.
        """
        if self.dominates_everybody:
            return True
        return not user.is_administrator and all(self.covers(held) for held in holdings.of(user))

    @property
    def dominates_everybody(self) -> bool:
        """The shell, the system or a system administrator in person: nobody holds more than they do."""
        return self.is_administrator

    def covers(self, held: holdings.Held) -> bool:
        """Whether the actor holds what somebody holds on a scope. Personal rights, which no token has, are asked of the
        person behind it.
        """
        if self.allowed is None:
            return self.holds(held.rights, held.scope)
        person = self.whole_person
        return held.rights - PERSONAL_RIGHTS <= self.allowed and person.holds(held.rights, held.scope)

    @property
    def whole_person(self) -> Actor:
        """The person behind a token, with all that they hold; read once."""
        if "whole" not in self._known:
            self._known["whole"] = replace(self, allowed=None, _known={})
        found: Actor = self._known["whole"]  # type: ignore[assignment]
        return found

    # --- one's own things -----------------------------------------------------------------------------------------

    def owns(self, user: User) -> bool:
        """Whether this is the person's own account."""
        return self.user is not None and self.user.pk == user.pk

    def require_in_person(self) -> None:
        """For passwords, tokens, second factors and rights. Raises: Forbidden through a token, link or another."""
        if not self.in_person:
            raise Forbidden("only the person themselves may do this, signed in with their password")

    def may(self, right: EndUserRight) -> bool:
        """Whether this person's domain lets them do this with their own things."""
        if self.kind != "user":
            return True
        if self.user is None:
            return False
        if "own" not in self._known:
            self._known["own"] = holdings.end_user_rights(self.user)
        own: frozenset[EndUserRight] = self._known["own"]  # type: ignore[assignment]
        return right in own

    def require_own(self, right: EndUserRight) -> None:
        """Raises: Forbidden."""
        if not self.may(right):
            raise Forbidden(f"{self.label}'s domain doesn't allow {right}")

    @property
    def may_read_mail(self) -> bool:
        """Mail stays closed to who acts as somebody."""
        return self.acting is None

    def _holds_everything(self) -> bool:
        if self.kind != "user":
            return True
        return self.user is not None and self.user.is_active and self.user.is_administrator and self.acting is None

    def _chain(self, obj: object | None) -> tuple[ScopeRef, ...]:
        """The scopes an object lies in; a bare reference to a scope is looked up once."""
        if not isinstance(obj, ScopeRef):
            return chain_of(obj)
        if obj not in self._known:
            self._known[obj] = places.chain(obj)
        found: tuple[ScopeRef, ...] = self._known[obj]  # type: ignore[assignment]
        return found

    def _lets(self, right: Right) -> bool:
        return self.allowed is None or right in self.allowed

    @property
    def held(self) -> tuple[holdings.Held, ...]:
        """What the person was granted; read once."""
        return self._held()

    def _held(self) -> tuple[holdings.Held, ...]:
        if self.user is None or not self.user.is_active:
            return ()
        if "held" not in self._known:
            self._known["held"] = holdings.of(self.user)
        held: tuple[holdings.Held, ...] = self._known["held"]  # type: ignore[assignment]
        return held


def _unix_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without a passwd row
        return str(os.getuid())
