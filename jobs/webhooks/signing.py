"""The signature of what is sent, and the secret behind it. Pure.

Source: Standard Webhooks, "Signature scheme": HMAC-SHA256 over `id.timestamp.body`, base64, behind `v1,`; a secret is
`whsec_` and base64 of 24 to 64 bytes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
KEY_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def is_secret(text: object) -> bool:
    """Whether a text is a secret as the scheme writes them."""
    if not isinstance(text, str) or not text.startswith(PREFIX):
        return False
    try:
        return 24 <= len(base64.b64decode(text.removeprefix(PREFIX), validate=True)) <= 64
    except ValueError:
        return False


def signature(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(secret: str, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """timestamp: seconds since 1970, of this very try: receivers refuse what is old."""
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, event_id, timestamp, body),
    }
