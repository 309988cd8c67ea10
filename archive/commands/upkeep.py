"""The commands of upkeep: the engine's operations over one store or all, and the master database."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from archive.services import maintenance, master_database, merging
from archive.services.maintenance import StoreArguments
from archive.services.merging import MergeArguments
from jobs.commands import NoArguments, Secret, command
from jobs.running import TaskRun

Result = dict[str, object]
NEEDS = Right.MANAGE_STORES


@dataclass(frozen=True, slots=True)
class OneStoreArguments:
    """A store by its number or its name; without either every store that is switched on."""

    id: int | None = None
    store: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class VerifyArguments(OneStoreArguments):
    """include_indexes: the search indexes too. deep: also read every message and replay the catalogue."""

    include_indexes: bool = True
    deep: bool = False


@dataclass(frozen=True, slots=True)
class VerifyAllArguments:
    """include_indexes: the search indexes too. deep: also read every message and replay the catalogue."""

    include_indexes: bool = True
    deep: bool = False


@dataclass(frozen=True, slots=True)
class RecoverArguments(OneStoreArguments):
    """encryption_key: the store's own key or a recovery key, where its key file is lost or foreign.

    recover_deleted_messages: also bring back what was deleted and still lies in the packs.
    """

    encryption_key: Secret | None = None
    recover_deleted_messages: bool = False


def _plain(arguments: object) -> StoreArguments:
    known = asdict(arguments)  # type: ignore[call-overload]
    known.pop("encryption_key", None)
    return StoreArguments(**known)


@command("VerifyStore", needs=NEEDS, arguments=VerifyArguments, label=_("Store verification"), resumable=True)
def verify_store(actor: Actor, run: TaskRun, arguments: VerifyArguments) -> Result:
    """Read everything back and compare it with what was written."""
    return maintenance.operate(actor, run, "verify", _plain(arguments))


@command(
    "VerifyStores", needs=NEEDS, arguments=VerifyAllArguments, label=_("Verification of all stores"), resumable=True
)
def verify_stores(actor: Actor, run: TaskRun, arguments: VerifyAllArguments) -> Result:
    """Read every store back and compare it with what was written."""
    return maintenance.operate(actor, run, "verify", _plain(arguments))


@command("RecoverStore", needs=NEEDS, arguments=RecoverArguments, label=_("Store recovery"))
def recover_store(actor: Actor, run: TaskRun, arguments: RecoverArguments) -> Result:
    """Make the catalogue anew from journal and packs, and mend a damaged journal."""
    return maintenance.operate(actor, run, "recover", _plain(arguments), encryption_key=arguments.encryption_key)


@command("RecreateRecoveryRecords", needs=NEEDS, arguments=OneStoreArguments, label=_("Journal written anew"))
def recreate_recovery_records(actor: Actor, run: TaskRun, arguments: OneStoreArguments) -> Result:
    """Write a damaged journal anew, from what proves itself and what catalogue and packs know."""
    return maintenance.operate(actor, run, "recreate_journal", _plain(arguments))


@command("RepairStoreDatabase", needs=NEEDS, arguments=OneStoreArguments, label=_("Catalogue repair"))
def repair_store_database(actor: Actor, run: TaskRun, arguments: OneStoreArguments) -> Result:
    """Mend a store's catalogue: missing indexes, wrong counters; else make it anew."""
    return maintenance.operate(actor, run, "repair", _plain(arguments))


@command("CompactStore", needs=NEEDS, arguments=OneStoreArguments, label=_("Store compaction"), resumable=True)
def compact_store(actor: Actor, run: TaskRun, arguments: OneStoreArguments) -> Result:
    """Give back the room of deleted messages; RecoverStore can't bring those back afterwards."""
    return maintenance.operate(actor, run, "compact", _plain(arguments))


@command("SealStorePacks", needs=NEEDS, arguments=OneStoreArguments, label=_("Packs moved out of a database"))
def seal_store_packs(actor: Actor, run: TaskRun, arguments: OneStoreArguments) -> Result:
    """Move sealed packs of stores in PostgreSQL to their folder or bucket, each read back before its rows go."""
    return maintenance.operate(actor, run, "seal", _plain(arguments))


@command("MergeStore", needs=NEEDS, arguments=MergeArguments, label=_("Store merge"), resumable=True)
def merge_store(actor: Actor, run: TaskRun, arguments: MergeArguments) -> Result:
    """Bring all messages of the store source_id into the store id, and switch the source off."""
    return merging.merge_stores(actor, run, arguments)


@command("UpgradeStore", needs=NEEDS, arguments=OneStoreArguments, label=_("Store upgrade"))
def upgrade_store(actor: Actor, run: TaskRun, arguments: OneStoreArguments) -> Result:
    """Bring a store to the newest format."""
    return maintenance.operate(actor, run, "upgrade", _plain(arguments))


@command("UpgradeStores", needs=NEEDS, arguments=NoArguments, label=_("Upgrade of all stores"))
def upgrade_stores(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Bring every store that may be written to the newest format."""
    return maintenance.operate(actor, run, "upgrade", StoreArguments())


@command("RefreshAllStoreStatistics", needs=NEEDS, arguments=NoArguments, label=_("Statistics of the stores"))
def refresh_all_store_statistics(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Count what every store holds and takes."""
    return maintenance.operate(actor, run, "statistics", StoreArguments())


@command("MaintainFileSystemDatabases", needs=NEEDS, arguments=NoArguments, label=_("Catalogues tidied"))
def maintain_file_system_databases(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Tidy the catalogue of every store: free pages, its log, what its planner knows."""
    return maintenance.operate(actor, run, "maintain", StoreArguments())


@command(
    "CompactMasterDatabase",
    needs=Right.MANAGE_SERVER,
    arguments=NoArguments,
    label=_("Compaction of the master database"),
)
def compact_master_database(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Give back the room of deleted rows in the master database."""
    return master_database.compact_database(actor, run)
