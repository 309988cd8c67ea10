"""What we serve. One module a subject; everybody imports from here."""

from domains.models.addresses import Address, AllowedSender, Mailbox, Recipient
from domains.models.tenants import Broker, Customer, Domain, DomainName, OutgoingProvider, Status

__all__ = [
    "Address",
    "AllowedSender",
    "Broker",
    "Customer",
    "Domain",
    "DomainName",
    "Mailbox",
    "OutgoingProvider",
    "Recipient",
    "Status",
]
