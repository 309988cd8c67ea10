"""The tab of a directory's synchronisation, and the job that comes along for the server's own."""

from __future__ import annotations

from datetime import time
from typing import Any

from django.urls import NoReverseMatch
from django.utils.translation import gettext_lazy as _

from config.kit import tabs
from jobs.dispatching import BuiltIn, register_built_in
from jobs.schedules import Schedule


def register() -> None:
    tabs.register(
        "source", _("Synchronisation"), "domains:source-sync", order=40, args=_of_directory,
        under=("domains:directory-run",),
    )  # fmt: skip
    register_built_in(
        BuiltIn(
            "sync-directory", _("Synchronise with the directory"), "SyncServerDirectory", Schedule(time=time(1, 40))
        )
    )


def _of_directory(source: Any) -> tuple[object, ...]:
    if not source.kind_of.is_directory:
        raise NoReverseMatch("only directories are synchronised")
    return (source.pk,)
