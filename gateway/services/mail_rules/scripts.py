"""Sieve scripts of the server, a domain or a mailbox: written, renamed, put into use, deleted; how much room they have.

What is stored has been understood before, and fits the quota (bytes of all scripts of a mailbox; a number of scripts).
What people may do by rules is what the domain lets them do: sending on is forwarding.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import EndUserRight, Right
from accounts.scopes import SERVER
from config.kit.versions import change
from domains.errors import Invalid, LimitReached, Taken
from domains.models import Domain, Mailbox, Status
from domains.policy.sentences import translated
from domains.services import quotas
from domains.services.forwards import require_over_mailbox
from gateway.models import OutOfOffice, RuleSettings, SieveScript, VacationAnswer
from gateway.sieve import BadScript, Script, parse
from gateway.sieve.script import MOST_BYTES

MOST_SCRIPTS = 20
MOST_REDIRECTS = 50
Owner = Mailbox | Domain | None  # None: the server


class BadSieve(Invalid):
    """A script that isn't understood: at which line and column."""

    def __init__(self, error: BadScript) -> None:
        words = {"line": error.line, "column": error.column, "said": translated(error.said, _)}
        super().__init__(_("Line %(line)d, column %(column)d: %(said)s") % words, field="text")
        self.line, self.column = error.line, error.column


def require_rules(actor: Actor, owner: Owner) -> None:
    """The right to change somebody's rules; one's own are what the domain lets people do. Raises: Forbidden."""
    if isinstance(owner, Mailbox):
        require_over_mailbox(actor, owner, EndUserRight.MANAGE_RULES, Right.MANAGE_FILTERS)
    else:
        actor.require(Right.MANAGE_FILTERS, SERVER if owner is None else owner)


def may_change(actor: Actor, owner: Owner) -> bool:
    try:
        require_rules(actor, owner)
    except Forbidden:
        return False
    return True


def owner_of(script: SieveScript) -> Owner:
    return script.mailbox or script.domain


def of_owner(owner: Owner) -> QuerySet[SieveScript]:
    """Whose they are; who may see them asks `selectors.mail_rules`."""
    if isinstance(owner, Mailbox):
        return SieveScript.objects.filter(mailbox=owner)
    return SieveScript.objects.filter(mailbox=None, domain=owner)


def understood(actor: Actor, owner: Owner, text: str) -> Script:
    """The script, if the actor may have it there. Raises: BadSieve, Invalid."""
    try:
        script = parse(text)
    except BadScript as error:
        raise BadSieve(error) from error
    sending = next((node for node in script.walk() if node.name == "redirect"), None)
    is_own = isinstance(owner, Mailbox) and _is_own(actor, owner)
    if sending is not None and is_own and not actor.may(EndUserRight.MANAGE_FORWARDING):
        said = _("Line %(line)d: you may not send mail on to other addresses.") % {"line": sending.line}
        raise Invalid(said, field="text")
    return script


def _is_own(actor: Actor, owner: Mailbox) -> bool:
    return owner.user is not None and actor.owns(owner.user)


def create_script(actor: Actor, owner: Owner, *, name: str, text: str, activate: bool = False) -> SieveScript:
    """A new script; the first one is used at once. Raises: Forbidden, BadSieve, Invalid, Taken, LimitReached."""
    require_rules(actor, owner)
    name = _named(name)
    understood(actor, owner, text)
    with transaction.atomic():
        lock_owner(owner)
        rows = of_owner(owner)
        if rows.filter(name=name).exists():
            raise Taken(_("There is a script of this name already."), field="name")
        if rows.count() >= MOST_SCRIPTS:
            raise LimitReached(_("There are %(most)d scripts already, the most there can be.") % {"most": MOST_SCRIPTS})
        _check_room(owner, _size(text))
        made = SieveScript.objects.create(name=name, text=text, size_bytes=_size(text), **_whose(owner))
        _count(owner)
        audit.record(actor, "mailrules.create", _subject(owner), script=name)
        if activate or not rows.filter(is_active=True).exists():
            _activate(owner, made)
            audit.record(actor, "mailrules.activate", _subject(owner), script=name)
    return made


def update_script(
    actor: Actor, script: SieveScript, *, name: str | None = None, text: str | None = None, expected: int | None = None
) -> SieveScript:
    """Another name or text. Raises: Forbidden, BadSieve, Invalid, Taken, LimitReached, ChangedMeanwhile."""
    owner = owner_of(script)
    require_rules(actor, owner)
    values: dict[str, object] = {}
    if name is not None:
        values["name"] = _named(name)
    if text is not None:
        understood(actor, owner, text)
        values |= {"text": text, "size_bytes": _size(text)}
    with transaction.atomic():
        lock_owner(owner)
        if name is not None and of_owner(owner).exclude(pk=script.pk).filter(name=values["name"]).exists():
            raise Taken(_("There is a script of this name already."), field="name")
        if text is not None:
            _check_room(owner, _size(text), besides=script.pk)
        changes = change(script, values, expected=expected)
        if changes:
            SieveScript.objects.filter(pk=script.pk).update(changed_at=timezone.now())
            shown = {name: pair for name, pair in changes.items() if name in ("name", "text")}
            audit.record(actor, "mailrules.edit", _subject(owner), changes=shown, script=script.name)
            _count(owner)
    return script


def activate_script(actor: Actor, owner: Owner, script: SieveScript | None) -> None:
    """Use this one of an owner's scripts, or none. Raises: Forbidden."""
    require_rules(actor, owner)
    with transaction.atomic():
        lock_owner(owner)
        _activate(owner, script)
        if script is None:
            audit.record(actor, "mailrules.deactivate", _subject(owner))
        else:
            understood(actor, owner, script.text)
            audit.record(actor, "mailrules.activate", _subject(owner), script=script.name)


def delete_script(actor: Actor, script: SieveScript) -> None:
    """Raises: Forbidden."""
    owner = owner_of(script)
    require_rules(actor, owner)
    with transaction.atomic():
        lock_owner(owner)
        script.delete()
        _count(owner)
        audit.record(actor, "mailrules.delete", _subject(owner), script=script.name)


def change_settings(
    actor: Actor, domain: Domain | None, *, folders: str | None = None, most_redirects: int | None = None
) -> RuleSettings:
    """What rules may do in a domain, or where a domain says nothing. Raises: Forbidden, Invalid."""
    actor.require_writing()
    require_rules(actor, domain)
    values: dict[str, object] = {}
    if folders is not None:
        if folders not in RuleSettings.Folders.values:
            raise Invalid(_("There is no such way."), field="folders")
        values["folders"] = folders
    if most_redirects is not None:
        if not 0 <= most_redirects <= MOST_REDIRECTS:
            text = _("From %(least)d to %(most)d.") % {"least": 0, "most": MOST_REDIRECTS}
            raise Invalid(text, field="most_redirects")
        values["most_redirects"] = most_redirects
    with transaction.atomic():
        row, _made = RuleSettings.objects.get_or_create(domain=domain)
        changes = change(row, values)
        if changes:
            audit.record(actor, "mailrules.settings", _subject(domain), changes=changes)
    return row


def forget_purged() -> int:
    """Scripts and notes of mailboxes that are no more, and old memories of answers, go (the clock calls this)."""
    gone = SieveScript.objects.filter(mailbox__status=Status.PURGED).delete()[0]
    gone += OutOfOffice.objects.filter(mailbox__status=Status.PURGED).delete()[0]
    return gone + VacationAnswer.objects.filter(until__lte=timezone.now()).delete()[0]


# --- the parts ---


def _named(name: str) -> str:
    clean = " ".join(name.split())
    if not 0 < len(clean) <= 100 or not clean.isprintable() or "/" in clean:
        raise Invalid(_("A name has 1 to 100 visible characters and no slash."), field="name")
    return clean


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _whose(owner: Owner) -> dict[str, object]:
    return {"mailbox": owner} if isinstance(owner, Mailbox) else {"domain": owner}


def _subject(owner: Owner) -> object:
    return owner if owner is not None else SERVER


def lock_owner(owner: Owner) -> None:
    """One change of an owner's scripts at a time."""
    if isinstance(owner, Mailbox):
        Mailbox.objects.select_for_update(of=("self",)).get(pk=owner.pk)
    elif owner is not None:
        Domain.objects.select_for_update(of=("self",)).get(pk=owner.pk)
    else:
        list(SieveScript.objects.select_for_update().filter(mailbox=None, domain=None))


def _activate(owner: Owner, script: SieveScript | None) -> None:
    of_owner(owner).filter(is_active=True).update(is_active=False)
    if script is not None:
        of_owner(owner).filter(pk=script.pk).update(is_active=True)
        script.is_active = True


def _check_room(owner: Owner, size: int, *, besides: int | None = None) -> None:
    """Raises: LimitReached."""
    if size > MOST_BYTES:
        raise Invalid(_("A script has at most %(most)d KiB.") % {"most": MOST_BYTES >> 10}, field="text")
    if not isinstance(owner, Mailbox):
        return
    quota = quotas.of_mailbox(owner)["sieve"].computed
    others = of_owner(owner) if besides is None else of_owner(owner).exclude(pk=besides)
    used = others.aggregate(used=Sum("size_bytes"))["used"] or 0
    if not quota.is_unlimited and used + size > quota.value:
        words = {"size": used + size, "quota": quota.value}
        raise LimitReached(_("The scripts would take %(size)d bytes; %(quota)d are allowed.") % words, field="text")


def _count(owner: Owner) -> None:
    if isinstance(owner, Mailbox):
        used = of_owner(owner).aggregate(used=Sum("size_bytes"))["used"] or 0
        Mailbox.objects.filter(pk=owner.pk).update(sieve_used_bytes=used)
        owner.sieve_used_bytes = used
