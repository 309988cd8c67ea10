"""What the link of a digest mail opens: one message, for the one it was kept for, who is not signed in.

The link stands for its person and nothing more: none of the rights they hold over others count, and what their domain
lets people do is asked as ever. Finding changes nothing; every act is a service of `quarantine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import throttle
from accounts.actors import Actor
from accounts.errors import BadLink
from accounts.permissions import EndUserRight
from accounts.secrets import token_hash
from gateway.digests.making import password_mark
from gateway.errors import NotReleasable
from gateway.learning import Verdict
from gateway.models import DigestLink, Recipient, ReleaseRequest
from gateway.release_options import Way, way_for
from gateway.services import quarantine, release_requests
from gateway.services.held import is_infected

VIA = "digest"
GUESSING = throttle.Policy(free=30, longest_wait_s=300)


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that works. way: how its reader comes by the message."""

    link: DigestLink
    recipient: Recipient
    actor: Actor
    way: Way

    @property
    def is_here(self) -> bool:
        """Whether the message is in quarantine still."""
        return self.recipient.state == Recipient.State.HELD


def open_link(token: str, *, address: str) -> Opened:
    """What a token opens. address: of who asks, for the throttle; only tokens that never were count as guesses.

    Raises: BadLink (unknown, expired, another's, of an old password: all alike), TooManyAttempts.
    """
    attempt = [throttle.network_counter("digest", address, GUESSING)]
    throttle.require_free(attempt)
    wanted = token_hash(token)
    rows = DigestLink.objects.select_related(
        "digest__mailbox__user", "recipient__message", "recipient__mailbox__user", "recipient__mailbox__domain"
    )
    link = rows.filter(token_hash=wanted).first()
    if link is None:
        throttle.admit(attempt)
        raise BadLink("unknown")
    person, row = link.digest.mailbox.user, link.recipient
    is_good = (
        compare_digest(link.token_hash, wanted)
        and link.expires_at > timezone.now()
        and row.mailbox_id == link.digest.mailbox_id
        and person is not None
        and person.is_active
        and compare_digest(link.password_mark, password_mark(person))
    )
    if not is_good or person is None:
        raise BadLink("expired, another's, or of an old password")
    actor = Actor.for_user(person, address=address, via=VIA).restricted(())
    if not actor.may(EndUserRight.RELEASE_QUARANTINE):
        raise BadLink("their domain doesn't let them")
    return Opened(link, row, actor, way_for(row, infected=is_infected(row)))


def release(opened: Opened) -> None:
    """Send the message on to the one it was kept for. Raises: Forbidden, NotReleasable, CopyGone, StoreUnavailable."""
    with transaction.atomic():
        link = _locked(opened)
        if link.released_at is not None:
            raise NotReleasable(_("It was released already."))
        quarantine.release(opened.actor, opened.recipient)
        link.released_at = timezone.now()
        link.save(update_fields=["released_at"])


def report_clean(opened: Opened) -> None:
    """Say that it isn't spam, once. Raises: Forbidden, BadRelease, CopyGone, NotReleasable."""
    with transaction.atomic():
        link = _locked(opened)
        if link.reported_at is not None:
            raise NotReleasable(_("It was reported already."))
        quarantine.report(opened.actor, opened.recipient, Verdict.CLEAN)
        link.reported_at = timezone.now()
        link.save(update_fields=["reported_at"])


def ask(opened: Opened, *, why: str) -> ReleaseRequest:
    """Ask an administrator to release it. Raises: Forbidden, BadRelease (no reason), NotReleasable."""
    return release_requests.request_release(opened.actor, opened.recipient, why=why)


def _locked(opened: Opened) -> DigestLink:
    """The link, nobody else's until the transaction ends. Raises: BadLink (it went meanwhile)."""
    found = DigestLink.objects.select_for_update().filter(pk=opened.link.pk).first()
    if found is None:
        raise BadLink("gone")
    return found
