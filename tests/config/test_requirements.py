"""What tests run on is what people install: the compiled lists agree."""

from __future__ import annotations

import re

from django.conf import settings

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def _pins(name: str) -> dict[str, str]:
    return dict(_PIN.findall((settings.BASE_DIR / name).read_text()))


def test_what_the_product_needs_is_in_the_developers_list_in_the_same_version() -> None:
    needed, developers = _pins("requirements.txt"), _pins("requirements-dev.txt")
    assert needed.items() <= developers.items(), sorted(needed.items() - developers.items())


def test_what_is_asked_for_is_compiled() -> None:
    for name in ("requirements", "requirements-dev"):
        asked = re.findall(
            r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?", (settings.BASE_DIR / f"{name}.in").read_text(), re.MULTILINE
        )
        wanted = {re.sub(r"[-_.]+", "-", each).lower() for each in asked if not each.startswith("-")}
        assert wanted <= {re.sub(r"[-_.]+", "-", each).lower() for each in _pins(f"{name}.txt")}
