"""How sessions look: in the list of administrators, in a person's own, and ending many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import program_sessions
from accounts.devices import device_words
from accounts.errors import Forbidden
from accounts.models import Session
from accounts.permissions import Right
from accounts.services.sessions import end_session
from accounts.sessions import SECONDS, WAYS
from config.kit.bulk import Action, Group, Outcome, Preview
from config.kit.list_fields import Choice, Custom, Main, Text, Time, address_of
from config.kit.listing import Listing, View
from config.kit.tables import Empty
from config.kit.templatetags.kit import number


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A session as pages show it."""

    row: Session
    device: str
    how: str
    is_this: bool


def shown(session: Session, actor: Any) -> ShownSession:
    return ShownSession(session, device_words(session.agent), how_words(session), session.pk == actor.session_id)


def how_words(session: Session) -> str:
    """How somebody signed in: "Password and one-time code"; as a provider calls it: "Single sign-on (pwd mfa)"."""
    words = str(WAYS.get(session.how, session.how) or "–")
    if session.second:
        second = str(SECONDS.get(session.second, session.second))
        words = _("%(first)s and %(second)s") % {"first": words, "second": second}
    return f"{words} ({session.said})" if session.said else words


def _device(session: Session) -> str:
    return device_words(session.agent)


def _address(session: Session) -> str:
    """Where it is used now, and where it began if that was elsewhere."""
    last = session.last_address or session.address
    return last if last == session.address or not session.address else f"{last} ({session.address})"


class EndSessions(Action):
    """Sign the chosen browsers out."""

    name = "end"
    label = gettext_lazy("End")
    icon = "arrow-right-end-on-rectangle"
    needs = Right.MANAGE_USERS
    destructive = True

    def preview(self, actor: Any, rows: QuerySet[Any], values: Mapping[str, Any]) -> Preview:
        own = rows.filter(pk=actor.session_id or 0).count()
        will = rows.count() - own
        title = ngettext("End %(count)s session", "End %(count)s sessions", will) % {"count": number(will)}
        refused = [Group(own, _("is the one you are signed in with"))] if own else []
        return Preview(will, title, refused=refused)

    def run(self, actor: Any, rows: Sequence[Any], values: Mapping[str, Any]) -> Outcome:
        outcome = Outcome()
        for session in rows:
            if session.pk == actor.session_id:
                outcome.refuse(_("is the one you are signed in with"))
                continue
            try:
                end_session(actor, session)
                outcome.done += 1
            except Forbidden:
                outcome.refuse(_("belongs to somebody who holds more than you do"))
        return outcome

    def said(self, outcome: Outcome) -> str:
        values = {"count": number(outcome.done)}
        return ngettext("%(count)s session ended.", "%(count)s sessions ended.", outcome.done) % values


def _page_of(session: Session) -> str:
    return address_of("accounts:user-sessions", session.user_id or 0)


SESSIONS: Listing[Session] = Listing(
    "accounts.sessions",
    (
        Main("user", gettext_lazy("Person"), path="user__email", words=True, folded=True, url=_page_of),
        Custom("device", gettext_lazy("Device"), show=_device, export=_device, search=False),
        Choice("how", gettext_lazy("Signed in by"), choices=list(WAYS.items()), show=how_words, filter=True),
        Text("address", gettext_lazy("From"), path="last_address", whole=True, mono=True, show=_address),
        Time("since", gettext_lazy("Since"), path="started_at", search=False),
        Time("used", gettext_lazy("Last used"), path="last_used_at", sort=True),
        Time("ends", gettext_lazy("Ends"), path="expires_at", shown=False, search=False),
    ),
    sort="-used",
    caption=gettext_lazy("Who is signed in"),
    placeholder=gettext_lazy("Address of a person, or address:192.0.2.7"),
    views=(
        View(gettext_lazy("Temporary sign-ins"), "how=link"),
        View(gettext_lazy("Programs"), "&".join(f"how={each}" for each in program_sessions.PROGRAMS)),
    ),
    first_step=Empty(gettext_lazy("Nobody is signed in"), icon="computer-desktop"),
    nothing=gettext_lazy("No session like this"),
)
