"""CommuniGate's text format of data: arrays, dictionaries, strings and what else commands take and answer.

Pure: no Django, no clock, no network. Reading takes time in proportion to the text, and refuses with a position what
is wrong, too deep or too large.
"""

from api.communigate.format.reading import DataError, Reader, read_value
from api.communigate.format.values import FUTURE, PAST, Address, Moment, Value, Xml
from api.communigate.format.writing import write_value

__all__ = [
    "FUTURE",
    "PAST",
    "Address",
    "DataError",
    "Moment",
    "Reader",
    "Value",
    "Xml",
    "read_value",
    "write_value",
]
