"""Every finding of a diagnosis: how grave it is, its name in API v1, and the sentence that says it in plain words.

Sentences say what is wrong and what it means; what to publish stands beside them (`results.DnsRecord`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Severity(StrEnum):
    """`unknown`: it could not be checked, which is no failure of the domain."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    ERROR = "error"


class Code(StrEnum):
    """What can be found. Errors and warnings are named as API v1 names them."""

    NOT_CHECKED = "NOT_CHECKED"
    NOT_CHECKED_IN_TIME = "NOT_CHECKED_IN_TIME"

    MX_OK = "MX_OK"
    MX_NULL = "MX_NULL"
    ERROR_MX_MISSING_ENTRY = "ERROR_MX_MISSING_ENTRY"
    ERROR_MX_DOMAIN_UNKNOWN = "ERROR_MX_DOMAIN_UNKNOWN"
    ERROR_MX_NULL = "ERROR_MX_NULL"
    ERROR_MX_NULL_AMONG_OTHERS = "ERROR_MX_NULL_AMONG_OTHERS"
    ERROR_MX_NO_ADDRESS = "ERROR_MX_NO_ADDRESS"
    ERROR_MX_IS_ADDRESS = "ERROR_MX_IS_ADDRESS"
    ERROR_MX_INVALID_ENTRY = "ERROR_MX_INVALID_ENTRY"
    WARNING_MX_BYPASS = "WARNING_MX_BYPASS"
    WARNING_MX_ALIAS = "WARNING_MX_ALIAS"
    WARNING_MX_NOT_PUBLIC = "WARNING_MX_NOT_PUBLIC"

    SPF_OK = "SPF_OK"
    ERROR_SPF_MISSING_ENTRY = "ERROR_SPF_MISSING_ENTRY"
    ERROR_SPF_MULTIPLE = "ERROR_SPF_MULTIPLE"
    ERROR_SPF_SYNTAX = "ERROR_SPF_SYNTAX"
    ERROR_SPF_BROKEN_INCLUDE = "ERROR_SPF_BROKEN_INCLUDE"
    ERROR_SPF_TOO_MANY_LOOKUPS = "ERROR_SPF_TOO_MANY_LOOKUPS"
    ERROR_SPF_TOO_MANY_VOID_LOOKUPS = "ERROR_SPF_TOO_MANY_VOID_LOOKUPS"
    ERROR_SPF_NOT_AUTHORISED = "ERROR_SPF_NOT_AUTHORISED"
    WARNING_SPF_PASS_ALL = "WARNING_SPF_PASS_ALL"  # noqa: S105  (no password)
    WARNING_SPF_NEUTRAL = "WARNING_SPF_NEUTRAL"
    WARNING_SPF_PTR = "WARNING_SPF_PTR"
    WARNING_SPF_AFTER_ALL = "WARNING_SPF_AFTER_ALL"
    SPF_NOT_CHECKED_IN_PART = "SPF_NOT_CHECKED_IN_PART"

    DKIM_OK = "DKIM_OK"
    WARNING_DKIM_NO_KEY = "WARNING_DKIM_NO_KEY"
    ERROR_DKIM_MISSING_ENTRY = "ERROR_DKIM_MISSING_ENTRY"
    ERROR_DKIM_INVALID_COUPLE = "ERROR_DKIM_INVALID_COUPLE"
    ERROR_DKIM_INVALID_ENTRY = "ERROR_DKIM_INVALID_ENTRY"
    ERROR_DKIM_MULTIPLE = "ERROR_DKIM_MULTIPLE"
    ERROR_DKIM_REVOKED = "ERROR_DKIM_REVOKED"
    ERROR_DKIM_WEAK_KEY = "ERROR_DKIM_WEAK_KEY"
    ERROR_DKIM_HASH = "ERROR_DKIM_HASH"
    WARNING_DKIM_SHORT_KEY = "WARNING_DKIM_SHORT_KEY"
    WARNING_DKIM_TESTING = "WARNING_DKIM_TESTING"

    DMARC_OK = "DMARC_OK"
    DMARC_INHERITED = "DMARC_INHERITED"
    ERROR_DMARC_MISSING_ENTRY = "ERROR_DMARC_MISSING_ENTRY"
    ERROR_DMARC_MULTIPLE = "ERROR_DMARC_MULTIPLE"
    ERROR_DMARC_SYNTAX = "ERROR_DMARC_SYNTAX"
    WARNING_DMARC_NONE = "WARNING_DMARC_NONE"
    WARNING_DMARC_SUBDOMAINS = "WARNING_DMARC_SUBDOMAINS"
    WARNING_DMARC_PERCENT = "WARNING_DMARC_PERCENT"
    WARNING_DMARC_NO_REPORTS = "WARNING_DMARC_NO_REPORTS"
    WARNING_DMARC_REPORTS_REFUSED = "WARNING_DMARC_REPORTS_REFUSED"

    MTA_STS_OK = "MTA_STS_OK"
    MTA_STS_UNUSED = "MTA_STS_UNUSED"
    MTA_STS_TESTING = "MTA_STS_TESTING"
    MTA_STS_POLICY_NOT_CHECKED = "MTA_STS_POLICY_NOT_CHECKED"
    ERROR_MTA_STS_SYNTAX = "ERROR_MTA_STS_SYNTAX"
    ERROR_MTA_STS_MULTIPLE = "ERROR_MTA_STS_MULTIPLE"
    ERROR_MTA_STS_NO_HOST = "ERROR_MTA_STS_NO_HOST"
    ERROR_MTA_STS_POLICY = "ERROR_MTA_STS_POLICY"
    ERROR_MTA_STS_MX = "ERROR_MTA_STS_MX"
    WARNING_MTA_STS_MX = "WARNING_MTA_STS_MX"

    TLS_RPT_OK = "TLS_RPT_OK"
    TLS_RPT_UNUSED = "TLS_RPT_UNUSED"
    WARNING_TLS_RPT_MISSING = "WARNING_TLS_RPT_MISSING"
    ERROR_TLS_RPT_SYNTAX = "ERROR_TLS_RPT_SYNTAX"
    ERROR_TLS_RPT_MULTIPLE = "ERROR_TLS_RPT_MULTIPLE"

    DNSSEC_SECURE = "DNSSEC_SECURE"
    DNSSEC_SECURE_HERE = "DNSSEC_SECURE_HERE"
    DNSSEC_UNSIGNED = "DNSSEC_UNSIGNED"
    DNSSEC_NOT_VERIFIED = "DNSSEC_NOT_VERIFIED"
    DNSSEC_NO_DOMAIN = "DNSSEC_NO_DOMAIN"
    WARNING_DNSSEC_NOT_LINKED = "WARNING_DNSSEC_NOT_LINKED"
    ERROR_DNSSEC_BOGUS = "ERROR_DNSSEC_BOGUS"


@dataclass(frozen=True, slots=True)
class Meaning:
    """result: what API v1 says, where that isn't the code itself."""

    severity: Severity
    words: Promise
    result: str = ""


def _severity(code: Code) -> Severity:
    return {"ERROR": Severity.ERROR, "WARNING": Severity.WARNING}.get(code.partition("_")[0], Severity.OK)


_UNKNOWN = {
    Code.NOT_CHECKED,
    Code.NOT_CHECKED_IN_TIME,
    Code.SPF_NOT_CHECKED_IN_PART,
    Code.MTA_STS_POLICY_NOT_CHECKED,
    Code.DNSSEC_NOT_VERIFIED,
    Code.DNSSEC_NO_DOMAIN,
}
_RESULTS = {
    Code.ERROR_MX_DOMAIN_UNKNOWN: "ERROR_MX_MISSING_ENTRY",
    Code.ERROR_MX_NULL: "ERROR_MX_INVALID_ENTRY",
    Code.ERROR_MX_NULL_AMONG_OTHERS: "ERROR_MX_INVALID_ENTRY",
    Code.ERROR_MX_NO_ADDRESS: "ERROR_MX_INVALID_ENTRY",
    Code.ERROR_MX_IS_ADDRESS: "ERROR_MX_INVALID_ENTRY",
    Code.NOT_CHECKED_IN_TIME: "NOT_CHECKED",
    Code.SPF_NOT_CHECKED_IN_PART: "NOT_CHECKED",
    Code.MTA_STS_POLICY_NOT_CHECKED: "NOT_CHECKED",
    Code.DNSSEC_NOT_VERIFIED: "NOT_CHECKED",
    Code.DNSSEC_NO_DOMAIN: "NOT_CHECKED",
}
_WORDS: dict[Code, Promise] = {
    Code.NOT_CHECKED: _("This could not be checked: no name server answered about %(name)s."),
    Code.NOT_CHECKED_IN_TIME: _("This could not be checked within the time limit."),
    # --- MX
    Code.MX_OK: _("Mail for the domain goes to %(hosts)s."),
    Code.MX_NULL: _("The domain says that it takes no mail."),
    Code.ERROR_MX_MISSING_ENTRY: _("The domain has no MX record: other servers don't know where its mail goes."),
    Code.ERROR_MX_DOMAIN_UNKNOWN: _("There is no such domain in DNS: it isn't registered or not delegated."),
    Code.ERROR_MX_NULL: _("The domain says that it takes no mail (“null MX”), so nobody will send it any."),
    Code.ERROR_MX_NULL_AMONG_OTHERS: _("A “null MX” stands beside other MX records; it must stand alone."),
    Code.ERROR_MX_NO_ADDRESS: _("The mail server %(host)s has no address in DNS, so nothing can be delivered there."),
    Code.ERROR_MX_IS_ADDRESS: _("The MX record holds the address %(host)s; it must hold a host name."),
    Code.ERROR_MX_INVALID_ENTRY: _("Mail for the domain doesn't come here: it goes to %(hosts)s, not to %(expected)s."),
    Code.WARNING_MX_BYPASS: _("%(hosts)s takes mail for the domain past this gateway, so nothing filters it."),
    Code.WARNING_MX_ALIAS: _("The mail server %(host)s is only an alias (CNAME), which some servers refuse."),
    Code.WARNING_MX_NOT_PUBLIC: _(
        "The mail server %(host)s has the address %(address)s, which can't be reached from the internet."
    ),
    # --- SPF
    Code.SPF_OK: _("SPF says who may send for the domain, with %(lookups)d of 10 lookups used."),
    Code.ERROR_SPF_MISSING_ENTRY: _("There is no SPF record: anybody can send in the name of the domain."),
    Code.ERROR_SPF_MULTIPLE: _("There are %(count)d SPF records; receivers ignore them unless there is exactly one."),
    Code.ERROR_SPF_SYNTAX: _("The SPF record of %(name)s can't be understood: %(term)s."),
    Code.ERROR_SPF_BROKEN_INCLUDE: _(
        "The SPF record refers to %(name)s, which has no SPF record: receivers treat all of it as broken."
    ),
    Code.ERROR_SPF_TOO_MANY_LOOKUPS: _(
        "The SPF record needs %(lookups)s lookups; after 10 receivers give up and treat it as broken."
    ),
    Code.ERROR_SPF_TOO_MANY_VOID_LOOKUPS: _(
        "The SPF record names %(count)d hosts that don't exist (%(names)s); more than "
        "2 make receivers treat it as broken."
    ),
    Code.ERROR_SPF_NOT_AUTHORISED: _("SPF doesn't allow %(who)s to send for the domain, and mail leaves from there."),
    Code.WARNING_SPF_PASS_ALL: _("SPF allows everybody to send for the domain (+all)."),
    Code.WARNING_SPF_NEUTRAL: _("SPF doesn't say what to do with mail from elsewhere; let it end in ~all or -all."),
    Code.WARNING_SPF_PTR: _("The SPF record uses “ptr”, which is slow, unsafe and ignored by many."),
    Code.WARNING_SPF_AFTER_ALL: _("What stands after “all” in the SPF record is ignored: %(terms)s."),
    Code.SPF_NOT_CHECKED_IN_PART: _("A part of SPF could not be checked: no name server answered about %(name)s."),
    # --- DKIM
    Code.DKIM_OK: _("The key of the selector %(selector)s is published (%(key)s)."),
    Code.WARNING_DKIM_NO_KEY: _("No DKIM key is set up for the domain: its mail isn't signed."),
    Code.ERROR_DKIM_MISSING_ENTRY: _(
        "The key of the selector %(selector)s isn't published: signatures can't be checked."
    ),
    Code.ERROR_DKIM_INVALID_COUPLE: _(
        "Another key than ours is published for the selector %(selector)s: every signature fails."
    ),
    Code.ERROR_DKIM_INVALID_ENTRY: _("The record of the selector %(selector)s can't be understood: %(why)s."),
    Code.ERROR_DKIM_MULTIPLE: _("The selector %(selector)s has %(count)d records; it must have exactly one."),
    Code.ERROR_DKIM_REVOKED: _("The key of the selector %(selector)s is published as revoked (an empty p=)."),
    Code.ERROR_DKIM_WEAK_KEY: _(
        "The published key of the selector %(selector)s has only %(bits)d bits; receivers ignore fewer than 1024."
    ),
    Code.ERROR_DKIM_HASH: _(
        "The record of the selector %(selector)s doesn't allow SHA-256 (h=%(hashes)s), which we sign with."
    ),
    Code.WARNING_DKIM_SHORT_KEY: _("The key of the selector %(selector)s has %(bits)d bits; today 2048 are expected."),
    Code.WARNING_DKIM_TESTING: _(
        "The key of the selector %(selector)s is marked as a test (t=y): receivers may ignore it."
    ),
    # --- DMARC
    Code.DMARC_OK: _("DMARC asks receivers to treat forged mail with “%(policy)s”."),
    Code.DMARC_INHERITED: _("The domain has no DMARC record of its own; that of %(name)s counts."),
    Code.ERROR_DMARC_MISSING_ENTRY: _(
        "There is no DMARC record: receivers don't know what to do with forged mail. Start "
        "with p=none, read the reports, then go on to quarantine or reject."
    ),
    Code.ERROR_DMARC_MULTIPLE: _(
        "There are %(count)d DMARC records; receivers ignore them unless there is exactly one."
    ),
    Code.ERROR_DMARC_SYNTAX: _("The DMARC record can't be understood: %(why)s."),
    Code.WARNING_DMARC_NONE: _("DMARC only watches (“none”): forged mail is still delivered."),
    Code.WARNING_DMARC_SUBDOMAINS: _("DMARC protects subdomains less than the domain (sp=%(policy)s)."),
    Code.WARNING_DMARC_PERCENT: _("DMARC applies to %(percent)s %% of the mail only."),
    Code.WARNING_DMARC_NO_REPORTS: _("DMARC asks for no reports (rua=), so nobody learns of forgeries and mistakes."),
    Code.WARNING_DMARC_REPORTS_REFUSED: _(
        "DMARC reports go to %(name)s, which doesn't say that it wants them: receivers won't send any there."
    ),
    # --- MTA-STS and TLS reports
    Code.MTA_STS_OK: _("MTA-STS makes other servers encrypt mail to the domain."),
    Code.MTA_STS_UNUSED: _("MTA-STS isn't used: other servers may deliver without encryption."),
    Code.MTA_STS_TESTING: _("MTA-STS is in use, and doesn't enforce anything yet (mode: %(mode)s)."),
    Code.MTA_STS_POLICY_NOT_CHECKED: _("The MTA-STS policy file was not checked: %(why)s."),
    Code.ERROR_MTA_STS_SYNTAX: _("The MTA-STS record can't be understood: %(why)s."),
    Code.ERROR_MTA_STS_MULTIPLE: _("There are %(count)d MTA-STS records; there must be exactly one."),
    Code.ERROR_MTA_STS_NO_HOST: _("MTA-STS is announced, and the host %(host)s with its policy doesn't exist."),
    Code.ERROR_MTA_STS_POLICY: _("The MTA-STS policy file can't be used: %(why)s."),
    Code.ERROR_MTA_STS_MX: _(
        "The MTA-STS policy doesn't name the mail server %(hosts)s: other servers won't deliver there."
    ),
    Code.WARNING_MTA_STS_MX: _(
        "The MTA-STS policy doesn't name the mail server %(hosts)s; once enforced, other servers won't deliver there."
    ),
    Code.TLS_RPT_OK: _("Reports about failed encryption go to %(targets)s."),
    Code.TLS_RPT_UNUSED: _("No reports about failed encryption are asked for (TLS-RPT)."),
    Code.WARNING_TLS_RPT_MISSING: _("MTA-STS is in use, and nobody gets reports when it goes wrong (TLS-RPT)."),
    Code.ERROR_TLS_RPT_SYNTAX: _("The TLS-RPT record can't be understood: %(why)s."),
    Code.ERROR_TLS_RPT_MULTIPLE: _("There are %(count)d TLS-RPT records; there must be exactly one."),
    # --- DNSSEC
    Code.DNSSEC_SECURE: _("The zone %(zone)s is signed, and the resolver has verified it."),
    Code.DNSSEC_SECURE_HERE: _(
        "The zone %(zone)s is signed and matches its DS record. The resolver doesn't verify signatures itself."
    ),
    Code.DNSSEC_UNSIGNED: _("The zone %(zone)s isn't signed: answers about it can be forged."),
    Code.DNSSEC_NO_DOMAIN: _("There is no such domain in DNS, so there is nothing to verify."),
    Code.DNSSEC_NOT_VERIFIED: _("The zone %(zone)s is signed in a way that can't be verified here: %(why)s."),
    Code.WARNING_DNSSEC_NOT_LINKED: _(
        "The zone %(zone)s is signed, and the zone above has no DS record for it: the signatures protect nothing."
    ),
    Code.ERROR_DNSSEC_BOGUS: _(
        "The signatures of the zone %(zone)s are wrong (%(why)s): resolvers that verify them treat the domain as gone."
    ),
}

CODES = {
    code: Meaning(Severity.UNKNOWN if code in _UNKNOWN else _severity(code), words, _RESULTS.get(code, ""))
    for code, words in _WORDS.items()
}
