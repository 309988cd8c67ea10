"""Who sends a command, and the objects that it names: domains and accounts as people write them, with what their
absence is answered. Only selectors look anything up, so that what is not theirs is unknown to them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from django.http import Http404

from accounts.actors import Actor
from accounts.permissions import Right
from api.communigate.format import Value
from api.communigate.refusing import NO_ACCOUNT, NO_DOMAIN, RIGHTS, Refused
from api.dialects.credentials import Entered
from domains import selectors
from domains.models import Address, Domain, Mailbox, Status
from domains.services import claims

GONE = (Status.DELETED, Status.PURGED)
OWN = "*"


REMEMBERED_S = 1.0


@dataclass(slots=True)
class Seen:
    """What a session remembers for a moment, and not over a change: rights on it are asked each time all the same."""

    main: Domain | None = None
    until: float = 0.0
    proven: Entered | None = None  # who came with their own password, and with no token or secret in its place

    def forget(self) -> None:
        self.main, self.until = None, 0.0


@dataclass(slots=True)
class Context:
    """One command. main_domain: the name set as the server's Main Domain, "" for none."""

    actor: Actor
    main_domain: str = ""
    seen: Seen = field(default_factory=Seen)

    def main(self) -> Domain:
        """The domain of names without one: that of the person, else the server's main one, else the first they see.

        Raises: Refused.
        """
        now = time.monotonic()
        if self.seen.until < now:
            self.seen.main, self.seen.until = self._find_main(), now + REMEMBERED_S
        if self.seen.main is None:
            raise Refused(NO_DOMAIN, "there is no main domain here: write names with their domain")
        return self.seen.main

    def _find_main(self) -> Domain | None:
        person = self.actor.user
        own = selectors.mailbox_of(person) if person is not None else None
        if own is not None and own.status not in GONE:
            return own.domain
        if self.main_domain and (found := selectors.find_domain(self.actor, self.main_domain)) is not None:
            return found
        if person is not None and (found := selectors.find_domain(self.actor, person.email.rpartition("@")[2])):
            return found
        seen = Domain.objects.visible_to(self.actor, Right.VIEW_DOMAINS).exclude(status__in=GONE)
        return seen.select_related("customer").order_by("pk").first()

    def domain(self, name: str | None, need: Right = Right.VIEW_DOMAINS) -> Domain:
        """A domain by its name or an alias; the main one without a name. Raises: Refused, Forbidden."""
        found = self.main() if name in (None, "", OWN) else selectors.find_domain(self.actor, name or "")
        if found is None or found.status in GONE:
            raise Refused(NO_DOMAIN, f"unknown secondary domain: {name}")
        self.actor.require(need, found)
        return found

    def full(self, name: str) -> str:
        """A name with its domain."""
        return name if "@" in name else f"{name}@{self.main().name}"

    def split(self, name: str, need: Right) -> tuple[Domain, str]:
        """(domain, whole address) of a name that is to be made. Raises: Refused, Forbidden."""
        whole = self.full(name.strip())
        return self.domain(whole.rpartition("@")[2], need), whole

    def own(self) -> Mailbox:
        """The signed-in person's. Raises: Refused."""
        found = selectors.mailbox_of(self.actor.user) if self.actor.user is not None else None
        if found is None or found.status in GONE:
            raise Refused(NO_ACCOUNT, "you have no account in a domain of this server")
        return found

    def in_person(self) -> Actor | None:
        """Who came in with their own password, as at the pages; None of anybody else."""
        proven, person = self.seen.proven, self.actor.user
        if proven is None or person is None:
            return None
        found = Actor.for_user(person, address=self.actor.address, via=self.actor.via)
        return replace(found, session_id=proven.session or None)

    def is_oneself(self, name: str) -> bool:
        """Whether this is who sends the command, with an account in a domain or, as administrators are, without one."""
        if self.actor.user is None or self.actor.acting is not None:
            return False
        return name == OWN or name.strip().lower() == self.actor.user.email

    def account(self, name: str, need: Right = Right.VIEW_USERS, *, own: bool = False) -> Mailbox:
        """An account by its name or an alias. own: people need no right for their own. Raises: Refused, Forbidden."""
        if name == OWN:
            return self._account(self.own(), need, own=True)
        whole = self.full(name.strip())
        mine = self.actor.user is not None and self.actor.user.email == whole.lower() and self.actor.acting is None
        if own and mine:
            return self.own()
        found = self._find(whole)
        if found is None:
            raise Refused(NO_ACCOUNT, f"unknown user account: {name}")
        return self._account(found, need, own=own)

    def _account(self, found: Mailbox, need: Right, *, own: bool) -> Mailbox:
        is_own = own and found.user is not None and self.actor.owns(found.user) and self.actor.acting is None
        if is_own:
            return found
        try:
            return selectors.get_mailbox(self.actor, found.pk, need=need)
        except Http404 as error:  # their own, for which this takes a right
            raise Refused(RIGHTS, "insufficient access rights") from error

    def _find(self, whole: str) -> Mailbox | None:
        claim = claims.find(whole)
        if claim is not None and claim.kind == Address.Kind.ALIAS:
            leading = claim.recipients.select_related("target").first()
            claim = leading.target if leading is not None else None
        if claim is None or claim.kind != Address.Kind.MAILBOX:
            return None
        found = Mailbox.objects.select_related("domain__customer", "user", "claim").filter(claim=claim).first()
        if found is None or found.status in GONE:
            return None
        owns = found.user is not None and self.actor.owns(found.user)
        return found if owns or self.actor.has(Right.VIEW_USERS, found) else None

    def object(self, name: str, kind: str, need: Right, *, missing: int, word: str) -> Address:
        """A group, forwarder or list. Raises: Refused, Forbidden."""
        claim = claims.find(self.full(name.strip()))
        if claim is None or claim.kind != kind or not self.actor.has(Right.VIEW_USERS, claim):
            raise Refused(missing, f"unknown {word}: {name}")
        return selectors.get_address(self.actor, claim.pk, need=need)


def text_of(value: Value, name: str) -> str:
    """A setting that is a string; numbers and YES/NO are ones too. Raises: Refused."""
    if value is None:
        return ""
    if isinstance(value, (str, int, float)):
        return str(value)
    raise Refused(501, f"{name}: a string is expected")


def texts_of(value: Value, name: str) -> list[str]:
    """An array of strings; one string is an array of it. Raises: Refused."""
    if isinstance(value, list):
        return [text_of(each, name) for each in value]
    text = text_of(value, name)
    return [text] if text else []


def host_of(text: str) -> str:
    """The network address alone of one that is written with brackets or a port: `[10.0.0.1]:25`."""
    text = text.strip()
    return text[1:].partition("]")[0] if text.startswith("[") else text


def is_yes(value: Value, name: str) -> bool:
    """Raises: Refused."""
    text = text_of(value, name).upper()
    if text in ("YES", "TRUE", "1", "ON"):
        return True
    if text in ("NO", "FALSE", "0", "OFF", ""):
        return False
    raise Refused(501, f"{name}: YES or NO is expected")
