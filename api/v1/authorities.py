"""Authorities of one's own that outgoing connections believe."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Created, Group
from api.schemas import Answer, Body, Moment
from api.v1 import subjects
from jobs import trust
from jobs.models import TrustedAuthority

group = Group("Authorities", "Authorities whose certificates Postkeep believes when it connects to others.")


class AuthorityAdd(Body):
    """An authority's certificate in PEM."""

    name: Annotated[str, Field(max_length=100, examples=["Our own CA"])] = ""
    pem: Annotated[str, Field(min_length=1, max_length=trust.LARGEST)]


class AuthorityAnswer(Answer):
    """An authority."""

    id: int
    name: str
    subject: str
    sha256: str
    not_after: Moment
    pem: str


def _present(row: TrustedAuthority) -> AuthorityAnswer:
    return AuthorityAnswer(**trust.as_json(row))


@group.get("/server/authorities", admit=subjects.server(Right.MANAGE_SERVER))
def authority_list(actor: Actor, server: subjects.Server) -> list[AuthorityAnswer]:
    """List the authorities that were added."""
    return [_present(row) for row in trust.list_authorities(actor)]


@group.post("/server/authorities", admit=subjects.server(Right.MANAGE_SERVER))
def authority_add(actor: Actor, server: subjects.Server, body: AuthorityAdd) -> Created[AuthorityAnswer]:
    """Trust an authority from now on."""
    row = trust.add_authority(actor, name=body.name, pem=body.pem)
    return Created(_present(row), f"/server/authorities/{row.pk}")


def _authority(actor: Actor, authority_id: int) -> TrustedAuthority:
    return trust.get_authority(actor, authority_id)


@group.get("/server/authorities/{int:authorityId}", admit=_authority)
def authority_detail(actor: Actor, authority: TrustedAuthority) -> AuthorityAnswer:
    """Read an authority."""
    return _present(authority)


@group.delete("/server/authorities/{int:authorityId}", admit=_authority)
def authority_remove(actor: Actor, authority: TrustedAuthority) -> None:
    """Don't trust it any more."""
    trust.remove_authority(actor, authority)
