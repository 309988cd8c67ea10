"""The outcome of trying a relay (`domains.relay_check`): steps with a sentence each, facts, a transcript."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.kit.net import Category
from domains.certificates import CertificateFacts


class State(StrEnum):
    """How a step went; a warning doesn't make the relay unusable."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class StepCode(StrEnum):
    """What was tried and how it went."""

    CONNECTED = "connected"
    CONNECT_FAILED = "connect_failed"
    GREETED = "greeted"
    GREETING_FAILED = "greeting_failed"
    EXTENSIONS = "extensions"
    EHLO_FAILED = "ehlo_failed"
    TLS_ON = "tls_on"
    TLS_UNUSED = "tls_unused"
    TLS_NOT_OFFERED = "tls_not_offered"
    TLS_LEFT_OUT = "tls_left_out"
    TLS_MISSING = "tls_missing"
    TLS_FAILED = "tls_failed"
    CERTIFICATE_TRUSTED = "certificate_trusted"
    CERTIFICATE_EXPIRES = "certificate_expires"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    CERTIFICATE_REFUSED = "certificate_refused"
    LOGGED_IN = "logged_in"
    LOGIN_UNSAFE = "login_unsafe"
    LOGIN_NOT_OFFERED = "login_not_offered"
    LOGIN_REFUSED = "login_refused"
    RECIPIENT_TAKEN = "recipient_taken"
    RECIPIENT_LATER = "recipient_later"
    RECIPIENT_REFUSED = "recipient_refused"

    @property
    def state(self) -> State:
        return _STEPS[self][0]

    @property
    def words(self) -> Promise:
        """A sentence."""
        return _STEPS[self][1]


_OK, _WARNING, _ERROR = State.OK, State.WARNING, State.ERROR
_STEPS: dict[StepCode, tuple[State, Promise]] = {
    StepCode.CONNECTED: (_OK, _("The server can be reached.")),
    StepCode.CONNECT_FAILED: (_ERROR, _("The server can't be reached.")),
    StepCode.GREETED: (_OK, _("It greets as an SMTP server.")),
    StepCode.GREETING_FAILED: (_ERROR, _("It does not greet as an SMTP server that takes mail.")),
    StepCode.EXTENSIONS: (_OK, _("It says what it can do.")),
    StepCode.EHLO_FAILED: (_ERROR, _("It refuses to talk after our name.")),
    StepCode.TLS_ON: (_OK, _("The connection is encrypted.")),
    StepCode.TLS_UNUSED: (_WARNING, _("It offers encryption, but this type of transport never uses it.")),
    StepCode.TLS_NOT_OFFERED: (_WARNING, _("It offers no encryption: mail goes in clear text.")),
    StepCode.TLS_LEFT_OUT: (_WARNING, _("Encryption was offered and failed: mail goes in clear text.")),
    StepCode.TLS_MISSING: (_ERROR, _("It offers no encryption, and this type of transport needs it.")),
    StepCode.TLS_FAILED: (_ERROR, _("The encrypted connection could not be made.")),
    StepCode.CERTIFICATE_TRUSTED: (_OK, _("Its certificate is trusted.")),
    StepCode.CERTIFICATE_EXPIRES: (_WARNING, _("Its certificate is trusted but ends within two weeks.")),
    StepCode.CERTIFICATE_UNTRUSTED: (_WARNING, _("Its certificate is not trusted: somebody else could stand there.")),
    StepCode.CERTIFICATE_REFUSED: (
        _ERROR,
        _("Its certificate is not trusted, which required encryption needs: no mail would be delivered."),
    ),
    StepCode.LOGGED_IN: (_OK, _("Name and password are accepted.")),
    StepCode.LOGIN_UNSAFE: (_ERROR, _("The password was not tried: the connection isn't encrypted.")),
    StepCode.LOGIN_NOT_OFFERED: (_ERROR, _("It offers no way to sign in that we speak (PLAIN or LOGIN).")),
    StepCode.LOGIN_REFUSED: (_ERROR, _("Name and password are not accepted.")),
    StepCode.RECIPIENT_TAKEN: (_OK, _("It would take mail for the recipient.")),
    StepCode.RECIPIENT_LATER: (_WARNING, _("It can't say now whether it takes mail for the recipient.")),
    StepCode.RECIPIENT_REFUSED: (_ERROR, _("It takes no mail for the recipient.")),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried; `detail` is technical, in the other side's words or in English."""

    code: StepCode
    detail: str = ""

    @property
    def state(self) -> State:
        return self.code.state

    @property
    def words(self) -> str:
        """A sentence in the language of the reader."""
        return str(self.code.words)


@dataclass(slots=True)
class RelayFacts:
    """What the server told; None where it wasn't asked. `is_trusted` is about its certificate."""

    address: str = ""
    banner: str = ""
    extensions: dict[str, str] = field(default_factory=dict)
    size_bytes: int | None = None
    starttls: bool | None = None
    auth: tuple[str, ...] = ()
    tls_version: str = ""
    cipher: str = ""
    certificate: CertificateFacts | None = None
    is_trusted: bool | None = None
    trust_problem: str = ""


@dataclass(frozen=True, slots=True)
class RelayCheck:
    """The outcome. `category` says what kind of failure it was, None when `ok`."""

    ok: bool
    category: Category | None
    steps: tuple[Step, ...]
    transcript: tuple[str, ...]
    facts: RelayFacts | None
    duration_ms: int

    def without_details(self) -> RelayCheck:
        """For delegated administrators: what was tried and the kind of failure, no address, banner or reply."""
        return replace(self, steps=tuple(Step(step.code) for step in self.steps), transcript=(), facts=None)

    def as_dict(self) -> dict[str, Any]:
        """JSON's own types, to keep."""
        steps = [{"code": str(step.code), "state": str(step.state), "detail": step.detail} for step in self.steps]
        found = asdict(self) | {"steps": steps, "transcript": list(self.transcript)}
        return found | {"category": str(self.category) if self.category else None}
