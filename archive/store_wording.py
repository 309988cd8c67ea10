"""What figures of the engine's plans and reports are called, and how they are written. Not for what they mean."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from config.kit.templatetags.kit import number, size_text

SIZES = ("_bytes", "bytes_")
HIDDEN = frozenset({"goes_on", "to", "damaged", "ours"})
WORDS = {
    "attachments": _("attachments kept once"),
    "attachments_shared_bytes": _("saved by keeping attachments once"),
    "bytes": _("in these packs"),
    "bytes_after": _("after it"),
    "bytes_before": _("before it"),
    "bytes_freed": _("given back"),
    "checkpoints": _("checkpoints checked"),
    "stamps": _("time stamps checked"),
    "time_stamps": _("time stamps checked"),
    "bytes_moved": _("to be moved for it"),
    "catalogue": _("of the catalogue compared"),
    "catalogue_bytes": _("catalogue"),
    "database_bytes": _("database"),
    "dead_rows": _("rows that are dead"),
    "deleted_bytes": _("of deleted messages, until it is compacted"),
    "deleted_so_far": _("messages deleted so far"),
    "dictionaries": _("of dictionaries read"),
    "dictionaries_bytes": _("in dictionaries"),
    "dictionaries_retired": _("dictionaries gone that were made of what was erased"),
    "erasures_pending": _("erasure to be finished: all that was made of it is written anew"),
    "file_bytes": _("catalogue file"),
    "folders": _("folders"),
    "folders_rebuilt": _("folders from the catalogue"),
    "format": _("format"),
    "free_bytes": _("of it free"),
    "index": _("of the index read"),
    "index_bytes": _("index"),
    "indexed": _("messages in the index"),
    "journal": _("of the journal read"),
    "journal_bytes": _("in the journal"),
    "journal_gaps": _("damaged places in the journal"),
    "journal_records": _("journal records"),
    "known_already": _("messages that were here already"),
    "loose_objects": _("objects removed that nothing needs any more"),
    "lag": _("journal records not yet indexed"),
    "log_bytes": _("its write-ahead log"),
    "mailboxes": _("mailboxes"),
    "mended": _("things mended"),
    "messages": _("messages"),
    "messages_done": _("messages that came before"),
    "messages_moved": _("messages moved"),
    "messages_rebuilt": _("messages from the catalogue"),
    "missing_indexes": _("indexes of the catalogue missing"),
    "packs": _("packs"),
    "packs_bytes": _("in packs"),
    "placements": _("placements in folders"),
    "placements_rebuilt": _("placements from the catalogue"),
    "raw_bytes": _("of mail"),
    "rebuilt": _("catalogues made anew"),
    "records": _("journal records"),
    "records_kept": _("journal records that prove themselves"),
    "restored": _("messages brought back"),
    "restored_placements": _("placements brought back"),
    "stored_bytes": _("on disk"),
    "stray_bytes": _("of packs that are replaced, until it is compacted"),
    "stores": _("stores"),
    "tables": _("tables"),
    "tables_written_anew": _("tables written anew"),
    "taken_from_catalogue": _("messages taken from the catalogue"),
    "taken_from_packs": _("messages taken from the packs"),
    "wrong_rows": _("wrong rows in the catalogue"),
}
AS_BYTES = frozenset({"journal", "packs", "dictionaries", "catalogue", "index"})


# In which order a store's statistics are read; what is on the page anyway is left out.
COUNTED = (
    "messages", "placements", "folders", "mailboxes", "raw_bytes", "stored_bytes", "packs", "packs_bytes",
    "attachments", "attachments_shared_bytes", "journal_bytes", "records", "dictionaries_bytes", "deleted_bytes",
    "stray_bytes", "catalogue_bytes", "index_bytes",
)  # fmt: skip


def counted(figures: Mapping[str, int]) -> list[tuple[str, str]]:
    """The statistics of a store, in the order they are read in."""
    return shown({name: figures[name] for name in COUNTED if name in figures})


def shown(numbers: Mapping[str, int], *, operation: str = "") -> list[tuple[str, str]]:
    """Figures as (value, words); sizes as sizes, what is for programs left out."""
    return [
        (_value(name, value, operation), str(WORDS.get(name, name.replace("_", " "))))
        for name, value in numbers.items()
        if name not in HIDDEN
    ]


def _value(name: str, value: int, operation: str) -> str:
    is_size = "bytes" in name or (operation == "verify" and name in AS_BYTES)
    return size_text(value) if is_size else number(value)
