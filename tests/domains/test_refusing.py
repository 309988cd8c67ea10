"""What a service refuses stands on the form of the page, at the field it is about, in the same words everywhere."""

from __future__ import annotations

import pytest
from django import forms

from config import messages
from config.kit.versions import ChangedMeanwhile
from domains.errors import Invalid
from domains.views.frames import refusing


class Door(forms.Form):
    recipients = forms.CharField()
    auth_host = forms.CharField()
    quota = forms.CharField()


def bound() -> Door:
    form = Door({"recipients": "a", "auth_host": "b", "quota": "c"})
    assert form.is_valid()
    return form


@pytest.mark.parametrize(
    ("field", "shown_at"),
    [
        ("recipients", "recipients"),
        ("members", "recipients"),
        ("auth_data.host", "auth_host"),
        ("quota.size", "quota"),
        ("nowhere", "__all__"),
        ("", "__all__"),
    ],
)
def test_what_is_refused_stands_at_its_field_or_on_top(field: str, shown_at: str) -> None:
    form = bound()
    with refusing(form, {"members": "recipients"}):
        raise Invalid("no such thing", field=field)
    assert form.errors == {shown_at: ["no such thing"]}


def test_the_second_of_two_is_told_and_other_errors_go_on() -> None:
    form = bound()
    with refusing(form):
        raise ChangedMeanwhile("x was changed")
    assert form.non_field_errors() == ["Somebody changed this meanwhile. Look at it again, then repeat your change."]
    with pytest.raises(ZeroDivisionError), refusing(bound()):
        raise ZeroDivisionError


def test_there_is_one_sentence_about_changes_of_others() -> None:
    said = {each.singular for each in messages.collect() if "meanwhile" in each.singular and "changed" in each.singular}
    about_forms = {text for text in said if text[0].isupper() and "changed this" in text}
    assert about_forms == {"Somebody changed this meanwhile. Look at it again, then repeat your change."}
