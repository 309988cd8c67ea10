"""What a domain should look like in DNS: what a diagnosis compares with. Who serves the domain fills it in."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class ExpectedKey:
    """A DKIM key of ours. record: the text to publish (`DkimKey.record`); empty when the key isn't ours to know."""

    selector: str
    record: str = ""


@dataclass(frozen=True, slots=True)
class Expectations:
    """Everything is optional: what isn't expected isn't compared.

    mx: names, addresses or networks of the gateways that MX records should lead to (POSTKEEP_MX_NAMES without it).
    receives: false when the domain takes no mail. spf_includes: domains whose SPF must be included (providers).
    spf_addresses: addresses or networks that mail leaves from. report_to: the address proposed for reports,
    postmaster of the domain without it. May hold what people typed: what is no address or network is a name.
    """

    mx: tuple[str, ...] = field(default_factory=lambda: tuple(settings.MX_NAMES))
    receives: bool = True
    spf_includes: tuple[str, ...] = ()
    spf_addresses: tuple[str, ...] = ()
    dkim: tuple[ExpectedKey, ...] = ()
    report_to: str = ""

    def mx_names(self) -> list[str]:
        """The host names among `mx`."""
        return [plain(text) for text in self.mx if network_of(text) is None]

    def mx_networks(self) -> list[Network]:
        return [network for network in map(network_of, self.mx) if network is not None]

    def sending_networks(self) -> list[Network]:
        return [network for network in map(network_of, self.spf_addresses) if network is not None]

    def reports_address(self, domain: str) -> str:
        return self.report_to or f"postmaster@{domain}"


def network_of(text: str) -> Network | None:
    """An address or network, None for anything else."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def plain(name: str) -> str:
    """A host name to compare by."""
    return name.strip().rstrip(".").lower()
