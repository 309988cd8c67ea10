"""What mailing lists tell the parts that know nothing of them: expansion and renaming."""

from __future__ import annotations

from domains.expansion import register_list_reader
from domains.services.lists import subscribing
from domains.services.renaming import register_follower


def register() -> None:
    register_list_reader(subscribing.expanding)
    register_follower(subscribing.follow_rename)
