"""Which status Cleanmail's manual gives where version 1 has another. Not for what is answered with it."""

from __future__ import annotations

from collections.abc import Sequence

ASKS_TOKEN = "GET /token"  # noqa: S105  # an operation's name
DONE = {(ASKS_TOKEN, 201): 202, ("POST /emails/attachments", 201): 200}
# 400 for whatever is wrong with the request, where the manual names no 422
_ALL_WRONG = frozenset(
    {
        "DELETE /domains/{domainId}/aliases/{aliasId}", "POST /users/{userId}/emails/send",
        "DELETE /filters/attachments/{ruleId}", "PATCH /filters/attachments/{ruleId}", "DELETE /filters/uris/{ruleId}",
        "PATCH /filters/uris/{ruleId}", "PATCH /users/{userId}", "DELETE /groups/{groupId}",
        "DELETE /domains/{domainId}/groups/{groupId}/addresses/{addressId}", "GET /token",
        "PATCH /domains/{domainId}/groups/{groupId}", "DELETE /users/{userId}/sign", "PUT /users/{userId}/sign",
    }
)  # fmt: skip
# 400 for a name that is none, 422 for the rest
_WRONG_NAMES = {
    "POST /domains": "name", "PATCH /domains/{domainId}": "name", "PATCH /policies/{policyId}": "name",
    "POST /users": "email", "POST /domains/{domainId}/groups": "email",
}  # fmt: skip


def theirs(operation: str, status: int) -> int:
    """The status of what was done."""
    return DONE.get((operation, status), status)


def refused(operation: str, status: int, fields: Sequence[str]) -> int:
    """The status of what wasn't. fields: those that were wrong."""
    if operation == "DELETE /policies/{policyId}" and status == 409:
        return 400
    is_wrong = operation in _ALL_WRONG or _WRONG_NAMES.get(operation) in fields
    return 400 if status == 422 and is_wrong else status
