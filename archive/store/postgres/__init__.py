"""A store in PostgreSQL: journal, content and catalogue as tables of one schema; sealed packs go to files or to S3.

The same engine works on it: `backend` is its face of append-only files, whose bytes are rows; `catalogue` the tables
that a folder's store has in SQLite. Why one schema a store, and what a transaction holds: docs/decisions.
"""

from .backend import PostgresBackend
from .database import Database
from .objects import FileObjects, Objects, S3Objects, S3Place

__all__ = ["Database", "FileObjects", "Objects", "PostgresBackend", "S3Objects", "S3Place"]
