"""What we serve. One module a subject; everybody imports from here."""

from domains.models.addresses import Address, AllowedSender, Mailbox, Recipient
from domains.models.branding import BrandHost, Branding, BrandLogo
from domains.models.directory import DirectoryChange, DirectoryRun
from domains.models.extras import AccountRight, MailboxProfile, RemotePull
from domains.models.importing import CsvUpload, PendingInvitation, PendingPassword
from domains.models.limits import ServerQuota, Throttle
from domains.models.lists import MailingList, Subscriber
from domains.models.policies import AttachmentRule, DlpRule, Policy, SenderRule, UriRule
from domains.models.relays import DkimKey, HealthCheck, Relay
from domains.models.tenants import Broker, Customer, Domain, DomainName, OutgoingProvider, Status

__all__ = [
    "AccountRight",
    "Address",
    "AllowedSender",
    "AttachmentRule",
    "BrandHost",
    "BrandLogo",
    "Branding",
    "Broker",
    "CsvUpload",
    "Customer",
    "DirectoryChange",
    "DirectoryRun",
    "DkimKey",
    "DlpRule",
    "Domain",
    "DomainName",
    "HealthCheck",
    "Mailbox",
    "MailboxProfile",
    "MailingList",
    "OutgoingProvider",
    "PendingInvitation",
    "PendingPassword",
    "Policy",
    "Recipient",
    "Relay",
    "RemotePull",
    "SenderRule",
    "ServerQuota",
    "Status",
    "Subscriber",
    "Throttle",
    "UriRule",
]
