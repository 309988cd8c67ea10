"""The conformance suite: what every backend must keep, and what a store must do on any of them.

Test classes without a framework: tests/archive/store/test_contract.py hands them a `Ground` per backend, and a new
backend is done when it passes them. `check_invariants` is the checker of I1-I7 that the fault and kill loops use.
Not for what only one backend can show (processes, a full disk): those tests stand beside it.
"""

from .backend import BackendContract
from .checking import catalogue_rows, check_invariants, replayed
from .erasing import ErasureContract
from .folders import FolderContract
from .ground import Ground
from .making import bring_index, incoming, keep, letter, mail, noise
from .operations import OperationContract
from .sharing import SharingContract
from .store import StoreContract

__all__ = [
    "BackendContract", "ErasureContract", "FolderContract", "Ground", "OperationContract", "SharingContract",
    "StoreContract", "bring_index", "catalogue_rows", "check_invariants", "incoming", "keep", "letter", "mail", "noise",
    "replayed",
]  # fmt: skip
