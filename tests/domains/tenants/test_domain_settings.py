"""What a domain is set to: by whom, with which values, and what stays out."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, Grant
from accounts.permissions import EndUserRight, Right
from config.kit.versions import ChangedMeanwhile
from domains import inheritance
from domains.errors import BadAddress, Invalid, LimitReached, Taken, WrongState
from domains.models import Address, Domain, Policy, Recipient
from domains.services import claims, domain_states
from domains.services.domain_names import add_names
from domains.services.domain_settings import set_domain_limits, update_domain
from domains.services.domains import create_domain
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in
from tests.factories import make_user

CONSOLE = Actor.console()


def test_a_new_domain_needs_only_a_name(db: None) -> None:
    domain = create_domain(CONSOLE, name="Bücher.example")
    assert (domain.name, domain.display_name, domain.status) == ("xn--bcher-kva.example", "bücher.example", "enabled")
    assert {setting.own for setting in inheritance.settings_of(domain).values()} == {None}
    assert Policy.objects.get() == domain.default_policy


def test_a_new_domain_takes_everything_at_once_or_is_not_made(db: None) -> None:
    values: dict[str, Any] = {"default_language": "de", "outgoing_subnets": ["192.0.2.0/24"], "description": "x"}
    domain = create_domain(CONSOLE, name="a.example", status="pending", **values)
    domain.refresh_from_db()
    assert (domain.status, domain.default_language, domain.outgoing_subnets) == ("pending", "de", ["192.0.2.0/24"])
    for wrong in ({"default_language": "xx"}, {"wishes": 1}, {"status": "deleted"}, {"outgoing_subnets": ["x"]}):
        with pytest.raises(Invalid):
            create_domain(CONSOLE, name="b.example", **wrong)
    assert not Domain.objects.filter(name="b.example").exists()
    with pytest.raises(Taken):
        create_domain(CONSOLE, name="A.example")


def test_who_adds_domains_sets_no_limits_of_them(db: None) -> None:
    customer = make_customer()
    actor = Actor.for_user(make_delegate(customer))
    with pytest.raises(Forbidden):
        create_domain(actor, name="a.example", customer=customer, max_mailboxes=-1)
    create_domain(actor, name="a.example", customer=customer, quota_bytes=1_000)
    with pytest.raises(Forbidden):
        create_domain(actor, name="b.example")


def test_values_are_set_and_reset_to_what_is_inherited(db: None) -> None:
    domain = make_domain()
    changes = update_domain(CONSOLE, domain, {"sender_verify": False, "default_language": "fr", "description": " d "})
    assert set(changes) == {"sender_verify", "default_language", "description"}
    assert inheritance.value_of(domain, "sender_verify") is False
    update_domain(CONSOLE, domain, {"sender_verify": None, "default_language": None})
    assert (inheritance.value_of(domain, "sender_verify"), inheritance.value_of(domain, "default_language")) == (
        True, "en",
    )  # fmt: skip
    assert update_domain(CONSOLE, domain, {"sender_verify": None}) == {}
    assert AuditEvent.objects.filter(action="domain.edit").count() == 2


def test_who_saw_an_older_domain_is_told(db: None) -> None:
    domain = make_domain()
    seen = Domain.objects.get(pk=domain.pk)
    update_domain(CONSOLE, domain, {"description": "one"})
    with pytest.raises(ChangedMeanwhile):
        update_domain(CONSOLE, seen, {"description": "two"}, expected=seen.version)
    assert Domain.objects.get(pk=domain.pk).description == "one"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["192.0.2.1"], ["192.0.2.1/32"]),
        (["192.0.2.77/24", "192.0.2.0/24"], ["192.0.2.0/24"]),
        ([" 2001:DB8::/48 ", ""], ["2001:db8::/48"]),
    ],
)
def test_networks_are_kept_in_one_form(given: list[str], kept: list[str], db: None) -> None:
    domain = make_domain()
    update_domain(CONSOLE, domain, {"outgoing_subnets": given})
    assert domain.outgoing_subnets == kept


@pytest.mark.parametrize("text", ["x", "192.0.2.0/33", "300.1.1.1", "127.0.0.1", "224.0.0.0/8", "1.2.3.4/8", "::/0"])
def test_what_is_no_network_of_senders_is_refused(text: str, db: None) -> None:
    domain = make_domain()
    with pytest.raises(Invalid) as refused:
        update_domain(Actor.for_user(make_delegate(domain)), domain, {"outgoing_subnets": [text]})
    assert refused.value.field == "outgoing_subnets"


def test_ten_thousand_lines_are_refused_at_once(db: None) -> None:
    domain = make_domain()
    lines = [f"10.{number // 250}.{number % 250}.1" for number in range(10_000)]
    for values in ({"outgoing_subnets": lines}, {"description": "\n".join(lines)}, {"catch_all": "x" * 100_000}):
        with pytest.raises((Invalid, BadAddress)):
            update_domain(CONSOLE, domain, values)


def test_end_users_rights_are_named_and_none_inherits(db: None) -> None:
    domain = make_domain()
    user = make_mailbox_in(domain).user
    assert user is not None
    update_domain(CONSOLE, domain, {"end_user_rights": [EndUserRight.SIGN_IN, EndUserRight.EDIT_PROFILE]})
    assert Actor.for_user(user).may(EndUserRight.SIGN_IN) and not Actor.for_user(user).may(EndUserRight.EXPORT_MAIL)
    update_domain(CONSOLE, domain, {"end_user_rights": None})
    assert Actor.for_user(user).may(EndUserRight.EXPORT_MAIL)
    with pytest.raises(Invalid):
        update_domain(CONSOLE, domain, {"end_user_rights": ["manage_server"]})


def test_a_catch_all_is_an_address_of_ours_or_elsewhere(db: None) -> None:
    domain = make_domain("example.com")
    add_names(CONSOLE, domain, ["example.net"])
    make_mailbox_in(domain, "ada")
    update_domain(CONSOLE, domain, {"catch_all": "Ada@Example.NET"})
    assert domain.catch_all == "ada@example.com"
    update_domain(CONSOLE, domain, {"catch_all": "somebody@elsewhere.example"})
    update_domain(CONSOLE, domain, {"catch_all": ""})
    for wrong in ("nobody@example.com", "nobody@example.net"):
        with pytest.raises(Invalid, match="There is no"):
            update_domain(CONSOLE, domain, {"catch_all": wrong})
    with pytest.raises(BadAddress):
        update_domain(CONSOLE, domain, {"catch_all": "no address"})


def test_a_catch_all_that_comes_back_is_refused(db: None) -> None:
    one, two = make_domain("one.example"), make_domain("two.example")
    forward = claims.claim(CONSOLE, two, "forward", Address.Kind.FORWARD)
    Recipient.objects.create(address=forward, email="unknown@one.example")
    for loop in ("forward@two.example", "forward@TWO.example"):
        with pytest.raises(Invalid, match="round for ever"):
            update_domain(CONSOLE, one, {"catch_all": loop})
    Recipient.objects.update(email="ada@elsewhere.example")
    update_domain(CONSOLE, one, {"catch_all": "forward@two.example"})
    outsider = claims.claim(CONSOLE, one, "far", Address.Kind.FORWARD)
    Recipient.objects.create(address=outsider, email="unknown@two.example")
    with pytest.raises(Invalid, match="round for ever"):
        update_domain(CONSOLE, two, {"catch_all": "far@one.example"})


def test_a_catch_all_tells_nothing_about_domains_of_others(db: None) -> None:
    domain, foreign = make_domain("mine.example"), make_domain("foreign.example")
    make_mailbox_in(foreign, "ada")
    actor = Actor.for_user(make_delegate(domain))
    for address in ("ada@foreign.example", "nobody@foreign.example"):
        update_domain(actor, domain, {"catch_all": address})
        assert domain.catch_all == address


def test_limits_are_for_who_may_set_them_and_sizes_hold_what_was_given(db: None) -> None:
    domain = make_domain(quota_bytes=1_000)
    make_mailbox_in(domain), make_mailbox_in(domain)
    with pytest.raises(Forbidden):
        set_domain_limits(Actor.for_user(make_delegate(domain)), domain, {"max_mailboxes": 5})
    set_domain_limits(CONSOLE, domain, {"max_mailboxes": 1, "max_bytes": 2_000})  # fewer than there are: no more come
    with pytest.raises(LimitReached):
        make_mailbox_in(domain)
    with pytest.raises(LimitReached):
        set_domain_limits(CONSOLE, domain, {"max_bytes": 1_999})
    with pytest.raises(Invalid):
        set_domain_limits(CONSOLE, domain, {"quota_bytes": 1})


def test_a_foreign_administrator_and_a_reader_change_nothing(db: None) -> None:
    domain = make_domain()
    reader = make_user()
    Grant.objects.create(user=reader, rights=[Right.VIEW_DOMAINS], level="domain", object_id=domain.pk)
    for user in (reader, make_delegate(make_domain())):
        with pytest.raises(Forbidden):  # asked before the content is judged
            update_domain(Actor.for_user(user), domain, {"wishes": 1})


def test_a_deleted_domain_is_restored_before_it_is_changed(db: None) -> None:
    domain = make_domain()
    domain_states.delete_domain(CONSOLE, domain)
    with pytest.raises(WrongState):
        update_domain(CONSOLE, domain, {"description": "x"})
    with pytest.raises(WrongState):
        set_domain_limits(CONSOLE, domain, {"max_mailboxes": 1})
