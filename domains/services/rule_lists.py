"""Many filters at once, all or nothing: added, or instead of those that are there; and of any owners in one call.

Whatever is wrong names the entry: the error's `field` is "3.value" for the fourth entry's value. Not for one rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from config.kit.versions import change
from domains.errors import DomainsError, Invalid, Taken
from domains.models import SenderRule
from domains.policy.rules import RuleKind
from domains.selectors import find_domain
from domains.selectors.rules import find_mailbox
from domains.services import rules
from domains.services.rule_values import KINDS, Kind, Owner, RuleRow, checked, same_key

Values = Mapping[str, Any]
BATCH = 1_000


@dataclass(frozen=True)
class Replaced:
    """What replacing did: the rules as they are now, in the order given, and how many came, changed and went."""

    rules: list[RuleRow]
    added: int
    changed: int
    removed: int


def create_rules(actor: Actor, kind: RuleKind, owner: Owner, entries: Iterable[Values]) -> list[RuleRow]:
    """Add rules (ordered ones at the end), all or none. Values as for `rules.create_rule`.

    Raises: Forbidden, Invalid, Taken, LimitReached (`field` names the entry).
    """
    rules.require_rules(actor, kind, owner)
    info = KINDS[kind]
    wanted = _checked(info, owner, entries)
    with transaction.atomic():
        rules.hold(owner)
        return _add(actor, info, owner, wanted)


def replace_rules(actor: Actor, kind: RuleKind, owner: Owner, entries: Iterable[Values]) -> Replaced:
    """Exactly these rules from now on, in this order. A rule that was there already keeps its id.

    Raises: as create_rules.
    """
    rules.require_rules(actor, kind, owner)
    info = KINDS[kind]
    wanted = _checked(info, owner, entries)
    with transaction.atomic():
        rules.hold(owner)
        rules.require_room(info, owner, len(wanted))
        kept = {same_key(info, row): row for row in rules.rows_of(info, owner)}
        asked = {same_key(info, fields) for fields in wanted}
        gone = [row for key, row in kept.items() if key not in asked]
        _remove(actor, info, gone)
        changed = 0
        for fields in wanted:
            row = kept.get(same_key(info, fields))
            changed += row is not None and _change(actor, info, row, fields)
        fresh = [fields for fields in wanted if same_key(info, fields) not in kept]
        made = {same_key(info, row): row for row in _insert(actor, info, owner, fresh)}
        found = [made.get(same_key(info, fields)) or kept[same_key(info, fields)] for fields in wanted]
        if info.is_ordered:
            _put_in_order(info, found)
        rules.told(owner)
    return Replaced(found, len(fresh), changed, len(gone))


def create_sender_rules(actor: Actor, entries: Sequence[Values]) -> list[SenderRule]:
    """Sender rules of any owners, all or none: each entry names its `owner`, a domain or a mailbox's address.

    The rules come in the order of the entries. Raises: Http404 (an owner that doesn't exist or isn't theirs to see;
    the text names the entry), Forbidden (likewise), Invalid, Taken, LimitReached (`field` names the entry).
    """
    by_owner: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        owner = entry.get("owner")
        if not isinstance(owner, str):
            raise Invalid(_("This is needed."), field=f"{place}.owner")
        by_owner.setdefault(owner.strip().lower(), []).append(place)
    owners = {text: _owner(actor, text, places[0]) for text, places in by_owner.items()}
    grouped: dict[tuple[str, int], tuple[Owner, list[int]]] = {}
    for text, places in by_owner.items():  # two spellings of one owner are one
        owner = owners[text]
        grouped.setdefault((type(owner).__name__, owner.pk), (owner, []))[1].extend(places)
    info, made = KINDS[RuleKind.SENDER], dict[int, RuleRow]()
    with transaction.atomic():
        for _key, (owner, unsorted) in sorted(grouped.items()):  # always in the same order: no deadlock
            places = sorted(unsorted)
            own = [{name: value for name, value in entries[place].items() if name != "owner"} for place in places]
            wanted = _checked(info, owner, own, places)
            rules.hold(owner)
            made |= dict(zip(places, _add(actor, info, owner, wanted, places), strict=True))
    return [made[place] for place in sorted(made)]  # type: ignore[misc]


def delete_rules(actor: Actor, rows: Iterable[RuleRow]) -> int:
    """Forget these rules, of whatever owners and kinds; how many. Raises: Forbidden (then none is deleted)."""
    groups: dict[tuple[str, str, int], list[RuleRow]] = {}
    for row in rows:
        owner = rules.owner_of(row)
        groups.setdefault((type(row).__name__, type(owner).__name__, owner.pk), []).append(row)
    with transaction.atomic():
        for _key, group in sorted(groups.items()):
            info, owner = KINDS[_kind_of(group[0])], rules.owner_of(group[0])
            rules.require_rules(actor, info.kind, owner)
            rules.hold(owner)
            _remove(actor, info, group)
            if info.is_ordered:
                rules.number(info, owner)
            rules.told(owner)
    return sum(len(group) for group in groups.values())


def _kind_of(row: RuleRow) -> RuleKind:
    return next(kind for kind, info in KINDS.items() if info.model is type(row))


def _owner(actor: Actor, text: str, place: int) -> Owner:
    """Raises: Http404, Forbidden; the text names the entry."""
    found: Owner | None = find_mailbox(actor, text) if "@" in text else find_domain(actor, text)
    if found is None:
        raise Http404(_("Entry %(number)d: there is no %(owner)s.") % {"number": place + 1, "owner": text[:254]})
    try:
        rules.require_rules(actor, RuleKind.SENDER, found)
    except Forbidden as error:
        raise Forbidden(f"entry {place + 1}: {error}") from error
    return found


def _checked(
    info: Kind, owner: Owner, entries: Iterable[Values], places: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """All entries in canonical form, none twice. Raises: Invalid, Taken."""
    text = rules.owner_text(owner)
    found: list[dict[str, Any]] = []
    seen: dict[tuple[Any, ...], int] = {}
    for number, entry in enumerate(entries):
        place = number if places is None else places[number]
        rules.require_room(info, owner, number + 1)
        try:
            fields = checked(info, text, entry)
        except Invalid as error:
            raise _of_entry(error, place) from error
        first = seen.setdefault(same_key(info, fields), place)
        if first != place:
            raise _of_entry(Taken(_("The same as entry %(number)d.") % {"number": first + 1}, field=info.main), place)
        found.append(fields)
    return found


def _of_entry(error: DomainsError, place: int) -> DomainsError:
    said = _("Entry %(number)d: %(problem)s") % {"number": place + 1, "problem": str(error)}
    return type(error)(said, field=f"{place}.{error.field}" if error.field else str(place))


def _add(
    actor: Actor, info: Kind, owner: Owner, wanted: Sequence[dict[str, Any]], places: Sequence[int] | None = None
) -> list[RuleRow]:
    rows = rules.rows_of(info, owner)
    there = {tuple(each) for each in rows.values_list(*info.same)}
    for number, fields in enumerate(wanted):
        if same_key(info, fields) in there:
            raise _of_entry(rules.taken(info), number if places is None else places[number])
    rules.require_room(info, owner, len(there) + len(wanted))
    made = _insert(actor, info, owner, wanted, first=len(there) + 1)
    rules.told(owner)
    return made


def _insert(
    actor: Actor, info: Kind, owner: Owner, wanted: Iterable[dict[str, Any]], *, first: int = 1
) -> list[RuleRow]:
    made = [rules.new_row(info, owner, fields) for fields in wanted]
    if info.is_ordered:
        for place, row in enumerate(made, start=first):
            setattr(row, "priority", place)  # noqa: B010
    info.rows().bulk_create(made, batch_size=BATCH)
    events: list[AuditEvent] = []
    for row in made:
        fields = {name: getattr(row, name) for name in info.defaults if name != "subdomains"}
        events.append(audit.build(actor, f"{info.event}.create", row, **rules.said(fields)))
    audit.record_many(events)
    return made


def _change(actor: Actor, info: Kind, row: RuleRow, fields: dict[str, Any]) -> bool:
    changes = change(row, fields) if any(getattr(row, name) != value for name, value in fields.items()) else {}
    if changes:
        audit.record(actor, f"{info.event}.update", row, changes=changes)
    return bool(changes)


def _remove(actor: Actor, info: Kind, rows: Sequence[RuleRow]) -> None:
    events = []
    for row in rows:
        fields = {name: getattr(row, name) for name in info.defaults if name != "subdomains"}
        events.append(audit.build(actor, f"{info.event}.delete", row, **rules.said(fields)))
    audit.record_many(events)
    info.rows().filter(pk__in=[row.pk for row in rows]).delete()


def _put_in_order(info: Kind, rows: Sequence[RuleRow]) -> None:
    moved = []
    for place, row in enumerate(rows, start=1):
        if getattr(row, "priority") != place:  # noqa: B009
            setattr(row, "priority", place)  # noqa: B010
            moved.append(row)
    info.rows().bulk_update(moved, ["priority"], batch_size=BATCH)
