"""What changed in a directory about people who are here, person by person, by the services that pages use too.

Each person is one transaction, each thing about them a part of it: what can't be (an address that is taken, a quota
without room) undoes nothing else, above all not that they are shut out or lose a role; it is told as a conflict and
tried again the next time. Who holds more than the source speaks for is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit, responsible
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
# Identity.shut: by a synchronisation, since they are disabled there or gone from there; `left`: gone, and shut out here
# by somebody else before, so that coming back lets them in nowhere.
DISABLED, GONE, LEFT = "disabled", "gone", "left"
FAILURES = (DomainsError, AccountsError, IntegrityError)
_COLUMNS = (
    "n", "subject", "digest", "dn", "text", "name", "first_name", "last_name", "aliases", "quota_bytes", "is_disabled",
    "groups", "has_roles", "user_id", "reason",
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
    is_disabled: bool | None
    groups: list[str]
    has_roles: bool
    user_id: int
    reason: str


def change_known(actor: Actor, source: Source, telling: Telling, *, stop: Callable[[], None]) -> None:
    """Everybody who is known, or was here before the directory was, and of whom it says something new."""
    last = 0
    while True:
        stop()
        found = staging.fetch(
            f"SELECT {', '.join(_COLUMNS)} FROM directory_entry"
            " WHERE (what IN ('change', 'bind') OR what = 'create' AND goes_on) AND n > %s ORDER BY n LIMIT %s",
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
            user = users.get(row.user_id)
            if user is None:
                conflict(row.n, _("This person was removed here meanwhile."))
                continue
            one = _One(actor, source, row, user, boxes.get(row.user_id), bound.get(row.user_id))
            try:
                with transaction.atomic():
                    one.require_word()
                    one.apply(row.user_id in holders)
            except FAILURES as error:
                conflict(row.n, words_of(error))
                continue
            for kind, detail in one.said:
                telling.add(kind, one.address, detail)
            if one.problems:
                conflict(row.n, " ".join(one.problems))


def words_of(error: Exception) -> str:
    if isinstance(error, IntegrityError):  # its own names tables and values
        return _("Something changed here meanwhile; the next run tries again.")
    return str(error)


def shut_out_leavers(actor: Actor, source: Source, telling: Telling, *, stop: Callable[[], None]) -> None:
    """Who isn't in the directory any more comes in no more; mail and archive stay."""
    last = 0
    while True:
        stop()
        found = staging.fetch(
            f"SELECT i.id FROM {leavers(source)} AND i.id > %s ORDER BY i.id LIMIT %s",
            [last, BATCH],
        )
        if not found:
            return
        last = found[-1][0]
        ids = [key for (key,) in found]
        for bound in Identity.objects.filter(pk__in=ids).select_related("user", "user__mailbox__domain").order_by("pk"):
            address, mailbox = bound.user.email, getattr(bound.user, "mailbox", None)
            try:
                with transaction.atomic():
                    _require_word(source, bound.user, mailbox)
                    is_shut = _shut(actor, bound.user, mailbox)
                    take_all(source, bound.user)
                    shut = GONE if is_shut or bound.shut else LEFT
                    Identity.objects.filter(pk=bound.pk).update(shut=shut, digest=b"")
            except FAILURES as error:
                telling.add("conflict", address, words_of(error))
                continue
            if is_shut:
                telling.add("disable", address, _("not in the directory any more"))


class _One:
    """One person: what the directory says, and what is here. said: (kind, detail) of what was changed; problems: what
    couldn't be.
    """

    def __init__(
        self, actor: Actor, source: Source, row: _Row, user: User, mailbox: Mailbox | None, bound: Identity | None
    ) -> None:
        self._actor, self._source, self._row, self._user, self._mailbox = actor, source, row, user, mailbox
        self._bound = bound
        self.said: list[tuple[str, str]] = []
        self.problems: list[str] = [row.reason] if row.reason else []

    @property
    def address(self) -> str:
        return self._user.email

    def require_word(self) -> None:
        """Raises: AccountsError for who holds more or has another source, DomainsError."""
        _require_word(self._source, self._user, self._mailbox)
        if self._mailbox is not None and self._mailbox.status in LEFT_ALONE:
            raise DomainsError(_("The mailbox is deleted here."))

    def apply(self, holds_something: bool) -> None:
        """Take over what it says. Raises: IntegrityError."""
        row, bound = self._row, self._bound
        if bound is None:
            bound = Identity(source=self._source, subject=row.subject, user=self._user)
            by = self._source.configured_by_label
            audit.record(self._actor, "source.bind", self._user, source=self._source.name, configured_by=by)
            self.said.append(("bind", row.dn))
        if row.has_roles or holds_something:
            self._try(partial(apply_groups, self._source, self._user, row.groups))
        self._try(partial(self._state, bound))
        if (mailbox := self._mailbox) is not None:
            for step in (self._move, self._rename, self._set_quota):
                self._try(partial(step, mailbox))
            self._set_aliases(mailbox, bound)
        dn = row.dn[:500]
        User.objects.filter(pk=self._user.pk).exclude(distinguished_name=dn).update(distinguished_name=dn)
        bound.digest = b"" if self.problems else row.digest
        bound.save()

    def _try(self, step: Callable[[], object]) -> bool:
        """One thing about them, whether it could be; what can't is noted, and undoes what it began."""
        said = len(self.said)
        try:
            with transaction.atomic():
                step()
        except FAILURES as error:
            del self.said[said:]
            self._refresh()
            self.problems.append(words_of(error))
            return False
        return True

    def _refresh(self) -> None:
        self._user.refresh_from_db()
        if self._mailbox is not None:
            self._mailbox.refresh_from_db()
            self._mailbox.user = self._user

    def _move(self, mailbox: Mailbox) -> None:
        """To the address it says; one of their own aliases becomes it and stops being one."""
        old, new = mailbox.address, self._row.text
        if not new or new == old:
            return
        if (alias := aliases_of(mailbox).filter(text=new).first()) is not None:
            remove_alias(self._actor, alias)
        rename_mailbox(self._actor, mailbox, email=new)
        self._user.refresh_from_db()
        self.said.append(("move", old))

    def _rename(self, mailbox: Mailbox) -> None:
        """Names, as far as the directory has an attribute for them."""
        row, wanted = self._row, dict[str, str]()
        for name in ("name", "first_name", "last_name"):
            value = getattr(row, name)
            if self._source.told(f"{name}_attribute") and value and value != getattr(self._user, name):
                wanted[name] = value
        if wanted:
            update_mailbox(self._actor, mailbox, wanted)
            self.said.append(("change", ", ".join(wanted.values())))

    def _set_quota(self, mailbox: Mailbox) -> None:
        quota_bytes = self._row.quota_bytes
        if quota_bytes is not None and quota_bytes != mailbox.quota_bytes:
            set_mailbox_quota(self._actor, mailbox, {"quota_bytes": quota_bytes})
            self.said.append(("change", _("quota")))

    def _state(self, bound: Identity) -> None:
        """Shut out or let in, only what a synchronisation shut out itself; why they are shut out from now on."""
        was_shut = bound.shut in (DISABLED, GONE)
        if self._row.is_disabled is None and bound.shut == DISABLED:
            return
        if self._row.is_disabled:
            if was_shut:
                bound.shut = DISABLED
            elif _shut(self._actor, self._user, self._mailbox):
                self.said.append(("disable", _("disabled in the directory")))
                bound.shut = DISABLED
            else:
                bound.shut = ""
            return
        if was_shut:
            if self._mailbox is None:
                enable_user(self._actor, self._user)
            elif self._mailbox.status == Status.DISABLED:
                set_status(self._actor, self._mailbox, Status.ENABLED)
            self.said.append(("enable", ""))
        bound.shut = ""

    def _set_aliases(self, mailbox: Mailbox, bound: Identity) -> None:
        """Those of the directory in domains of the source, each by itself; what somebody made by hand stays."""
        before = set(bound.aliases)
        wanted = set(self._row.aliases) - {mailbox.address}
        if not wanted and not before:
            return
        present = {alias.text: alias for alias in aliases_of(mailbox)}
        kept, said = before & set(present), list[str]()
        for text in sorted(kept - wanted):
            if self._try(partial(remove_alias, self._actor, present[text])):
                kept.discard(text)
                said.append(f"−{text}")
        for text in sorted(wanted - set(present)):
            if self._try(partial(add_alias, self._actor, mailbox, email=text)):
                kept.add(text)
                said.append(f"+{text}")
        bound.aliases = sorted(kept)
        if said:
            self.said.append(("change", " ".join(said)))


def _require_word(source: Source, user: User, mailbox: Mailbox | None) -> None:
    """Raises: AccountsError. Of who has a mailbox it was asked already whether the source answers for its domain."""
    if mailbox is None and not responsible.serves(source, user.email):
        raise AccountsError(_("Another source answers for this person now."))
    if not responsible.speaks_for(source, user):
        raise AccountsError(_("Holds more rights than this source speaks for."))


def _shut(actor: Actor, user: User, mailbox: Mailbox | None) -> bool:
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
