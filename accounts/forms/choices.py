"""Fields for rights: checkboxes in the catalogue's groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from accounts.permissions import RIGHTS, Right


class RightsField(forms.MultipleChoiceField):
    """Some of these rights, grouped as the catalogue groups them."""

    def __init__(self, rights: Iterable[Right], **options: Any) -> None:
        offered = set(rights)
        groups: dict[str, list[tuple[str, Any]]] = {}
        for right, info in RIGHTS.items():
            if right in offered:
                groups.setdefault(str(info.group), []).append((right.value, info.label))
        super().__init__(choices=list(groups.items()), required=False, widget=forms.CheckboxSelectMultiple, **options)
