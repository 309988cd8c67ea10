"""Which source is responsible for an address, and for whom a source may speak. Reads only; nothing here is asked of it.

A source serves the domains of its own scope that chose it, or inherit it; nearest choice first. It speaks for somebody
only as far as whoever configured it could have: else the administrator of a domain, who may point a source to a server
of their own, could sign in as anybody who has an address there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from accounts import holdings, places, ties
from accounts.models import Source, SourceChoice, User
from accounts.permissions import known_rights
from accounts.scopes import SERVER, ScopeRef

LOCAL_ONLY, SOURCE_ONLY = "local", "directoryServices"  # User.authentication, beside "integrated": as the domain says


@dataclass(frozen=True, slots=True)
class Chosen:
    """What holds on a scope. source: None for passwords kept here. at: where it was chosen; None where nobody did."""

    source: Source | None = None
    at: ScopeRef | None = None


def chain_of_address(address: str) -> tuple[ScopeRef, ...]:
    """The scopes of the domain of an address; of one elsewhere the server alone."""
    scope = ties.scope_of_address(address)
    return (SERVER,) if scope is None else places.chain(scope)


def source_for(address: str) -> Source | None:
    """The source that is asked about people of this address; None: passwords kept here."""
    return chosen(chain_of_address(address)).source


def chosen(chain: Iterable[ScopeRef]) -> Chosen:
    """The nearest choice along a chain of scopes, of sources whose word counts and whose own scope is in it.

    A choice that doesn't count (its source lies elsewhere, since the domain moved) is as if it weren't there.
    """
    scopes = tuple(chain)
    found = {each.scope: each for each in _choices(scopes)}
    for scope in scopes:
        choice = found.get(scope)
        if choice is None:
            continue
        if choice.source is None:
            return Chosen(None, scope)
        if choice.source.counts and choice.source.scope in scopes:
            return Chosen(choice.source, scope)
    return Chosen()


def serves(source: Source, address: str) -> bool:
    """Whether the source is the one responsible for this address."""
    found = source_for(address)
    return found is not None and found.pk == source.pk


def speaks_for(source: Source, user: User) -> bool:
    """Whether this source's word is enough for all that somebody holds."""
    if user.is_administrator:
        return source.speaks_for_all
    return covers(source, holdings.of(user))


def covers(source: Source, held: Iterable[holdings.Held]) -> bool:
    """Whether rights on scopes lie within what whoever configured the source held, on its own scope."""
    authority = None if source.authority is None else known_rights(source.authority)
    return all(
        (authority is None or each.rights <= authority) and source.scope in places.chain(each.scope) for each in held
    )


def takes_password_here(source: Source | None, user: User) -> bool:
    """Whether a password that is kept here counts for somebody whose domain has this source.

    A dead source locks out no server administrator who has one, nor anybody for whom it may not speak.
    """
    if user.authentication == SOURCE_ONLY:
        return False
    if source is None or user.authentication == LOCAL_ONLY or user.is_administrator:
        return True
    held = holdings.of(user)
    return bool(held) and (source.local_for_administrators or not covers(source, held))


def sources_of_domains(domains: Mapping[int, tuple[ScopeRef, ...]]) -> dict[int, Source | None]:
    """The source of each of these domains, by their chains of scopes; one query."""
    wanted = {scope for chain in domains.values() for scope in chain}
    found = {each.scope: each for each in _choices(tuple(wanted))}
    answer: dict[int, Source | None] = {}
    for key, chain in domains.items():
        answer[key] = None
        for scope in chain:
            choice = found.get(scope)
            if choice is None:
                continue
            if choice.source is None or (choice.source.counts and choice.source.scope in chain):
                answer[key] = choice.source
                break
    return answer


def _choices(scopes: tuple[ScopeRef, ...]) -> list[SourceChoice]:
    levels = {scope.level for scope in scopes}
    ids = {scope.id for scope in scopes}
    rows = SourceChoice.objects.filter(level__in=levels, object_id__in=ids).select_related("source")
    return [each for each in rows if each.scope in scopes]
