"""The store engine: mail kept durably, encrypted, provable and findable in a folder. No Django in here.

The face is `Store`; bulk import is `Ingest`; upkeep is in `operations`. The format is described in README.md.
"""

from .base import PROTECTED
from .errors import StoreError
from .ingest import Ingest, Outcome
from .keys import Keys
from .layout import rewrap
from .proving import Proof
from .reading import StoreFacts
from .rows import Folder, Row
from .searching import Hits
from .store import Store

__all__ = [
    "PROTECTED",
    "Folder",
    "Hits",
    "Ingest",
    "Keys",
    "Outcome",
    "Proof",
    "Row",
    "Store",
    "StoreError",
    "StoreFacts",
    "rewrap",
]
