"""What a new password must have, by the options of where its person belongs."""

from __future__ import annotations

import pytest

from accounts import services
from accounts.actors import Actor
from accounts.errors import BadPassword
from accounts.password_rules import kinds_in
from accounts.scopes import SERVER
from accounts.services.options import set_option
from tests.stage import Cast

SYSTEM = Actor.system()


def test_length_and_kinds_are_asked_for_where_the_person_belongs(cast: Cast) -> None:
    set_option(SYSTEM, cast.domain, "PASSWORD_LENGTH", 20)
    set_option(SYSTEM, SERVER, "PASSWORD_KINDS", 3)
    for person, password in ((cast.user, "Short yet mixed 7"), (cast.stranger, "only small letters here")):
        with pytest.raises(BadPassword):
            services.set_password(SYSTEM, person, password=password)
    services.set_password(SYSTEM, cast.stranger, password="Short yet mixed 7")
    services.set_password(SYSTEM, cast.user, password="Long enough and mixed 7")


def test_kinds_of_characters_are_counted_in_every_script() -> None:
    assert [kinds_in(each) for each in ("", "abc", "Abc", "Abc1", "Abc1!", "äÖ", "密碼")] == [0, 1, 2, 3, 4, 2, 0]
