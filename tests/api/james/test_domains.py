"""Domains and their aliases, as James's clients make and read them."""

from __future__ import annotations

from accounts.models import AuditEvent
from domains.models import Domain, Status
from tests.api.james.conftest import James, refused


def test_a_domain_is_made_seen_listed_and_deleted_and_doing_it_twice_does_no_harm(james: James) -> None:
    for _ in range(2):
        assert james("PUT", "/domains/example.org").status_code == 204
    assert james("GET", "/domains/example.org").status_code == 204
    assert james("GET", "/domains").json() == ["example.org"]
    for _ in range(2):
        assert james("DELETE", "/domains/example.org").status_code == 204
    refused(james("GET", "/domains/example.org"), 404, "The domain list does not contain: example.org")
    assert james("GET", "/domains").json() == []
    assert Domain.objects.get().status == Status.DELETED
    assert james("PUT", "/domains/example.org").status_code == 204
    assert Domain.objects.get().status == Status.ENABLED
    assert set(AuditEvent.objects.filter(action__startswith="domain.").values_list("via", flat=True)) == {"james"}


def test_what_is_no_domain_is_refused_with_the_name_as_it_was_sent(james: James) -> None:
    refused(james("PUT", "/domains/a@b"), 400, "Invalid request for domain creation a@b")
    refused(james("PUT", "/domains/a%2Fb"), 400, "Invalid request for domain creation a/b")
    refused(james("PUT", "/domains/a/b"), 404, "PUT /domains/a/b can not be found", "notFound")
    assert james("PUT", "/domains/").status_code == james("DELETE", "/domains/").status_code == 404
    assert james("PUT", f"/domains/{'a.' * 130}b").status_code == 400


def test_an_empty_domain_becomes_an_alias_and_a_domain_again(james: James) -> None:
    james("PUT", "/domains/example.org")
    refused(james("PUT", "/domains/example.org/aliases/alias.org"), 404, "The domain list does not contain: alias.org")
    james("PUT", "/domains/alias.org")
    for _ in range(2):
        assert james("PUT", "/domains/example.org/aliases/Alias.Org").status_code == 204
    assert james("GET", "/domains/example.org/aliases").json() == [{"source": "alias.org"}]
    assert james("GET", "/domains").json() == ["alias.org", "example.org"]
    for part in ("aliases", "users"):  # it is a domain as any other, with nothing of its own
        assert james("GET", f"/domains/alias.org/{part}").json() == []
    james("PUT", "/domains/third.org")
    twice = james("PUT", "/domains/third.org/aliases/alias.org")
    refused(twice, 409, "alias.org is an alias of example.org already", "WrongState")
    james("DELETE", "/domains/third.org")
    same = "Source domain and destination domain can not have same value(example.org)"
    refused(james("PUT", "/domains/example.org/aliases/example.org"), 400, same)
    refused(james("DELETE", "/domains/example.org/aliases/example.org"), 400, same)
    none = "The following domain is not in the domain list and has no registered local aliases: never.org"
    refused(james("GET", "/domains/never.org/aliases"), 404, none)
    refused(james("DELETE", "/domains/a@b"), 400, "Invalid request for domain creation a@b")
    assert james("DELETE", "/domains/example.org/aliases/alias.org").status_code == 204
    assert james("GET", "/domains/example.org/aliases").json() == []
    assert Domain.objects.filter(name="alias.org", status=Status.ENABLED).exists()


def test_a_domain_with_something_in_it_never_becomes_an_alias(james: James) -> None:
    james("PUT", "/domains/example.org")
    james("PUT", "/domains/full.org")
    james("PUT", "/users/ada@full.org", {"password": "x"})
    assert james("PUT", "/domains/example.org/aliases/full.org").status_code == 409
    assert james("GET", "/domains/full.org/users").json() == ["ada@full.org"]


def test_data_of_a_domain_is_never_deleted_at_once(james: James) -> None:
    james("PUT", "/domains/example.org")
    found = refused(
        james("POST", "/domains/example.org?action=bad"), 400, "Invalid arguments supplied in the user request"
    )
    supported = "Supported values are [deleteData]"
    assert found["details"] == f"Invalid value supplied for query parameter 'action': bad. {supported}"
    assert james("POST", "/domains/example.org?action=deleteData").status_code == 400
