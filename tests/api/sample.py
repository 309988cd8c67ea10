"""A small API of the tests' own, to try the frame on: every kind of operation over domains and people.

`pytestmark = pytest.mark.urls("tests.api.sample")` mounts it in the place of the real one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from django.db.models import QuerySet
from django.http import Http404
from django.urls import include, path
from pydantic import BaseModel, Field

from accounts import audit
from accounts.actors import Actor
from accounts.errors import AddressTaken, BadAddress
from accounts.models import User
from accounts.permissions import Right
from api import filters
from api.door import Door
from api.listing import Listing
from api.operations import Accepted, Created, Group, anyone, holding
from api.schemas import Answer, Body, Moment
from config.urls import handler400, handler403, handler404, handler500
from config.urls import urlpatterns as product
from domains.models import Domain

__all__ = ["handler400", "handler403", "handler404", "handler500"]

group = Group("Sample", "Made for the tests.", names={"domain_name": "name"})


class DomainAnswer(Answer):
    id: int
    name: str
    creation_date: Moment


class Part(Body):
    port: Annotated[int, Field(ge=1, le=65_535)]
    is_default: bool = False


class DomainBody(Body):
    name: Annotated[str, Field(max_length=100)] | None = None
    kind: Literal["MX", "A"] | None = None
    weight: float | None = None
    until: Moment | None = None
    parts: list[Part] = []


class Words(BaseModel, extra="forbid"):
    word: str
    times: int = 1


class WordsAnswer(Answer):
    text: str


def present(actor: Actor, rows: Sequence[Domain]) -> list[DomainAnswer]:
    return [DomainAnswer(id=row.pk, name=row.name, creation_date=row.created_at) for row in rows]


class PersonAnswer(Answer):
    id: int
    email: str
    last_login: Moment | None


PEOPLE = Listing(
    PersonAnswer,
    lambda actor, rows: [PersonAnswer(id=row.pk, email=row.email, last_login=row.last_login) for row in rows],
    sorts={"email": "email", "id": "pk", "name": "name", "lastLogin": "last_login", "mailbox": "mailbox__address"},
    default="email",
    filters={
        "email": filters.text("email", "The address.", canonical=True),
        "name": filters.text("name", "The name."),
        "active": filters.flag("is_active", "May sign in."),
        "role": filters.choice("is_administrator", "The role.", {"ADMIN": True, "USER": False}),
        "createdSince": filters.since("created_at", "Made at or after this moment."),
    },
)
DOMAINS = Listing(DomainAnswer, present, sorts={"name": "name", "id": "pk"}, default="name")


def domain(actor: Actor, domain_id: int) -> Domain:
    """Administrators manage all; a person sees the domain of their address, and may not change it."""
    found = Domain.objects.filter(pk=domain_id).first()
    own = actor.user is not None and found is not None and actor.user.email.endswith(f"@{found.name}")
    if found is None or not (own or actor.has(Right.MANAGE_USERS)):
        raise Http404
    return found


def managed(actor: Actor, domain_id: int) -> Domain:
    found = domain(actor, domain_id)
    actor.require(Right.MANAGE_USERS, found)
    return found


@group.list("/domains", DOMAINS)
def domain_list(actor: Actor) -> QuerySet[Domain]:
    """List domains."""
    actor.require(Right.MANAGE_USERS)
    return Domain.objects.all()


@group.list("/people", PEOPLE)
def people_list(actor: Actor) -> QuerySet[User]:
    """List people."""
    actor.require(Right.MANAGE_USERS)
    return User.objects.all()


@group.post("/domains", admit=holding(Right.MANAGE_USERS))
def domain_create(actor: Actor, body: DomainBody) -> Created[DomainAnswer]:
    """Make a domain."""
    if body.name == "taken.example":
        raise AddressTaken(body.name)
    if body.name is None or "." not in body.name:
        raise NoName("A domain has a name with a dot.")
    made = Domain.objects.create(name=body.name)
    return Created(present(actor, [made])[0], f"/domains/{made.pk}")


@group.get("/domains/{int:domainId}", admit=domain)
def domain_detail(actor: Actor, domain: Domain) -> DomainAnswer:
    """Read a domain."""
    return present(actor, [domain])[0]


@group.patch("/domains/{int:domainId}", admit=managed)
def domain_change(actor: Actor, domain: Domain, body: DomainBody) -> None:
    """Change a domain."""
    changes = body.changes()
    if changes.get("name"):
        domain.name = changes["name"]
        domain.save()
    audit.record(actor, "sample.change", domain, fields=sorted(changes))


@group.delete("/domains/{int:domainId}", admit=managed)
def domain_delete(actor: Actor, domain: Domain) -> None:
    """Delete a domain."""
    domain.delete()


@group.get("/domains/{int:domainId}/aliases", admit=domain)
def alias_list(actor: Actor, domain: Domain) -> list[str]:
    """A short list."""
    return ["a.example", "b.example"]


@group.post("/domains/{int:domainId}/aliases", admit=managed)
def alias_add(actor: Actor, domain: Domain, body: list[str]) -> Created[list[str]]:
    """Add to the short list."""
    return Created(body)


@group.post("/tasks", admit=anyone)
def task_start(actor: Actor, body: Part | None) -> Accepted:
    """Begin something."""
    return Accepted()


@group.post("/words", admit=anyone, reads=True)
def words(actor: Actor, query: Words, body: Part | None) -> WordsAnswer:
    """Ask with a body."""
    return WordsAnswer(text=query.word * query.times)


@group.get("/broken", admit=anyone)
def broken(actor: Actor) -> WordsAnswer:
    """Fails."""
    raise RuntimeError("a secret of the inside")


class NoName(BadAddress):
    field = "domain_name"


door = Door([group])
urlpatterns = [path("api/v1/", include((door.patterns, "api"))), *product]
