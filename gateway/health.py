"""How the gateway is, for the health page and `/healthz`, and its figures for programs that watch."""

from __future__ import annotations

import socket

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.environment import Gateway
from config.kit import health, heartbeat
from config.kit.templatetags.kit import day
from gateway.models import Certificate
from gateway.services import certificates
from gateway.smtp.door import is_within

PART = "gateway"
ANSWER_WITHIN_S = 2.0


def register() -> None:
    if settings.GATEWAY.processes:
        health.register(gettext_lazy("Gateway"), check, needed=True)
        health.register(gettext_lazy("Certificates of the gateway"), check_certificates)


def check() -> health.Report:
    """Its processes are at work, and its port answers."""
    age_s = heartbeat.last_seen(PART)
    if age_s is None:
        return health.Report("error", _("no sign of life"))
    wanted: Gateway = settings.GATEWAY
    facts = {_("Last seen"): _("%(seconds)d s ago") % {"seconds": round(age_s)}}
    ports = [port for port in (wanted.port, wanted.submission_port, wanted.filter_port) if port is not None]
    silent = [port for port in ports if not _answers(wanted.bind, port)]
    facts[_("Listens on")] = f"{wanted.bind} {', '.join(map(str, ports))}"
    if silent:
        return health.Report("error", _("port %(port)s does not answer") % {"port": silent[0]}, facts)
    return health.Report("ok", _("takes mail in"), facts)


def check_certificates() -> health.Report:
    """Whether there is one for every name, and how long they last."""
    rows = list(Certificate.objects.defer("private_key"))
    soon = timezone.now() + certificates.SOON
    for row in rows:
        if row.problem:
            return health.Report("warning", _("“%(name)s” can't be read") % {"name": row.name})
        if row.not_after is not None and row.not_after < soon:
            values = {"name": row.name, "date": day(row.not_after)}
            return health.Report("warning", _("“%(name)s” ends on %(date)s") % values)
    if not any(row.is_default for row in rows):
        return health.Report("warning", _("none for every name: the gateway shows one that it has signed itself"))
    return health.Report("ok", _("in order"), {row.name: day(row.not_after) for row in rows})


def _answers(bind: str, port: int) -> bool:
    """Whether somebody speaks SMTP there; "too many connections" is an answer too."""
    wanted: Gateway = settings.GATEWAY
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104  (compared, not bound)
    try:
        with socket.create_connection((host, port), timeout=ANSWER_WITHIN_S) as connection:
            if is_within(connection.getsockname()[0], wanted.proxies) and port != wanted.filter_port:
                connection.sendall(b"PROXY UNKNOWN\r\n")  # what begins without it gets no answer
            greeting = connection.recv(4)
            connection.sendall(b"QUIT\r\n")
            return greeting[:1] in (b"2", b"4", b"5")
    except OSError:
        return False
