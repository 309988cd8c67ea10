"""Where sessions are kept: the table `accounts.Session`, by a hash of the key that the browser's cookie holds.

A row says for whom, since when, from where, with what and how somebody signed in, so that it can be listed and ended:
what ends it deletes the row, and the next request finds nothing. A request that runs meanwhile can't bring it back,
since only an insert makes a row. The key itself stands nowhere: a copied database opens nothing.
Not for deciding who may enter (`sessions`), nor for rights.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Session
from accounts.secrets import token_hash
from config.kit.fixed import Fixed

ABOUT = "about"  # {"how", "second", "source", "said", "address", "agent", "since"}: what it says of its beginning
USED_NOTED_EVERY = timedelta(minutes=1)
AGENT_MAX = 300
SAID_MAX = 200
_BY_KEY = Fixed(lambda digest: Session.objects.filter(key_hash=digest), str)


class SessionStore(SessionBase):
    """One session, as `settings.SESSION_ENGINE` names it. `row` is how it was read; None for one that is new."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.row: Session | None = None

    def load(self) -> dict[str, Any]:
        key = self.session_key
        row = None if key is None else _BY_KEY.first(token_hash(key))
        if row is None or row.expires_at <= timezone.now():
            self._session_key = None
            return {}
        self.row = row
        return self.decode(row.data)

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(key_hash=token_hash(session_key)).exists()

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]  # not in its stub
            try:
                self.save(must_create=True)
            except CreateError:  # the one in 2^165
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Raises: UpdateError where the session was ended meanwhile."""
        if self.session_key is None:
            return self.create()
        data: dict[str, Any] = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        columns = self._columns(data)
        if must_create:
            self._insert(columns)
        elif not Session.objects.filter(key_hash=token_hash(self.session_key)).update(**columns):
            raise UpdateError
        return None

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            Session.objects.filter(key_hash=token_hash(key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        Session.objects.filter(expires_at__lt=timezone.now()).delete()

    def note_use(self, address: str) -> None:
        """Remember that it is used now, at most once a minute, so that reading doesn't mean writing."""
        now = timezone.now()
        if self.row is None or self.row.last_used_at >= now - USED_NOTED_EVERY:
            return
        Session.objects.filter(pk=self.row.pk).update(last_used_at=now, last_address=address[:45])

    def _insert(self, columns: dict[str, Any]) -> None:
        try:
            with transaction.atomic():
                self.row = Session.objects.create(key_hash=token_hash(str(self.session_key)), **columns)
        except IntegrityError as error:
            raise CreateError from error

    def _columns(self, data: dict[str, Any]) -> dict[str, Any]:
        """What the row says beside the data: read from it, so that a session with a new key says the same."""
        columns: dict[str, Any] = {"data": self.encode(data), "expires_at": self.get_expiry_date()}
        person = data.get(SESSION_KEY)
        columns["user_id"] = int(person) if person else None
        about = data.get(ABOUT)
        if isinstance(about, dict):
            columns |= {
                "how": str(about.get("how", ""))[:20],
                "second": str(about.get("second", ""))[:20],
                "address": str(about.get("address", ""))[:45],
                "agent": str(about.get("agent", ""))[:AGENT_MAX],
                "source_id": about.get("source"),
                "said": str(about.get("said", ""))[:SAID_MAX],
            }
            since = about.get("since")
            if isinstance(since, int | float):
                columns["started_at"] = datetime.fromtimestamp(since, timezone.now().tzinfo)
        return columns
