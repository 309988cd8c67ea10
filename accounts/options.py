"""Options: settings with a value on some levels, inherited by what lies below (user, domain, customer, broker, server).

An app defines its options when it starts; what nobody set has the catalogue's default. Reading is here and asks no
rights; writing is `services.options`. Not for fields that belong to one kind of object alone.

    define("PURGE_DAYS", OptionType.INTEGER, levels=DOWN_TO_DOMAIN, default=30, label=_("…"), group=_("…"))
    value("PURGE_DAYS", domain)                  # 30
    resolve("PURGE_DAYS", domain).source         # None: the default; else the scope that sets it
    resolve_many(["PURGE_DAYS"], domains)        # one query
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts import optiontypes, places, strictness
from accounts.errors import BadOption, UnknownOption
from accounts.models import OptionValue
from accounts.optiontypes import SECRET_TYPES, OptionType
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef, chain_of
from accounts.strictness import Stricter
from config.kit.fixed import Asked, Fixed
from config.kit.sealed import Sealed

if TYPE_CHECKING:
    from accounts.actors import Actor

Text = str | Promise

SERVER_ONLY = frozenset({Level.SERVER})
DOWN_TO_CUSTOMER = SERVER_ONLY | {Level.CUSTOMER}
DOWN_TO_DOMAIN = DOWN_TO_CUSTOMER | {Level.DOMAIN}
EVERY_LEVEL = DOWN_TO_DOMAIN | {Level.USER}


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of the catalogue.

    values: the only values allowed (of a LIST: the only items); none: any. minimum, maximum, unit: of an INTEGER.
    restricted: only who may change the server's settings sets it. personal: people may set it for themselves.
    guard: asked before a person sets it (the value it would have then); raises BadOption for what takes more than that.
    strict: of an option of safety, what makes a value stricter: levels can then only narrow what holds above them.
    """

    name: str
    type: OptionType
    levels: frozenset[Level]
    label: Text
    group: Text
    default: Any = None
    help: Text = ""
    restricted: bool = False
    personal: bool = False
    values: tuple[tuple[str, Text], ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    unit: Text = ""
    guard: Callable[[Actor, Any], None] | None = None
    strict: Stricter | None = None

    @property
    def is_secret(self) -> bool:
        return self.type in SECRET_TYPES

    def parse(self, value: object) -> Any:
        """A value as it is kept. Raises: BadOption."""
        read = optiontypes.parse(self.type, value)
        allowed = {key for key, _label in self.values}
        if allowed and any(each not in allowed for each in (read if isinstance(read, list) else [read])):
            raise BadOption(_("This is none of the values that are possible here."))
        if isinstance(read, int) and not isinstance(read, bool):
            self._check_bounds(read)
        return read

    def narrowed(self, above: Any, own: Any) -> Any:
        """What counts on a level that says `own` where `above` holds."""
        if self.strict is None:
            return own
        return strictness.stricter(self.strict, above, own, [key for key, _label in self.values])

    def may_follow(self, above: Any, own: Any) -> bool:
        """Whether a level may say `own` where `above` holds."""
        values = [key for key, _label in self.values]
        return self.strict is None or strictness.is_within(self.strict, above, own, values)

    def to_text(self, value: Any) -> str:
        """A value as one text; secrets stay secret."""
        return optiontypes.to_text(self.type, value)

    def _check_bounds(self, number: int) -> None:
        if self.minimum is not None and number < self.minimum:
            raise BadOption(_("This must be at least %(least)d.") % {"least": self.minimum})
        if self.maximum is not None and number > self.maximum:
            raise BadOption(_("This may be at most %(most)d.") % {"most": self.maximum})


@dataclass(frozen=True, slots=True)
class Resolved:
    """The value that counts for an object, and where it comes from.

    source: the scope that sets it, None where nobody does and the default counts. is_own: set on the object itself;
    own: to what, also where it doesn't count, since a level above is stricter by now (`accounts.strictness`).
    inherited: what would count without the object's own value. Of a PASSWORD the value is a `Sealed` (or None), of
    CREDENTIALS {"username": text, "password": Sealed}.
    """

    option: Option
    value: Any
    source: ScopeRef | None
    is_own: bool
    inherited: Any
    own: Any = None

    @property
    def text(self) -> str:
        return self.option.to_text(self.value)


_catalogue: dict[str, Option] = {}


def define(
    name: str,
    type: OptionType,
    *,
    levels: Iterable[Level],
    label: Text,
    group: Text,
    default: Any = None,
    values: Sequence[str] | Sequence[tuple[str, Text]] = (),
    **more: Any,
) -> Option:
    """Put an option into the catalogue, in `AppConfig.ready()`. Names are UPPER_CASE and stay for ever.

    values: texts, or (text, label) pairs. more: help, restricted, personal, minimum, maximum, unit, guard,
    strict.
    """
    pairs = tuple((each, each) if isinstance(each, str) else each for each in values)
    option = Option(name, type, frozenset(levels), label, group, default, values=pairs, **more)
    if default not in (None, "") and not option.is_secret:
        option.parse(default)  # a default that breaks its own rules is a mistake of ours
    _catalogue[name] = option
    return option


def catalogue(level: Level | None = None) -> list[Option]:
    """All options (of one level), in the order of their definition."""
    return [option for option in _catalogue.values() if level is None or level in option.levels]


def get(name: str) -> Option:
    """Raises: UnknownOption."""
    try:
        return _catalogue[name]
    except KeyError:
        raise UnknownOption(name) from None


def value(name: str, obj: object | None = None) -> Any:
    """The value that counts for an object; without one: for the server."""
    return resolve(name, obj).value


def resolve(name: str, obj: object | None = None) -> Resolved:
    """The value that counts for an object (or scope), with its source; one query."""
    return resolve_some([name], obj)[name]


def resolve_some(names: Iterable[str], obj: object | None = None) -> dict[str, Resolved]:
    """Several options of one object; one query."""
    return resolve_many(names, [obj])[0]


def resolve_all(obj: object | None = None) -> dict[str, Resolved]:
    """Every option that can be set on this very scope; one query. Raises: TypeError for what is no scope."""
    own = SERVER if obj is None else places.scope_of(obj)
    return resolve_some([option.name for option in catalogue(own.level)], obj)


def resolve_many(names: Iterable[str], objects: Sequence[object | None]) -> list[dict[str, Resolved]]:
    """Several options of many objects, in their order; one query, however many they are."""
    asked = question(names, objects)
    return asked.answers(asked.query.rows())


def question(names: Iterable[str], objects: Sequence[object | None]) -> Question:
    """`resolve_many` in two steps, so that its query can go together with others (config.kit.fixed)."""
    options = [get(name) for name in names]
    chains = [places.chain(obj) if isinstance(obj, ScopeRef) else chain_of(obj) for obj in objects]
    scopes = {scope for chain in chains for scope in chain}
    by_level = [[scope.id for scope in scopes if scope.level == level] for level in Level]
    return Question(options, chains, _VALUES.asked([option.name for option in options], *by_level))


@dataclass(frozen=True, slots=True)
class Question:
    """What `resolve_many` asks the database, and how it reads the answer."""

    options: list[Option]
    chains: list[tuple[ScopeRef, ...]]
    query: Asked[OptionValue]

    def answers(self, rows: Iterable[OptionValue]) -> list[dict[str, Resolved]]:
        found = {(ScopeRef(Level(row.level), row.object_id), row.name): stored_value(row) for row in rows}
        return [{each.name: _resolved(each, chain, found) for each in self.options} for chain in self.chains]


def stored_value(row: OptionValue) -> Any:
    """What a row says, secrets still sealed."""
    option = _catalogue.get(row.name)
    if option is not None and option.type == OptionType.PASSWORD:
        return row.secret or None
    if option is not None and option.type == OptionType.CREDENTIALS:
        return {"username": row.value.get("username", ""), "password": row.secret}
    return row.value


def reveal(resolved: Resolved) -> str:
    """The secret itself, for whoever really uses it ("" where there is none)."""
    kept = resolved.value.get("password") if isinstance(resolved.value, dict) else resolved.value
    return kept.reveal() if isinstance(kept, Sealed) else str(kept or "")


def _values(names: list[str], *ids: list[int]) -> QuerySet[OptionValue]:
    where = Q(pk__in=[])
    for level, some in zip(Level, ids, strict=True):
        where |= Q(level=level, object_id__among=some)
    return OptionValue.objects.filter(where, name__among=names)


_VALUES = Fixed(_values, list, *[list for _level in Level])  # most requests ask for some


def _resolved(option: Option, chain: tuple[ScopeRef, ...], found: dict[tuple[ScopeRef, str], Any]) -> Resolved:
    """From the server down; a value on a level the option has lost doesn't count any more."""
    value, source = option.default, None
    is_own, inherited, own = False, value, None
    for scope in reversed(chain):
        if scope.level not in option.levels or (scope, option.name) not in found:
            continue
        said = found[scope, option.name]
        is_first = source is None and scope.level == Level.SERVER
        counts = said if is_first else option.narrowed(value, said)
        if scope == chain[0]:
            is_own, inherited, own = True, value, said
        if option.strict is None or is_first or counts != value:
            value, source = counts, scope
    return Resolved(option, value, source, is_own, inherited if is_own else value, own)
