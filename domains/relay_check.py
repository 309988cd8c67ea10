"""Trying a relay: can its SMTP server be reached, how does it encrypt, does it take our login and a recipient?

`check_relay` answers with steps, facts and a transcript in which secrets are masked; it goes through the gate
(`config.kit.net`). Nothing is delivered: a recipient is only asked for, then the transaction is reset.

Transports, named as in Postfix: SMTP never encrypts; SMTPS_ENCRYPT must, with a certificate that is trusted, as mail
goes out; SMTPS_MAY does when it can, whoever's certificate it is (the check says whether it is trusted). Both use TLS
from the first byte on port 465, STARTTLS elsewhere.

Who sees what: `RelayCheck.without_details` is for delegated administrators.

Source: RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 8314 (port 465), RFC 1870 (SIZE).
"""

from __future__ import annotations

import base64
import ipaddress
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from config.kit import net, trust
from config.kit.net import Category
from config.kit.sealed import MASK
from config.kit.transcripts import Transcript, forms_of
from domains.certificates import read_certificate
from domains.errors import BadAddress, Invalid
from domains.relay_result import RelayCheck, RelayFacts, Step, StepCode
from domains.smtp_talk import Reply, Talk, extensions_of

IMPLICIT_TLS_PORTS = frozenset({465})


class TransportType(StrEnum):
    """How a relay is spoken to."""

    SMTP = "SMTP"
    SMTPS_ENCRYPT = "SMTPS_ENCRYPT"
    SMTPS_MAY = "SMTPS_MAY"


class BadCertificate(Invalid):
    """What was given as a certificate to trust is none."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Tried, and shown nowhere."""

    user: str
    password: str = field(repr=False)


def check_relay(
    host: str,
    port: int,
    transport: TransportType,
    *,
    credentials: Credentials | None = None,
    recipient: str = "",
    sender: str = "",
    ca_pem: str = "",
    helo: str = "",
    timeout_s: float = 30.0,
    gate: net.Gate | None = None,
    who: str = "",
) -> RelayCheck:
    """Try it; failures of the other side and of the network are in the answer, never raised.

    recipient: asked for with MAIL FROM:<sender> and RCPT TO, where given. ca_pem: certificates to trust beside the
    system's. helo: our name; the host of POSTKEEP_URL without it. timeout_s: for everything together. who: for the log
    of the gate. Raises: BadAddress, BadCertificate for what the caller gave.
    """
    for address in (recipient, sender):
        _check_path(address)
    attempt = _Attempt(host, port, transport, _contexts(ca_pem), helo or _own_name(), timeout_s)
    if credentials:
        attempt.transcript.secrets = forms_of(credentials.user, credentials.password)
    started = time.monotonic()
    category: Category | None = None
    try:
        attempt.reach(gate, who)
        attempt.greet()
        attempt.encrypt()
        if credentials:
            attempt.log_in(credentials)
        if recipient:
            attempt.ask_for(recipient, sender)
        attempt.leave()
    except _Failed as failure:
        category = failure.category
    finally:
        attempt.close()
    spent_ms = round((time.monotonic() - started) * 1000)
    transcript = tuple(attempt.transcript.lines)
    return RelayCheck(category is None, category, tuple(attempt.steps), transcript, attempt.facts, spent_ms)


def ask_for_recipient(
    host: str,
    port: int,
    transport: TransportType,
    recipient: str,
    *,
    credentials: Credentials | None = None,
    timeout_s: float = 10.0,
    gate: net.Gate | None = None,
    who: str = "",
) -> Reply | None:
    """What it answers to RCPT TO for mail from the empty sender, reached as mail goes out to it; nothing is sent.

    None: it can't be asked (no connection, no TLS that counts, no login, no mail from the empty sender). Raises:
    BadAddress.
    """
    _check_path(recipient)
    attempt = _Attempt(host, port, transport, _contexts(""), _own_name(), timeout_s)
    try:
        attempt.reach(gate, who)
        attempt.greet()
        attempt.encrypt()
        if credentials:
            attempt.log_in(credentials)
        return attempt.answer_to(recipient)
    except _Failed:
        return None
    finally:
        attempt.close()


class _Failed(Exception):
    """Ends the attempt; the step is noted already."""

    def __init__(self, category: Category) -> None:
        self.category = category


@dataclass(frozen=True, slots=True)
class _Contexts:
    trusting_known: ssl.SSLContext
    trusting_all: ssl.SSLContext


class _Attempt:
    """The state of one check, step by step; a step that ends it raises _Failed."""

    def __init__(
        self, host: str, port: int, transport: TransportType, contexts: _Contexts, helo: str, timeout_s: float
    ) -> None:
        self.host, self.port, self.transport, self.contexts, self.helo = host, port, transport, contexts, helo
        self.until = time.monotonic() + timeout_s
        self.steps: list[Step] = []
        self.transcript, self.facts = Transcript(), RelayFacts()
        self.addresses: list[str] = []
        self.talk: Talk | None = None
        self.is_encrypted = False

    @property
    def is_implicit(self) -> bool:
        return self.transport is not TransportType.SMTP and self.port in IMPLICIT_TLS_PORTS

    def note(self, code: StepCode, detail: object = "") -> None:
        self.steps.append(Step(code, self.transcript.clean(str(detail))))

    def fail(self, code: StepCode, category: Category, detail: object = "") -> _Failed:
        self.note(code, detail)
        return _Failed(category)

    def reach(self, gate: net.Gate | None, who: str) -> None:
        """Resolve once for all connections of this check, and connect."""
        try:
            self.addresses = net.admit(self.host, self.port, timeout_s=self._left_s(), gate=gate, who=who)
        except net.NetError as error:
            self.transcript.add("*", str(error))
            raise self.fail(StepCode.CONNECT_FAILED, error.category, error) from error
        self._connect()
        self.note(StepCode.CONNECTED, f"{self.facts.address} port {self.port}")

    def _connect(self) -> Talk:
        self.close()
        try:
            connection = net.connect_admitted(self.addresses, self.host, self.port, timeout_s=self._left_s())
        except net.NetError as error:
            self.transcript.add("*", str(error))
            raise self.fail(StepCode.CONNECT_FAILED, error.category, error) from error
        self.addresses = [connection.address]  # further connections of this check go to the same server
        self.facts.address, self.is_encrypted = connection.address, False
        self.transcript.add("*", f"connected to {connection.address} port {self.port}")
        self.talk = Talk(connection, self.transcript, until=self.until)
        return self.talk

    def greet(self) -> None:
        """The banner and EHLO; before them TLS where it comes first."""
        if self.is_implicit:
            self._handshake(restart=self._connect)
        banner = self._ask(StepCode.GREETING_FAILED, None)
        self.facts.banner = " ".join(banner.lines)
        if banner.code != 220:
            raise self.fail(StepCode.GREETING_FAILED, Category.REJECTED, banner)
        self.note(StepCode.GREETED, banner)
        self._ehlo()
        self.note(StepCode.EXTENSIONS, " ".join(sorted(self.facts.extensions)))

    def _restart(self) -> Talk:
        """Connect again and go up to just before STARTTLS."""
        talk = self._connect()
        self._ask(StepCode.GREETING_FAILED, None)
        self._ehlo()
        return talk

    def _ehlo(self) -> None:
        reply = self._ask(StepCode.EHLO_FAILED, f"EHLO {self.helo}")
        extensions = extensions_of(reply.lines) if reply.is_good else {}
        if not reply.is_good:
            reply = self._ask(StepCode.EHLO_FAILED, f"HELO {self.helo}")
        if not reply.is_good:
            raise self.fail(StepCode.EHLO_FAILED, Category.REJECTED, reply)
        facts = self.facts
        facts.extensions = extensions
        facts.auth = tuple(dict.fromkeys(extensions.get("AUTH", "").upper().split()))
        size = extensions.get("SIZE", "")
        facts.size_bytes = int(size) if size.isdecimal() and len(size) < 20 else None
        if not self.is_encrypted:
            facts.starttls = "STARTTLS" in extensions

    def encrypt(self) -> None:
        """STARTTLS as the transport says; says what it means that there is none."""
        if self.is_encrypted:
            return
        if self.transport is TransportType.SMTP:
            self.note(StepCode.TLS_UNUSED if self.facts.starttls else StepCode.TLS_NOT_OFFERED)
        elif self.facts.starttls:
            self._start_tls()
        elif self.transport is TransportType.SMTPS_ENCRYPT:
            raise self.fail(StepCode.TLS_MISSING, Category.TLS)
        else:
            self.note(StepCode.TLS_NOT_OFFERED)

    def _start_tls(self) -> None:
        reply = self._ask(StepCode.TLS_FAILED, "STARTTLS")
        if reply.code == 220:
            self._handshake(restart=self._again_to_tls)
        elif self.transport is TransportType.SMTPS_ENCRYPT:
            raise self.fail(StepCode.TLS_FAILED, Category.TLS, reply)
        else:
            self.note(StepCode.TLS_LEFT_OUT, reply)
        if self.is_encrypted:
            self._ehlo()

    def _again_to_tls(self) -> Talk:
        talk = self._restart()
        reply = self._ask(StepCode.TLS_FAILED, "STARTTLS")
        if reply.code != 220:
            raise net.TlsFailed(f"the second time: {reply}")
        return talk

    def _handshake(self, *, restart: Callable[[], Talk]) -> None:
        """TLS, with a trusted certificate if it is one; else once more on a new connection, to see what it is."""
        assert self.talk is not None
        try:
            try:
                wrapped = self.talk.start_tls(self.contexts.trusting_known)
                self.facts.is_trusted = True
            except net.TlsFailed as error:
                if not error.untrusted:
                    raise
                self.facts.is_trusted, self.facts.trust_problem = False, self.transcript.clean(str(error))
                self.transcript.add("*", f"the certificate is not trusted ({error}); once more without checking it")
                wrapped = restart().start_tls(self.contexts.trusting_all)
        except net.NetError as error:
            self._without_tls(error)
            return
        self.is_encrypted = True
        self._note_tls(wrapped)

    def _without_tls(self, error: net.NetError) -> None:
        """Where encryption is optional, mail would go on without it."""
        self.transcript.add("*", str(error))
        if self.transport is TransportType.SMTPS_ENCRYPT or self.is_implicit:
            raise self.fail(StepCode.TLS_FAILED, error.category, error)
        self.note(StepCode.TLS_LEFT_OUT, error)
        self.facts.is_trusted = None
        self._restart()

    def _note_tls(self, wrapped: ssl.SSLSocket) -> None:
        facts = self.facts
        facts.tls_version, facts.cipher = wrapped.version() or "", (wrapped.cipher() or ("",))[0]
        facts.certificate = read_certificate(wrapped.getpeercert(binary_form=True) or b"")
        self.note(StepCode.TLS_ON, f"{facts.tls_version}, {facts.cipher}")
        if not facts.is_trusted and self.transport is TransportType.SMTPS_ENCRYPT:
            raise self.fail(StepCode.CERTIFICATE_REFUSED, Category.TLS, facts.trust_problem)
        if not facts.is_trusted:
            self.note(StepCode.CERTIFICATE_UNTRUSTED, facts.trust_problem)
        elif facts.certificate and facts.certificate.expires_soon:
            self.note(StepCode.CERTIFICATE_EXPIRES, facts.certificate.not_after)
        else:
            self.note(StepCode.CERTIFICATE_TRUSTED, facts.certificate.issuer if facts.certificate else "")

    def log_in(self, credentials: Credentials) -> None:
        """AUTH by PLAIN or LOGIN, over TLS only: a password never goes in clear text."""
        if not self.is_encrypted:
            raise self.fail(StepCode.LOGIN_UNSAFE, Category.AUTHENTICATION)
        if not {"PLAIN", "LOGIN"} & set(self.facts.auth):
            raise self.fail(StepCode.LOGIN_NOT_OFFERED, Category.AUTHENTICATION, " ".join(self.facts.auth))
        failed = StepCode.LOGIN_REFUSED
        if "PLAIN" in self.facts.auth:
            secret = _base64(f"\0{credentials.user}\0{credentials.password}")
            reply = self._ask(failed, f"AUTH PLAIN {secret}", shown=f"AUTH PLAIN {MASK}")
        else:
            reply = self._ask(failed, "AUTH LOGIN")
            for word in (credentials.user, credentials.password):
                if reply.code == 334:
                    reply = self._ask(failed, _base64(word), shown=MASK)
        if reply.code != 235:
            raise self.fail(failed, Category.AUTHENTICATION, reply)
        self.note(StepCode.LOGGED_IN, credentials.user)

    def ask_for(self, recipient: str, sender: str) -> None:
        """Whether the relay would take mail for this address; nothing is sent."""
        failed = StepCode.RECIPIENT_REFUSED
        utf8 = "" if (recipient + sender).isascii() else " SMTPUTF8"
        reply = self._ask(failed, f"MAIL FROM:<{sender}>{utf8}")
        if reply.is_good:
            reply = self._ask(failed, f"RCPT TO:<{recipient}>")
            self._ask(failed, "RSET")
        if reply.is_later:
            self.note(StepCode.RECIPIENT_LATER, reply)
        elif not reply.is_good:
            raise self.fail(failed, Category.REJECTED, reply)
        else:
            self.note(StepCode.RECIPIENT_TAKEN, reply)

    def answer_to(self, recipient: str) -> Reply | None:
        """Its answer about a recipient; None: it takes nothing from the empty sender."""
        utf8 = "" if recipient.isascii() else " SMTPUTF8"
        if not self._ask(StepCode.RECIPIENT_REFUSED, f"MAIL FROM:<>{utf8}").is_good:
            return None
        reply = self._ask(StepCode.RECIPIENT_REFUSED, f"RCPT TO:<{recipient}>")
        self.leave()
        return reply

    def leave(self) -> None:
        """QUIT; a server that just closes is forgiven."""
        assert self.talk is not None
        try:
            self.talk.say("QUIT")
        except net.NetError as error:
            self.transcript.add("*", str(error))

    def close(self) -> None:
        if self.talk is not None:
            self.talk.connection.close()

    def _ask(self, code: StepCode, command: str | None, *, shown: str = "") -> Reply:
        """A command and its reply (None: only the reply); a break of the connection is noted as this step."""
        assert self.talk is not None
        try:
            return self.talk.read() if command is None else self.talk.say(command, shown=shown)
        except net.NetError as error:
            self.transcript.add("*", str(error))
            raise self.fail(code, error.category, error) from error

    def _left_s(self) -> float:
        return max(self.until - time.monotonic(), 0.01)


def _contexts(ca_pem: str) -> _Contexts:
    known, everything = trust.client_context(), ssl.create_default_context()
    if ca_pem:
        try:
            known.load_verify_locations(cadata=ca_pem)
        except (ssl.SSLError, ValueError) as error:
            raise BadCertificate(_("This is not a certificate in PEM form.")) from error
    everything.check_hostname, everything.verify_mode = False, ssl.CERT_NONE
    return _Contexts(known, everything)


def _check_path(address: str) -> None:
    """Nothing that could end the command. The other side judges the rest."""
    if len(address) > 254 or not address.isprintable() or any(character in "<> " for character in address):
        raise BadAddress(_("“%(address)s” is not an e-mail address.") % {"address": address[:300]})


def _own_name() -> str:
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
