"""The list of all settings of the server, for its page, the API and a command; and this app's own part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from django.conf import settings as django_settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.permissions import Right
from config.kit import known_settings, logbook
from config.kit.known_settings import RowSettings, Setting
from jobs.commands import About, command
from jobs.mail_server_forms import MailServerForm
from jobs.models import MailServer
from jobs.running import TaskRun


@dataclass(frozen=True, slots=True)
class SettingsArguments:
    """Words that each setting must hold."""

    query: Annotated[str, About(gettext_lazy("Words"))] = ""


def list_settings(actor: Actor, query: str = "") -> list[Setting]:
    """Every setting in which all the words stand. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    words = query.casefold().split()[:20]
    return [each for each in known_settings.all_settings() if each.fits(words)]


def as_json(setting: Setting) -> dict[str, object]:
    return {
        "name": setting.name,
        "group": str(setting.group),
        "label": str(setting.label),
        "value": None if setting.is_secret else str(setting.value),
        "isSecret": setting.is_secret,
        "isSet": setting.is_set if setting.is_secret else bool(str(setting.value)),
        "source": setting.source,
        "effect": str(setting.effect),
        "page": setting.url or None,
        "needsRestart": setting.restarts,
    }


@command(
    "GetServerSettings", needs=Right.MANAGE_SERVER, arguments=SettingsArguments,
    label=gettext_lazy("All settings of the server"),
)  # fmt: skip
def get_server_settings(actor: Actor, run: TaskRun, arguments: SettingsArguments) -> dict[str, object]:
    """List every setting with its value, where that comes from and what it does; never a secret."""
    return {"settings": [as_json(each) for each in list_settings(actor, arguments.query)]}


def register() -> None:
    known_settings.register(
        RowSettings(
            prefix="mail_server",
            group=gettext_lazy("Mail server"),
            form=MailServerForm,
            model=MailServer,
            row=MailServer.objects.first,
            url=lambda: reverse("jobs:mail-server"),
            environment=_environment_server,
        )
    )
    known_settings.register(_log)


def _environment_server() -> dict[str, object]:
    if not django_settings.EMAIL_HOST:
        return {}
    return {
        "hostname": django_settings.EMAIL_HOST,
        "port": django_settings.EMAIL_PORT,
        "username": django_settings.EMAIL_HOST_USER,
        "password": django_settings.EMAIL_HOST_PASSWORD,
        "from_address": django_settings.DEFAULT_FROM_EMAIL,
    }


def _log() -> Iterator[Setting]:
    now, usual, url = logbook.read_settings(), logbook.USUAL, reverse("jobs:log-settings")
    words = {
        "level": (_("Level"), _("The least that the log keeps.")),
        "days": (_("Days"), _("Lines older than this go.")),
        "megabytes": (_("Size in MB"), _("The oldest lines go when there is more.")),
    }
    for name, (label, effect) in words.items():
        value = getattr(now, name)
        changed = value != getattr(usual, name)
        yield Setting(f"log.{name}", _("Log"), label, str(value), "page" if changed else "default", effect, url)
