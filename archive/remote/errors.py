"""What can go wrong with another's mail server; connections themselves fail as `config.kit.net.NetError`.

`permanent`: the same again won't help by itself.
"""

from __future__ import annotations


class RemoteError(Exception):
    """Root of what the other side's server says or does."""

    permanent = True


class LoginRefused(RemoteError):
    """Name and password, or the token, were not accepted; or the server offers no way to sign in that we may use."""


class CommandRefused(RemoteError):
    """The server answered NO, BAD or -ERR; the text is what it said."""

    permanent = False


class TokenRefused(RemoteError):
    """No access token was to be had."""
