"""All checks of one message's sender together, within a time limit.

`authenticate` may wait for DNS: call it in a thread. Not for what follows from it (`scoring`, `domains.policy`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domains.policy.facts import Authentication, AuthResult, Mailbox, Signature
from gateway.judging.authentication import arc, dkim, dmarc, spf
from gateway.judging.authentication.arc import ArcAnswer
from gateway.judging.authentication.canonical import Signable
from gateway.judging.authentication.dkim import DkimAnswer
from gateway.judging.authentication.dmarc import DmarcAnswer
from gateway.judging.authentication.names import Questions
from gateway.judging.authentication.spf import SpfAnswer

_NO_SPF, _NO_DMARC, _NO_ARC = SpfAnswer(AuthResult.NONE), DmarcAnswer(AuthResult.NONE), ArcAnswer(AuthResult.NONE)


@dataclass(frozen=True, slots=True)
class Authenticated:
    """What each check answered, with its reasons."""

    spf: SpfAnswer = _NO_SPF
    dkim: tuple[DkimAnswer, ...] = ()
    dmarc: DmarcAnswer = _NO_DMARC
    arc: ArcAnswer = _NO_ARC

    @property
    def facts(self) -> Authentication:
        """As the decision takes it."""
        return Authentication(
            spf=self.spf.result,
            spf_domain=self.spf.domain,
            dkim=tuple(Signature(each.domain, each.result) for each in self.dkim),
            dmarc=self.dmarc.result,
            dmarc_policy=self.dmarc.policy,
            arc=self.arc.result,
            arc_domains=self.arc.domains,
        )

    @property
    def has_temporary_error(self) -> bool:
        results = (self.spf.result, self.dmarc.result, *(each.result for each in self.dkim))
        return AuthResult.TEMPERROR in results


def authenticate(
    message: Signable,
    questions: Questions,
    *,
    client: str,
    helo: str,
    sender: str,
    header_from: Sequence[Mailbox],
    at: datetime,
) -> Authenticated:
    """client: its address; sender: the envelope's. Never raises."""
    now = at.timestamp()
    sent_by = spf.check(client, sender, helo, questions.ask)
    signed = dkim.verify(message, questions.ask, now)
    chain = arc.verify(message, questions.ask, now)
    spf_domain = sent_by.domain if sent_by.result is AuthResult.PASS else ""
    signers = [each.domain for each in signed if each.result is AuthResult.PASS]
    from_domains = [entry.address.rpartition("@")[2] for entry in header_from]
    policy = dmarc.evaluate(from_domains, spf_domain, signers, questions.ask)
    if policy.result is AuthResult.FAIL and AuthResult.TEMPERROR in (sent_by.result, *(each.result for each in signed)):
        # What couldn't be asked might have spoken for it: RFC 7489 §6.6.2.
        policy = DmarcAnswer(AuthResult.TEMPERROR, policy.domain, policy.policy, "not all could be asked")
    return Authenticated(sent_by, signed, policy, chain)
