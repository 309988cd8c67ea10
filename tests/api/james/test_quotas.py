"""Quotas of the server, domains and users; how large scripts may be; who is nearly full."""

from __future__ import annotations

import pytest

from jobs import services
from jobs.models import Task
from tests.api.james.conftest import James, refused

WRONG = "Invalid quota. Need to be an integer value greater or equal to -1"


@pytest.fixture(autouse=True)
def ada(james: James) -> None:
    james("PUT", "/domains/example.org")
    james("PUT", "/users/ada@example.org", {"password": "x"})


@pytest.mark.parametrize("place", ["/quota", "/quota/domains/example.org", "/quota/users/ada@example.org"])
def test_numbers_are_set_read_and_unset_at_every_level(james: James, place: str) -> None:
    for name in ("count", "size"):
        assert james("GET", f"{place}/{name}").status_code == 204
        assert james("PUT", f"{place}/{name}", "42", content_type="text/plain").status_code == 204
        assert james("GET", f"{place}/{name}").json() == 42
        assert james("PUT", f"{place}/{name}", "-1").status_code == 204
        found = refused(james("PUT", f"{place}/{name}", "invalid"), 400, WRONG)
        assert found["details"] == 'For input string: "invalid"'
        for number in ("-2", "9" * 30, "1.5", "", "٤٢"):
            refused(james("PUT", f"{place}/{name}", number), 400, WRONG)
        assert james("DELETE", f"{place}/{name}").status_code == 204
        assert james("GET", f"{place}/{name}").status_code == 204
    assert james("PUT", place, {"count": 52, "size": 42}).status_code == 204
    refused(james("PUT", place, {"count": 40, "size": -19}), 400, WRONG)
    refused(james("PUT", place, {"count": "x"}), 400, "JSON payload of the request is not valid")
    assert james("GET", f"{place}/count").json() == 52
    assert james("PUT", place, {"size": 43}).status_code == 204
    assert james("GET", f"{place}/count").status_code == 204


def test_what_counts_is_the_most_specific_that_is_set(james: James) -> None:
    james("PUT", "/quota/count", "252")
    james("PUT", "/quota/domains/example.org/size", "142")
    assert james("GET", "/quota/domains/example.org").json() == {
        "global": {"count": 252, "size": None},
        "domain": {"count": None, "size": 142},
        "computed": {"count": 252, "size": 142},
    }
    james("PUT", "/quota/users/ada@example.org/count", "52")
    found = james("GET", "/quota/users/ada@example.org").json()
    assert found["user"] == {"count": 52, "size": None} and found["computed"] == {"count": 52, "size": 142}
    assert found["occupation"] == {"size": 0, "count": 0, "ratio": {"count": 0.0, "size": 0.0, "max": 0.0}}
    assert james("GET", "/quota/domains/other.org/size").status_code == 404
    assert james("GET", "/quota/users/bea@example.org").status_code == 404


def test_users_are_found_by_how_full_they_are(james: James) -> None:
    listed = james("GET", "/quota/users?minOccupationRatio=0&limit=10&offset=0&domain=example.org").json()
    assert [row["username"] for row in listed] == ["ada@example.org"]
    assert james("GET", "/quota/users?minOccupationRatio=0.8").json() == []
    refused(james("GET", "/quota/users?minOccupationRatio=-0.5"), 400, "minOccupationRatio can not be negative")
    refused(james("GET", "/quota/users?maxOccupationRatio=x"), 400, "Can not parse maxOccupationRatio")
    refused(james("GET", "/quota/users?maxOccupationRatio=nan"), 400, "maxOccupationRatio can not be negative")
    refused(james("GET", "/quota/users?limit=0"), 400, "limit can not be equal to zero")
    refused(james("GET", "/quota/users?offset=-1"), 400, "offset can not be negative")


def test_quotas_are_counted_anew_by_a_task(james: James) -> None:
    begun = james("POST", "/quota/users?task=RecomputeCurrentQuotas&usersPerSecond=20")
    assert begun.status_code == 201
    services.run_waiting(Task.objects.get().pk)
    found = james("GET", f"{begun['Location']}/await").json()
    assert (found["status"], found["type"]) == ("completed", "recompute-current-quotas")
    assert found["additionalInformation"]["runningOptions"] == {"usersPerSecond": 20}
    for query in ("", "?task=", "?task=bad", "?task=RecomputeCurrentQuotas&usersPerSecond=abc"):
        assert james("POST", f"/quota/users{query}").status_code == 400


def test_how_large_scripts_may_be(james: James) -> None:
    for place in ("/sieve/quota/default", "/sieve/quota/users/ada@example.org"):
        assert james("GET", place).status_code == 204
        assert james("PUT", place, "102400").status_code == 204
        assert james("GET", place).json() == 102400
        refused(james("PUT", place, "1900.999"), 400, "unrecognized integer number '1900.999'")
        assert james("DELETE", place).status_code == 204
        assert james("GET", place).status_code == 204


def test_the_manual_s_slash_at_the_end_is_taken(james: James) -> None:
    james("PUT", "/quota", {"count": 52, "size": None})
    assert james("GET", "/quota/").json() == james("GET", "/quota").json()
    james("PUT", "/mailRepositories/var%2Fmail%2Flater?protocol=file")
    for raw in (True, False):
        assert james("GET", "/mailRepositories/var%2Fmail%2Flater/", raw=raw).json()["repository"] == "var/mail/later"
    assert james("GET", "/domains/").status_code == 404


def test_wrong_numbers_of_a_search_or_a_recount_are_told_as_james_tells_them(james: James) -> None:
    for name in ("minOccupationRatio", "maxOccupationRatio", "limit", "offset"):
        assert len(james("GET", f"/quota/users?{name}=").json()) == 1  # said without a value is not said
    arguments = "Invalid arguments supplied in the user request"
    for path in ("/quota/users?domain=a@b", "/quota/domains/a@b", "/quota/domains/a@b/count"):
        found = refused(james("GET", path), 400, arguments)
        assert found["details"] == "Domain parts ASCII chars must be a-z A-Z 0-9 - or _ in a@b"
    speed = "'usersPerSecond'"
    for query, details in (
        ("usersPerSecond=0", f"{speed} needs to be strictly positive"),
        ("usersPerSecond=-1", f"{speed} needs to be strictly positive"),
        (
            "usersPerSecond=x",
            f"Illegal value supplied for query parameter {speed}, expecting a strictly positive optional integer",
        ),
        (
            "quotaComponent=x",
            "Illegal value supplied for query parameter 'quotaComponent' with value 'x', expecting existing quota "
            "components",
        ),
    ):
        answer = james("POST", f"/quota/users?task=RecomputeCurrentQuotas&{query}")
        assert refused(answer, 400, arguments)["details"] == details
