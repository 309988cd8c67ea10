"""The commands about failed sign-ins and blocked networks, by the names of CommuniGate Pro in our writing.

TEMPBLACKLISTIP → TempBlacklistIp, GETTEMPBLACKLISTEDIPS → GetTempBlacklistedIps, REPORTFAILEDLOGINADDRESS →
ReportFailedLoginAddress; GetFailedSignIns is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from accounts.selectors.guarding import list_blocks, list_failed_sign_ins
from accounts.services.blocks import block_network, report_failure, unblock_network
from jobs.commands import NoArguments, command
from jobs.running import TaskRun

Result = dict[str, object]
LISTED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class BlockArguments:
    """Which address or network, and for how long: 0 seconds lets it in again, none blocks it until it is lifted."""

    address: str
    timeout: int = -1
    delete: bool = False


@dataclass(frozen=True, slots=True)
class AddressArguments:
    """Which address."""

    address: str


@command("GetFailedSignIns", needs=Right.MANAGE_USERS, arguments=NoArguments, label=_("List of failed sign-ins"))
def get_failed_sign_ins(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """List who tried to sign in in vain, from where and how often, the last first."""
    rows = list_failed_sign_ins(actor).select_related("user")[:LISTED_MAX]
    return {
        "failed": [
            {
                "tried": row.tried,
                "isKnown": row.user_id is not None,
                "address": row.address,
                "door": row.door,
                "times": row.times,
                "last": row.last_at.isoformat(),
            }
            for row in rows
        ]
    }


@command("TempBlacklistIp", needs=Right.MANAGE_SERVER, arguments=BlockArguments, label=_("Blocking of a network"))
def temp_blacklist_ip(actor: Actor, run: TaskRun, arguments: BlockArguments) -> Result:
    """Shut an address or a network out for so many seconds, or let it in again."""
    if arguments.delete or arguments.timeout == 0:
        return {"unblocked": unblock_network(actor, arguments.address)}
    seconds = arguments.timeout
    ends = timezone.now() + timedelta(seconds=seconds) if seconds > 0 else None
    row = block_network(actor, arguments.address, expires_at=ends)
    return {"blocked": row.network}


@command("GetTempBlacklistedIps", needs=Right.MANAGE_SERVER, arguments=NoArguments, label=_("List of blocked networks"))
def get_temp_blacklisted_ips(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """List the networks that are shut out: `192.0.2.0/24-3600` for so many seconds, `-*` until somebody lifts it."""
    now = timezone.now()
    shown = [
        f"{row.network}-{'*' if row.expires_at is None else max(0, int((row.expires_at - now).total_seconds()))}"
        for row in list_blocks(actor)
    ]
    return {"addresses": ",".join(shown)}


@command(
    "ReportFailedLoginAddress",
    needs=Right.MANAGE_SERVER,
    arguments=AddressArguments,
    label=_("Report of a failed sign-in"),
)
def report_failed_login_address(actor: Actor, run: TaskRun, arguments: AddressArguments) -> Result:
    """Count a sign-in that failed at another system as one of ours: its network waits, and is blocked after many."""
    report_failure(actor, arguments.address)
    return {"reported": arguments.address}
