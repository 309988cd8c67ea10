"""What changed in a directory about people who are here, person by person, by the services that pages use too.

Each person is one transaction: what can't be is a conflict of that person and is tried again the next time. Who holds
more than the source speaks for is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import responsible
from accounts.actors import Actor
from accounts.errors import AccountsError
from accounts.models import Grant, Identity, Source, User
from accounts.services import disable_user, enable_user
from accounts.services.group_roles import apply_groups, take_all
from domains.errors import DomainsError
from domains.models import Mailbox, Status
from domains.services.aliases import add_alias, aliases_of, remove_alias
from domains.services.importing import staging
from domains.services.mailbox_states import set_status
from domains.services.mailboxes import update_mailbox
from domains.services.quotas import set_mailbox_quota
from domains.services.readdressing import rename_mailbox
from domains.services.syncing.judging import conflict, leavers
from domains.services.syncing.telling import Telling

BATCH = 500
LEFT_ALONE = (Status.DELETED, Status.PURGED)
_COLUMNS = (
    "n", "subject", "digest", "dn", "text", "name", "first_name", "last_name", "aliases", "quota_bytes", "is_disabled",
    "groups", "has_roles", "user_id", "what",
)  # fmt: skip


@dataclass(slots=True)
class _Row:
    n: int
    subject: str
    digest: bytes
    dn: str
    text: str
    name: str
    first_name: str
    last_name: str
    aliases: list[str]
    quota_bytes: int | None
    is_disabled: bool
    groups: list[str]
    has_roles: bool
    user_id: int
    what: str


def change_known(
    actor: Actor, source: Source, domains: dict[str, tuple[int, str]], telling: Telling, *, stop: Callable[[], None]
) -> None:
    """Everybody who is known, or was here before the directory was, and of whom it says something new."""
    last = 0
    while True:
        stop()
        found = staging.fetch(
            f"SELECT {', '.join(_COLUMNS)} FROM directory_entry WHERE what IN ('change', 'bind') AND n > %s"
            " ORDER BY n LIMIT %s",
            [last, BATCH],
        )
        if not found:
            return
        rows = [_Row(*each) for each in found]
        last = rows[-1].n
        people = [row.user_id for row in rows]
        users = User.objects.in_bulk(people)
        boxes = {box.user_id: box for box in Mailbox.objects.filter(user__in=people).select_related("user", "domain")}
        bound = {each.user_id: each for each in Identity.objects.filter(source=source, user__in=people)}
        holders = set(Grant.objects.filter(user__in=people).values_list("user_id", flat=True))
        for row in rows:
            one = _One(actor, source, domains, row, users[row.user_id], boxes.get(row.user_id), bound.get(row.user_id))
            try:
                with transaction.atomic():
                    one.require_word()
                    said = one.apply(row.user_id in holders)
            except (DomainsError, AccountsError) as error:
                conflict(row.n, str(error))
                continue
            for kind, detail in said:
                telling.add(kind, one.address, detail)


def shut_out_leavers(actor: Actor, source: Source, telling: Telling, *, stop: Callable[[], None]) -> None:
    """Who isn't in the directory any more comes in no more; mail and archive stay."""
    last = 0
    while True:
        stop()
        found = staging.fetch(
            f"SELECT i.id FROM accounts_identity i WHERE {leavers(source)} AND i.id > %s ORDER BY i.id LIMIT %s",
            [last, BATCH],
        )
        if not found:
            return
        last = found[-1][0]
        ids = [key for (key,) in found]
        for bound in Identity.objects.filter(pk__in=ids).select_related("user", "user__mailbox__domain").order_by("pk"):
            address = bound.user.email
            try:
                with transaction.atomic():
                    _require_word(source, bound.user)
                    _shut(actor, bound.user, getattr(bound.user, "mailbox", None))
                    take_all(source, bound.user)
                    Identity.objects.filter(pk=bound.pk).update(shut="gone", digest=b"")
            except (DomainsError, AccountsError) as error:
                telling.add("conflict", address, str(error))
                continue
            telling.add("disable", address, _("not in the directory any more"))


class _One:
    """One person: what the directory says, and what is here."""

    def __init__(
        self,
        actor: Actor,
        source: Source,
        domains: dict[str, tuple[int, str]],
        row: _Row,
        user: User,
        mailbox: Mailbox | None,
        bound: Identity | None,
    ) -> None:
        self._actor, self._source, self._domains = actor, source, domains
        self._row, self._user, self._mailbox, self._bound = row, user, mailbox, bound
        self._said: list[tuple[str, str]] = []

    @property
    def address(self) -> str:
        return self._user.email

    def require_word(self) -> None:
        """Raises: Forbidden for who holds more."""
        _require_word(self._source, self._user)
        if self._mailbox is not None and self._mailbox.status in LEFT_ALONE:
            raise DomainsError(_("The mailbox is deleted here."))

    def apply(self, holds_something: bool) -> list[tuple[str, str]]:
        """(kind, detail) of what was changed. Raises: DomainsError, AccountsError."""
        row, bound = self._row, self._bound
        if bound is None:
            bound = Identity(source=self._source, subject=row.subject, user=self._user)
            self._said.append(("bind", row.dn))
        if self._mailbox is not None:
            self._move(self._mailbox)
            self._rename(self._mailbox)
            if row.quota_bytes is not None and row.quota_bytes != self._mailbox.quota_bytes:
                set_mailbox_quota(self._actor, self._mailbox, {"quota_bytes": row.quota_bytes})
                self._said.append(("change", _("quota")))
        bound.shut = self._state(bound.shut)
        if self._mailbox is not None and (row.aliases or bound.aliases):
            bound.aliases = self._set_aliases(self._mailbox, bound.aliases)
        if row.has_roles or holds_something:
            apply_groups(self._source, self._user, row.groups)
        User.objects.filter(pk=self._user.pk).exclude(distinguished_name=row.dn).update(distinguished_name=row.dn)
        bound.digest = row.digest
        bound.save()
        return self._said

    def _move(self, mailbox: Mailbox) -> None:
        if not self._row.text or self._row.text == mailbox.address:
            return
        old = mailbox.address
        rename_mailbox(self._actor, mailbox, email=self._row.text)
        self._user.refresh_from_db()
        self._said.append(("move", old))

    def _rename(self, mailbox: Mailbox) -> None:
        """Names, as far as the directory has an attribute for them."""
        row, wanted = self._row, dict[str, str]()
        for name in ("name", "first_name", "last_name"):
            value = getattr(row, name)
            if self._source.told(f"{name}_attribute") and value and value != getattr(self._user, name):
                wanted[name] = value
        if wanted:
            update_mailbox(self._actor, mailbox, wanted)
            self._said.append(("change", ", ".join(wanted.values())))

    def _state(self, shut: str) -> str:
        """Shut out or let in, only what a synchronisation shut out itself; why they are shut out from now on."""
        if self._row.is_disabled:
            if shut:
                return "disabled"
            if _shut(self._actor, self._user, self._mailbox):
                self._said.append(("disable", _("disabled in the directory")))
                return "disabled"
            return ""
        if shut:
            if self._mailbox is not None and self._mailbox.status == Status.DISABLED:
                set_status(self._actor, self._mailbox, Status.ENABLED)
            elif self._mailbox is None:
                enable_user(self._actor, self._user)
            self._said.append(("enable", ""))
        return ""

    def _set_aliases(self, mailbox: Mailbox, before: Sequence[str]) -> list[str]:
        """Those of the directory in domains of the source; what somebody made by hand stays."""
        wanted = {
            f"{local}@{self._domains[domain][1]}"
            for local, _at, domain in (each.rpartition("@") for each in self._row.aliases)
            if domain in self._domains
        } - {mailbox.address}
        present = {alias.text: alias for alias in aliases_of(mailbox)}
        gone = [present[text] for text in before if text not in wanted and text in present]
        for alias in gone:
            remove_alias(self._actor, alias)
        added = sorted(wanted - set(present))
        for text in added:
            add_alias(self._actor, mailbox, email=text)
        if added or gone:
            said = [*(f"+{text}" for text in added), *(f"−{alias.text}" for alias in gone)]
            self._said.append(("change", " ".join(said)))
        return sorted((set(before) & wanted) | set(added))


def _require_word(source: Source, user: User) -> None:
    if not responsible.speaks_for(source, user):
        raise AccountsError(_("Holds more rights than this source speaks for."))


def _shut(actor: Actor, user: User, mailbox: Any) -> bool:
    """Shut somebody out; False where they were already."""
    if mailbox is not None:
        if mailbox.status not in (Status.ENABLED, Status.PENDING):
            return False
        set_status(actor, mailbox, Status.DISABLED)
        return True
    if user.is_active:
        disable_user(actor, user)
        return True
    return False
