"""Cleanmail's operations, each by the operation of version 1 that does it.

The page, the coverage table and the access sweep read this list. Version 1 keeps Cleanmail's paths and names, so they
are the same but for asking for a token, which is a POST there.
"""

from __future__ import annotations

import re

from api.dialects.registry import Operation
from api.dialects.routes import Route, Routes
from api.v1.routes import door

LINES = """
DELETE /security/admins/{adminId}
GET /security/admins
GET /security/admins/{adminId}
GET /security/permissions
PATCH /security/admins/{adminId}
POST /admins/{adminId}/tokens
GET /admins/{adminId}/tokens
DELETE /admins/{adminId}/tokens/{id}
POST /domains/{domainId}/aliases
DELETE /domains/{domainId}/aliases/{aliasId}
GET /domains/{domainId}/aliases
PUT /domains/{domainId}/aliases
POST /domains/{domainId}/policies
DELETE /policies/{policyId}
GET /policies/{policyId}
GET /domains/{domainId}/policies
PATCH /policies/{policyId}
POST /domains
PUT /domains/{domainId}/access
POST /domains/{domainId}/admins
DELETE /domains/{domainId}/options/{optionName}
DELETE /domains/{domainId}/admins/{adminId}
DELETE /domains/{domainId}
GET /domains/{domainId}/admins/{adminId}
GET /domains/{domainId}
GET /domains/{domainId}/admins
GET /domains/{domainId}/options
GET /domains
GET /domains/{domainId}/access
PUT /domains/{domainId}/admins/{adminId}/authorities
POST /domains/{domainId}/options
PATCH /domains/{domainId}
POST /domains/{domainId}/dkim
DELETE /domains/{domainId}/dkim
GET /domains/{domainId}/dkim
PUT /domains/{domainId}/dkim
DELETE /emails/attachments/{uid}/{filename}
GET /users/{userId}/emails/{folder}/{emailId}/attachments
GET /users/{userId}/emails/{folder}/{emailId}/attachments/{partId}
GET /emails/attachments/{uid}/{filename}
GET /users/{userId}/emails/{folder}/{emailId}
GET /users/{userId}/emails/folders
GET /users/{userId}/emails/folders/{folderPath}
GET /users/{userId}/emails/{folderPath}
POST /users/{userId}/emails/{folder}/{emailId}/release
POST /users/{userId}/emails/send
POST /emails/attachments
POST /domains/{domainId}/filters/attachments
DELETE /filters/attachments/{ruleId}
GET /domains/{domainId}/filters/attachments
PATCH /filters/attachments/{ruleId}
POST /wblist
POST /domains/{domainId}/wblist
POST /users/{userId}/wblist
DELETE /domains/{domainId}/wblist/{wbItemId}
DELETE /users/{userId}/wblist/{wbItemId}
GET /domains/{domainId}/wblist
GET /users/{userId}/wblist
PUT /domains/{domainId}/wblist/{wbItemId}
PUT /users/{userId}/wblist/{wbItemId}
PUT /domains/{domainId}/wblist
PUT /users/{userId}/wblist
POST /domains/{domainId}/filters/uris
DELETE /filters/uris/{ruleId}
GET /domains/{domainId}/filters/uris
PATCH /filters/uris/{ruleId}
POST /domains/{domainId}/health
POST /platforms/{platformId}/health
GET /domains/{domainId}/health
GET /health
GET /platforms/{platformId}/health
POST /health/try-relay
POST /tasks
GET /token
POST /users
DELETE /users/{userId}/options/{optionName}
DELETE /users/{userId}
GET /users/{userId}
GET /domains/{domainId}/users
GET /users/{userId}/options
GET /users
POST /users/{userId}/options
PATCH /users/{userId}
POST /domains/{domainId}/groups/{groupId}/addresses
POST /domains/{domainId}/groups
DELETE /groups/{groupId}
DELETE /domains/{domainId}/groups/{groupId}/addresses/{addressId}
GET /domains/{domainId}/groups/{groupId}
GET /domains/{domainId}/groups
PATCH /domains/{domainId}/groups/{groupId}
DELETE /users/{userId}/sign
GET /users/{userId}/sign
PUT /users/{userId}/sign
"""
_PLACEHOLDER = re.compile(r"\{(?:\w+:)?\w+\}")


def _shape(path: str) -> str:
    return _PLACEHOLDER.sub("{}", path)


_OURS = {(declared.method, _shape(declared.path)): declared for declared in door.declared}


def _route(line: str) -> Route[str]:
    """The operation with the words of version 1 that say what it does."""
    method, path = line.split(" ")
    declared = _OURS["POST" if path == "/token" else method, _shape(path)]
    about = (declared.function.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    return Route(Operation(method, path, about, reads=declared.reads and path != "/token"), path)


ROUTES: Routes[str] = Routes([_route(line) for line in LINES.split("\n") if line])
