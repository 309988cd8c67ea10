"""The invented directory: uneven, unique, and the same for the same seed."""

from __future__ import annotations

import pytest

from benchmarks.invented import Directory


@pytest.mark.parametrize(
    ("mailboxes", "domains", "customers"), [(1, 1, 1), (50, 8, 3), (1000, 100, 10), (90_000, 900, 70)]
)
def test_it_has_exactly_what_was_asked_for(mailboxes: int, domains: int, customers: int) -> None:
    directory = Directory(mailboxes, domains, customers)
    assert len({domain.name for domain in directory.domains}) == domains
    assert {domain.customer for domain in directory.domains} == set(range(customers))
    assert len(set(directory.customers)) == customers
    people = [(domain.name, person.local) for domain in directory.domains for person in directory.people(domain)]
    assert len(people) == len(set(people)) == mailboxes


def test_it_is_uneven_as_in_life() -> None:
    directory = Directory(1_000_000, 10_000, 300)
    sizes = sorted((domain.size for domain in directory.domains), reverse=True)
    assert sizes[0] > 40_000
    assert sum(sizes[:500]) > 500_000
    assert sizes[5000] < 30
    assert directory.domain_counts[:2] == [2000, 1000]
    assert min(directory.domain_counts) == 1


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    def names(seed: int) -> list[object]:
        directory = Directory(1000, 40, 5, seed=seed)
        return [directory.customers, directory.domains, list(directory.people(directory.domains[3]))]

    assert names(1) == names(1)
    assert names(1) != names(2)


def test_some_domains_are_internationalised_and_every_local_part_is_ascii() -> None:
    directory = Directory(2000, 100, 5)
    assert 4 <= sum(not domain.name.isascii() for domain in directory.domains) <= 10
    assert all(domain.name == domain.name.encode("idna").decode("idna") for domain in directory.domains)
    assert all(person.local.isascii() for domain in directory.domains for person in directory.people(domain))
