"""Exporting the configuration, showing what an import would change, and importing: for system administrators only.

An import is one transaction; each object goes through the service that its page uses, with the importer's own rights.
What a file doesn't mention stays; objects that it lacks are removed only where that is asked for.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import DatabaseError, transaction
from django.http import Http404
from django.utils.translation import gettext as _

from accounts import audit, proving
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import PERSONAL_RIGHTS, Right
from accounts.scopes import SERVER
from config.kit.sealed import MASK
from jobs.configuration import files
from jobs.configuration.parts import Need, Objects, Part, Secret, Values, all_parts
from jobs.errors import BadValue

logger = logging.getLogger("postkeep.system")
SHOWN = 200
MISSING_NAMED = 5
# What services raise for values of kinds that no form or schema lets through.
MISTAKEN = (Http404, DatabaseError, TypeError, ValueError, LookupError, AttributeError)


@dataclass(frozen=True, slots=True)
class Field:
    """One value that would change; texts for people, None for nothing."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """What would happen to one object. action: add, change, remove, or stay (it is not in the file)."""

    part: Part
    key: str
    action: str
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Unset:
    """A secret that the file only marks and that isn't set here: somebody has to. is_left_out: its object can't be made
    without it, so the import left that out.
    """

    part: Part
    key: str
    name: str
    is_left_out: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know of an object. is_missing: it leans on something that is neither here nor in the file."""

    part: Part
    key: str
    text: str
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Diff:
    """What an import would do. fingerprint: of all of it, so that what was looked at is what is done.

    unset: the secrets that remain to be set afterwards. remarks: what else to know before it is done; what is missing
    for it, an import refuses.
    """

    changes: list[Change]
    unset: list[Unset] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def count(self, action: str) -> int:
        return sum(change.action == action for change in self.changes)

    @property
    def numbers(self) -> dict[str, int]:
        return {action: self.count(action) for action in ("add", "change", "remove", "stay")}

    @property
    def does_something(self) -> bool:
        return any(change.action != "stay" for change in self.changes)

    @property
    def fingerprint(self) -> str:
        said = [[c.part.name, c.key, c.action, [[f.name, f.old, f.new] for f in c.fields]] for c in self.changes]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def export_configuration(actor: Actor, *, parts: Collection[str] | None = None, passphrase: str = "") -> str:
    """The file's text; of these parts, or all. Raises: Forbidden, ProofNeeded, BadValue."""
    require_whole(actor)
    proving.require_recent(actor)
    chosen = _chosen(parts)
    with transaction.atomic():
        text = files.write({part.name: part.read() for part in chosen}, passphrase)
        names = [part.name for part in chosen]
        audit.record(actor, "configuration.export", None, parts=names, with_secrets=bool(passphrase))
    return text


def compare(
    actor: Actor, wanted: Mapping[str, Objects], *, parts: Collection[str] | None = None, removes: bool = False
) -> Diff:
    """What importing these parts would do. Raises: Forbidden, BadValue (a part that nobody knows)."""
    require_whole(actor)
    known = {part.name for part in all_parts()}
    unknown = sorted(set(wanted) - known)
    if unknown:
        raise BadValue(_("There is no part “%(name)s” here.") % {"name": unknown[0][:60]}, field="configuration")
    changes: list[Change] = []
    unset: list[Unset] = []
    remarks: list[Remark] = []
    chosen = [part for part in _chosen(parts) if part.name in wanted]
    known_objects = _Known({part.name: wanted[part.name] for part in chosen}, removes)
    for part in chosen:
        present = known_objects.present(part.name)
        changes += _compare(part, wanted[part.name], present, removes)
        unset += _unset(part, wanted[part.name], present)
        remarks += _remarks(part, wanted[part.name], present, known_objects)
    return Diff(changes, unset, remarks)


def import_configuration(
    actor: Actor,
    wanted: Mapping[str, Objects],
    *,
    parts: Collection[str] | None = None,
    removes: bool = False,
    expected: str | None = None,
) -> Diff:
    """Do what `compare` says, all or nothing. expected: the fingerprint of what was looked at.

    Only what can't be made without a secret that the file doesn't say is left out, and told of (`Diff.unset`).

    Raises: Forbidden, ProofNeeded, BadValue (naming the object that is refused, or that things changed since they were
    looked at).
    """
    require_whole(actor)
    actor.require_writing()
    proving.require_recent(actor)
    with transaction.atomic():
        diff = compare(actor, wanted, parts=parts, removes=removes)
        _require_complete(diff)
        if expected is not None and expected != diff.fingerprint:
            raise BadValue(_("Something changed since you looked at it. Look again."), field="configuration")
        left_out = set()
        for change in diff.changes:
            if change.action in ("add", "change") and not _save(actor, change, wanted[change.part.name][change.key]):
                left_out.add((change.part.name, change.key))
        for change in reversed(diff.changes):
            if change.action == "remove":
                _remove(actor, change)
        names = sorted({change.part.name for change in diff.changes if change.action != "stay"})
        audit.record(actor, "configuration.import", None, parts=names, numbers=diff.numbers)
    unset = [replace(each, is_left_out=(each.part.name, each.key) in left_out) for each in diff.unset]
    return replace(diff, unset=unset)


def require_whole(actor: Actor) -> None:
    """A whole configuration is no delegate's: only who holds every right on the server may ask for it.

    A token of a system administrator may, if it lets everything; what takes a person in person its services refuse.
    Raises: Forbidden.
    """
    actor.require(Right.MANAGE_SERVER)
    person = actor.user
    is_whole = person is not None and person.is_administrator and actor.holds(set(Right) - PERSONAL_RIGHTS, SERVER)
    if not actor.is_administrator and not is_whole:
        raise Forbidden("only system administrators export and import the configuration")


def _chosen(names: Collection[str] | None) -> list[Part]:
    """Raises: BadValue."""
    known = all_parts()
    if names is None:
        return known
    unknown = sorted(set(names) - {part.name for part in known})
    if unknown:
        raise BadValue(_("There is no part “%(name)s” here.") % {"name": unknown[0][:60]}, field="parts")
    return [part for part in known if part.name in names]


# --- what objects lean on --------------------------------------------------------------------------------------------


class _Known:
    """What is here and what a file brings, part by part; each part is read once."""

    def __init__(self, wanted: Mapping[str, Objects], removes: bool) -> None:
        self._wanted = wanted
        self._removes = removes
        self._present: dict[str, Objects] = {}
        self._parts = {part.name: part for part in all_parts()}

    def present(self, name: str) -> Objects:
        if name not in self._present:
            self._present[name] = self._parts[name].read()
        return self._present[name]

    def has(self, need: Need) -> bool:
        """Whether it will be there."""
        keys = {need.key, *need.others}
        if keys & set(self._wanted.get(need.part, {})):
            return True
        part = self._parts[need.part]
        goes = self._removes and part.remove is not None and need.part in self._wanted
        return not goes and bool(keys & set(self.present(need.part)))

    def label(self, name: str) -> Any:
        return self._parts[name].label


def _remarks(part: Part, wanted: Objects, present: Objects, known: _Known) -> Iterable[Remark]:
    for key in sorted(wanted):
        try:
            needs = list(dict.fromkeys(part.needs(key, wanted[key]) if part.needs else ()))
            said = list(part.remarks(wanted[key], present.get(key)) if part.remarks else ())
        except MISTAKEN:  # values of other kinds: whoever saves it says so
            continue
        for need in needs:
            if not known.has(need):
                text = _("There is no “%(key)s” here, nor in the file (%(part)s).")
                yield Remark(part, key, text % {"key": need.key[:200], "part": known.label(need.part)}, is_missing=True)
        yield from (Remark(part, key, each) for each in said)


def _require_complete(diff: Diff) -> None:
    """Raises: BadValue, naming the first few things that are missing."""
    missing = [each for each in diff.remarks if each.is_missing]
    if missing:
        said = " ".join(f"{each.part.label}, {each.key[:200]}: {each.text}" for each in missing[:MISSING_NAMED])
        raise BadValue(f"{said} …" if len(missing) > MISSING_NAMED else said, field="configuration")


# --- comparing -------------------------------------------------------------------------------------------------------


def _compare(part: Part, wanted: Objects, present: Objects, removes: bool) -> Iterable[Change]:
    for key in sorted(wanted):
        if key not in present:
            fields = tuple(Field(name, None, _shown(value)) for name, value in sorted(wanted[key].items()))
            yield Change(part, key, "add", fields)
        elif differing := tuple(each for each in _differing(wanted[key], present[key]) if each.name not in part.tells):
            yield Change(part, key, "change", differing)
    for key in sorted(set(present) - set(wanted)):
        yield Change(part, key, "remove" if removes and part.remove is not None else "stay")


def _differing(wanted: Values, present: Values) -> Iterable[Field]:
    """What the file says otherwise; what it doesn't say, and secrets that it left out, stay."""
    for name in sorted(wanted):
        new, old = wanted[name], present.get(name)
        if _is_unsaid(new) or _same(new, old):
            continue
        yield Field(name, None if old is None else _shown(old), _shown(new))


def _is_unsaid(value: Any) -> bool:
    return isinstance(value, Secret) and value.plain is None


def _same(new: Any, old: Any) -> bool:
    if isinstance(new, Secret) or isinstance(old, Secret):
        return isinstance(new, Secret) and isinstance(old, Secret) and new.plain == old.plain
    return bool(json.dumps(new, sort_keys=True) == json.dumps(old, sort_keys=True))


def _unset(part: Part, wanted: Objects, present: Objects) -> Iterable[Unset]:
    """Secrets that the file doesn't say, of objects that have none here."""
    for key in sorted(wanted):
        kept = _secrets(present.get(key, {}))
        there = {name for name, secret in kept if secret.plain is not None or secret.is_here}
        for name, secret in _secrets(wanted[key]):
            if secret.plain is None and name not in there:
                yield Unset(part, key, name)


def _secrets(value: Any, name: str = "") -> Iterable[tuple[str, Secret]]:
    """Those in a value, each by the names that lead to it."""
    if isinstance(value, Secret):
        yield name, value
    elif isinstance(value, dict | list):
        for inner, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _secrets(each, f"{name}/{inner}" if name else str(inner))


def _shown(value: Any) -> str:
    if isinstance(value, Secret):
        return MASK
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=lambda each: MASK)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


# --- doing -----------------------------------------------------------------------------------------------------------


def _save(actor: Actor, change: Change, values: Values) -> bool:
    """Whether it was; False for a new object that lacks a secret which the file doesn't say."""
    present = change.part.read().get(change.key) if change.action == "change" else None
    try:
        with transaction.atomic():
            change.part.save(actor, change.key, files.plain(values), present)
    except Exception as error:
        refusal = _refusal(change, error)
        lacks = any(secret.plain is None for _name, secret in _secrets(values))
        if change.action == "add" and lacks and isinstance(refusal, BadValue):
            logger.info("%s %s is left out of the import: it lacks a secret", change.part.name, change.key)
            return False
        raise refusal from error
    return True


def _remove(actor: Actor, change: Change) -> None:
    assert change.part.remove is not None
    try:
        with transaction.atomic():
            change.part.remove(actor, change.key)
    except Exception as error:
        raise _refusal(change, error) from error


def _refusal(change: Change, error: Exception) -> Exception:
    """In words with the object's name. Errors of ours say why; others mean that the values have other kinds."""
    if isinstance(error, Forbidden):
        return error
    is_ours = hasattr(error, "permanent") and str(error)
    if not is_ours and not isinstance(error, MISTAKEN):
        return error
    if not is_ours:
        logger.warning("the object %s of %s can't be imported", change.key, change.part.name, exc_info=error)
    why = str(error) if is_ours else _("its values aren't of the kinds that are wanted here.")
    said = {"part": change.part.label, "key": change.key[:200], "why": why}
    return BadValue(_("%(part)s, %(key)s: %(why)s") % said, field="configuration")
