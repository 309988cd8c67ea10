"""Throttles at three levels and two directions."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.actors import Actor
from accounts.errors import Forbidden
from domains.errors import Invalid
from domains.models import Throttle
from domains.services import throttles
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in

SYSTEM = Actor.system()


def set_on(scope: Any, messages: int | None, **more: Any) -> Throttle:
    values: dict[str, Any] = {"direction": "outbound", "period_s": 3600, "limits": {"max_messages": messages}} | more
    return throttles.set_throttle(SYSTEM, scope, **values)


def test_the_most_specific_level_counts(db: None) -> None:
    mailbox = make_mailbox_in(make_domain())
    assert throttles.effective_throttle(mailbox, "outbound") is None
    for scope, messages in ((None, 1000), (mailbox.domain, 100), (mailbox, 10)):
        set_on(scope, messages)
        found = throttles.effective_throttle(mailbox, "outbound")
        assert found is not None and found.max_messages == messages
    assert throttles.effective_throttle(mailbox, "inbound") is None
    assert throttles.remove_throttle(SYSTEM, mailbox, direction="outbound")
    assert not throttles.remove_throttle(SYSTEM, mailbox, direction="outbound")
    found = throttles.effective_throttle(mailbox, "outbound")
    assert found is not None and found.max_messages == 100


def test_setting_again_replaces_all_of_it(db: None) -> None:
    domain = make_domain()
    set_on(domain, 5)
    again = set_on(domain, None, period_s=60, limits={"max_bytes": 7})
    assert (again.period_s, again.max_messages, again.max_bytes) == (60, None, 7)
    assert Throttle.objects.count() == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"direction": "sideways"}, "direction"),
        ({"period_s": 0}, "period"),
        ({"limits": {}}, "max_messages"),
        ({"limits": {"max_bytes": -1}}, "max_bytes"),
        ({"limits": {"max_pigeons": 1}}, "max_pigeons"),
    ],
)
def test_what_is_no_throttle_is_refused_by_name(db: None, more: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        set_on(None, 5, **more)
    assert caught.value.field == field


def test_a_delegate_throttles_their_domain_and_nothing_else(db: None) -> None:
    own, other = make_domain(), make_domain()
    actor = Actor.for_user(make_delegate(own))
    values: dict[str, Any] = {"direction": "inbound", "period_s": 60, "limits": {"max_messages": 1}}
    throttles.set_throttle(actor, own, **values)
    for scope in (other, None, make_mailbox_in(other)):
        with pytest.raises(Forbidden):
            throttles.set_throttle(actor, scope, **values)
        with pytest.raises(Forbidden):
            throttles.remove_throttle(actor, scope, direction="inbound")
