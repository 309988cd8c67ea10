"""The text of attached files for the index: PDF, office files, archives, mail in mail.

Parsers of hostile formats run in a process with bounds (`child`), started and fed by `reader`; nothing they do can cost
a message its place. What can't be read is named with a reason. No Django. Not for what a message itself says
(`archive.mail`), and not for finding messages in archives (`archive.sources`).
"""

from archive.mail.attached import FileText

from .model import GROUPS, REASONS, Policy
from .reader import Reader

__all__ = ["GROUPS", "REASONS", "FileText", "Policy", "Reader"]
