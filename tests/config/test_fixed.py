"""Queries that are put together once: they find what their queryset finds, for every value, and take one query."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from config.kit.fixed import Fixed, together
from domains.models import Address, Domain, Mailbox
from tests.domains.factories import make_domain, make_mailbox_in

pytestmark = pytest.mark.django_db


def test_a_fixed_query_finds_what_its_queryset_finds_whatever_the_value(django_assert_num_queries: Any) -> None:
    query = Fixed(lambda name: User.objects.filter(email__startswith="a", is_active=True, email=name), str)
    one, other = (User.objects.create(email=email) for email in ("a@example.org", "ab@example.org"))
    User.objects.create(email="b@example.org")
    for wanted, email in ((one, "a@example.org"), (other, "ab@example.org"), (None, "b@example.org"), (None, "%")):
        with django_assert_num_queries(1):
            assert query.first(email) == wanted


def test_related_objects_come_along_and_what_isnt_there_is_none(django_assert_num_queries: Any) -> None:
    mailbox = make_mailbox_in(make_domain("one.example"), "ada")
    query = Fixed(lambda key: Mailbox.objects.select_related("domain__customer", "user", "policy").filter(pk=key), int)
    query.first(0)
    with django_assert_num_queries(1):
        found = query.first(mailbox.pk)
        assert found is not None
        assert (found.domain.name, found.domain.customer, found.policy) == ("one.example", None, None)
        assert found.user is not None and found.user.email == "ada@one.example"
    assert found.policy_values == {}  # converted as its field says


def test_many_keys_are_one_value_and_none_is_no_row() -> None:
    domains = [make_domain(f"d{number}.example") for number in range(4)]
    query = Fixed(lambda keys: Domain.objects.filter(pk__among=keys).order_by("-name"), list)
    assert query.rows([domain.pk for domain in domains[:3]]) == domains[2::-1]
    assert query.rows([]) == []
    by_foreign_key = Fixed(lambda keys, kind: Address.objects.filter(domain_id__among=keys, kind=kind), list, str)
    make_mailbox_in(domains[1], "ada")
    assert [row.text for row in by_foreign_key.rows([domains[0].pk, domains[1].pk], "mailbox")] == ["ada@d1.example"]
    assert by_foreign_key.rows([domains[1].pk], "group") == []


def test_a_value_that_the_queryset_drops_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="not every value"):
        Fixed(lambda key, other: User.objects.filter(pk=key), int, int).rows(1, 2)


def test_questions_asked_together_have_their_own_answers_and_count_one_each(django_assert_num_queries: Any) -> None:
    domains = [make_domain(f"d{number}.example") for number in range(3)]
    mailbox = make_mailbox_in(domains[0], "ada")
    of_domains = Fixed(lambda keys: Domain.objects.filter(pk__among=keys).order_by("name"), list)
    of_mailbox = Fixed(lambda key: Mailbox.objects.filter(pk=key), int)
    for _ in range(2):  # prepared, then known
        with django_assert_num_queries(3):
            found = together(
                of_domains.asked([domains[2].pk, domains[0].pk]), of_mailbox.asked(mailbox.pk), of_domains.asked([])
            )
        assert found == [[domains[0], domains[2]], [mailbox], []]
