"""Who may not wait isn't made to, however deep the question comes from."""

from __future__ import annotations

import pytest

from gateway.directory import NotRemembered, before_reading, only_remembered


def test_an_inner_question_doesnt_let_the_outer_one_wait() -> None:
    with only_remembered():
        with only_remembered():
            pass
        with pytest.raises(NotRemembered):
            before_reading()
    before_reading()
