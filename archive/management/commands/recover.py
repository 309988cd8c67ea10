"""`manage.py recover`: RecoverStore from the shell."""

from __future__ import annotations

from archive.management.operation import OperationDoor


class Command(OperationDoor):
    help = "Make the catalogue of a store anew from its journal and packs."
    command_name = "RecoverStore"
