"""`manage.py verify`: VerifyStore from the shell."""

from __future__ import annotations

from archive.management.operation import OperationDoor


class Command(OperationDoor):
    help = "Read every store back and compare it with what was written. Exit code 0 only when all is well."
    command_name = "VerifyStore"
