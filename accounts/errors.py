"""What can go wrong with people: one root, so that every door can translate it.

Not for form errors of shape (a missing field): those stay in the forms.
"""

from __future__ import annotations

from django.core.exceptions import PermissionDenied


class AccountsError(Exception):
    """Root of this app's errors; `permanent` says whether trying again later can help."""

    permanent = True


class Forbidden(AccountsError, PermissionDenied):
    """Known, but not allowed: Django answers 403."""


class BadAddress(AccountsError, ValueError):
    """Not an e-mail address that we can serve; the text says why, for the person who typed it."""


class AddressTaken(AccountsError):
    """Somebody has this address already."""


class BadPassword(AccountsError):
    """The password breaks the rules; `messages` are for the person who typed it."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__(" ".join(messages))
        self.messages = messages


class WrongPassword(AccountsError):
    """Address and password don't belong together (which of the two is never said)."""


class PasswordDue(WrongPassword):
    """The right password, and no way in for a program: it has expired, or a new one must be chosen at the pages first.

    The text says so, for the person.
    """


class NoPasswordHere(AccountsError):
    """Somebody whose password isn't kept here (a directory, a provider), or who has none yet."""


class BadBreachList(AccountsError, ValueError):
    """A file that is no list of known passwords, or can't be kept; the text says why."""


class WrongCode(AccountsError):
    """A one-time code, recovery code or passkey that proves nothing now (which of the reasons is never said)."""


class ProofNeeded(Forbidden):
    """Allowed, but only soon after proving once more who it is: `accounts.proving`."""


class FactorDemanded(AccountsError):
    """The last second factor of somebody of whom one is demanded isn't taken away by themselves."""


class TooManyAttempts(AccountsError):
    """Guessing is slowed down; in `retry_after_s` seconds the next attempt is looked at."""

    permanent = False

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many attempts; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class NetworkBlocked(TooManyAttempts):
    """This network is shut out at every door."""


class BadLink(AccountsError):
    """The one-time link is unknown, used, or expired (one answer for all three)."""


class LastAdministrator(AccountsError):
    """Without an active administrator nobody could let anybody in again."""


class UnknownUser(AccountsError):
    """Nobody has this address."""


class BadOption(AccountsError, ValueError):
    """Not a value that the option may have; the text says why, for the person who gave it."""


class UnknownOption(AccountsError, LookupError):
    """The catalogue has no option of this name."""


class BadGrant(AccountsError, ValueError):
    """Rights that can't be given like this; the text says why, `field` what the caller gave."""

    def __init__(self, text: str = "", *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class GrantExists(AccountsError):
    """The person has rights there already: change those."""


class NameTaken(AccountsError):
    """Something of this name is there already."""


class RoleInUse(AccountsError):
    """People hold the role; `holders` are some of them."""

    def __init__(self, text: str, holders: list[str]) -> None:
        super().__init__(text)
        self.holders = holders


class BadView(AccountsError, ValueError):
    """A view of a list that can't be kept; the text says why, `field` what the caller gave."""

    def __init__(self, text: str = "", *, field: str = "") -> None:
        super().__init__(text)
        self.field = field
