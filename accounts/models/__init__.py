"""People, what they were granted, their one-time links and tokens, options, and the audit trail.

Not for addresses that receive mail (`domains.Mailbox`). Scopes of higher apps (customers, domains) are kept as a level
and an id, without a foreign key: nothing here points upwards. One module a subject; all of them are imported from here.
"""

from accounts.models.entry import ApiToken, OneTimeLink, SignInThrottle
from accounts.models.factors import AuthenticatorApp, Passkey, RecoveryCode, TrustedDevice
from accounts.models.guarding import AppPassword, FailedSignIn, SignInBlock
from accounts.models.keeping import OptionValue, Preference
from accounts.models.people import FormerPassword, User, UserManager
from accounts.models.rights import LEVELS, FolderGrant, Grant, Role
from accounts.models.sessions import Session
from accounts.models.sources import GroupRole, Identity, Source, SourceChoice
from accounts.models.trail import AuditEvent, AuditSeal, AuditWaiting

__all__ = [
    "LEVELS",
    "ApiToken",
    "AppPassword",
    "AuditEvent",
    "AuditSeal",
    "AuditWaiting",
    "AuthenticatorApp",
    "FailedSignIn",
    "FolderGrant",
    "FormerPassword",
    "Grant",
    "GroupRole",
    "Identity",
    "OneTimeLink",
    "OptionValue",
    "Passkey",
    "Preference",
    "RecoveryCode",
    "Role",
    "Session",
    "SignInBlock",
    "SignInThrottle",
    "Source",
    "SourceChoice",
    "TrustedDevice",
    "User",
    "UserManager",
]
