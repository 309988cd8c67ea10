"""What happens around every request before any app sees it: an id for the log, the truth about the client, its host.

Not for people or rights: that is accounts.middleware.
"""

from __future__ import annotations

import contextvars
import ipaddress
import logging
import re
import secrets
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import validate_host

from config.kit import branding, logbook

_API, _PAGES = logging.getLogger("postkeep.api"), logging.getLogger("postkeep.pages")
_ONE_TIME_LINK = re.compile(r"(/link/)[\w-]+")  # accounts:link; the token is a password until it is used
_request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="-")
UNDECLARED_PROXY = "postkeep.undeclared_proxy"
GetResponse = Callable[[HttpRequest], HttpResponse]


def current_request_id() -> str:
    """The id of the request being answered here, "-" outside of one. Error pages show it, the log carries it."""
    return _request_id.get()


class RequestIdFilter(logging.Filter):
    """Puts the request's id on every log record, also on those that Django writes once the answer is made."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = getattr(getattr(record, "request", None), "request_id", None) or current_request_id()
        return True


class LineFormatter(logging.Formatter):
    """One line of the log, in which one-time links are no use to whoever reads it."""

    def format(self, record: logging.LogRecord) -> str:
        return self.masked(super().format(record))

    @staticmethod
    def masked(text: str) -> str:
        return _ONE_TIME_LINK.sub(r"\1…", text)


class RequestIdMiddleware:
    """Gives each request a short id, known to the log, the error page and the answer's X-Request-ID."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        logbook.follow()
        began = time.monotonic()
        request_id = secrets.token_hex(6)
        request.request_id = request_id  # type: ignore[attr-defined]
        token = _request_id.set(request_id)
        try:
            response = self.get_response(request)
            _note(request, response.status_code, began)
        finally:
            _request_id.reset(token)
        response["X-Request-ID"] = request_id
        return response


class TrustedProxyMiddleware:
    """Believes X-Forwarded-For and -Proto only from POSTKEEP_TRUSTED_PROXIES and drops them from everybody else.

    After it REMOTE_ADDR is the client's address, an IPv4 one always in its own form; "" where a proxy speaks for
    somebody whose address can't be read, since they are not this machine. `request.is_secure()` follows POSTKEEP_URL,
    since only a proxy speaks TLS, unless a trusted proxy says otherwise (and Django then redirects to https). Of what
    an undeclared proxy passes on nobody knows whose it is: UNDECLARED_PROXY in META says so.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.networks = [ipaddress.ip_network(item, strict=False) for item in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forwarded_for = request.META.pop("HTTP_X_FORWARDED_FOR", "")
        forwarded_proto = request.META.pop("HTTP_X_FORWARDED_PROTO", "")
        scheme = "https" if settings.IS_HTTPS else "http"
        peer = _address(request.META.get("REMOTE_ADDR", ""))
        is_trusted = self._trusts(peer)
        request.META[UNDECLARED_PROXY] = not is_trusted and bool(forwarded_for or forwarded_proto)
        if is_trusted:
            scheme = forwarded_proto if forwarded_proto in ("http", "https") else scheme
            peer = self._client(forwarded_for, peer)
        request.META["REMOTE_ADDR"] = peer
        request.environ["wsgi.url_scheme"] = scheme  # type: ignore[attr-defined]
        return self.get_response(request)

    def _client(self, forwarded_for: str, peer: str) -> str:
        """The last address in the chain that isn't a proxy of ours; what stands before it may be invented. peer: the
        proxy, which speaks for itself where the chain is empty.
        """
        for item in reversed([part.strip() for part in forwarded_for.split(",") if part.strip()]):
            peer = _address(item)
            if not peer or not self._trusts(peer):
                return peer
        return peer

    def _trusts(self, address: str) -> bool:
        if not address:
            return False
        parsed = ipaddress.ip_address(address)
        return any(parsed in network for network in self.networks if network.version == parsed.version)


class ServedHostsMiddleware:
    """Answers under the host names of those we serve beside settings.ALLOWED_HOSTS, which is fixed when we start.

    Which those are, the app that keeps brands says; a name that shows none is refused like any other. Stands before
    everything that asks for the host.
    """

    KEPT_S, MOST_KEPT = 30.0, 1_000

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._served: dict[str, float] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        raw = request.META.get("HTTP_HOST", "")
        host = branding.host_name(raw)
        if host and not validate_host(host, settings.ALLOWED_HOSTS) and self._is_served(host):
            request.get_host = lambda: raw  # type: ignore[method-assign]  # Django knows one list for all requests
        return self.get_response(request)

    def _is_served(self, host: str) -> bool:
        """Asked once in a while a name; refusals are not kept, so that strangers can't fill our memory."""
        now = time.monotonic()
        if self._served.get(host, 0.0) > now:
            return True
        if not branding.is_served(host):
            self._served.pop(host, None)
            return False
        if len(self._served) >= self.MOST_KEPT:
            self._served.clear()
        self._served[host] = now + self.KEPT_S
        return True


def _note(request: HttpRequest, status: int, began: float) -> None:
    """For who looks closer: each request, without what was asked in its query."""
    log = _API if request.path_info.startswith("/api/") else _PAGES
    if log.isEnabledFor(logging.DEBUG):
        took_ms = round((time.monotonic() - began) * 1000)
        log.debug("%s %s: %d in %d ms", request.method, request.path_info[:300], status, took_ms)


def _address(text: str) -> str:
    """An address in one form, without the port that some proxies write behind it; "" for what is none."""
    host = _WITH_PORT.fullmatch(text)
    try:
        parsed = ipaddress.ip_address(host[1] or host[2] if host else text)
    except ValueError:
        return ""
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


_WITH_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.%a-z]+)\]|([0-9.]+))(?::[0-9]{1,5})?")
