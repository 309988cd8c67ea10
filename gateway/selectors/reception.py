"""Reads of the IP lists, the router table and the certificates: the server's, for who manages the gateway."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404

from accounts.actors import Actor
from accounts.permissions import Right
from gateway.models import Certificate, IpEntry, RouterRule

M = TypeVar("M", bound=Model)


def list_ips(actor: Actor) -> QuerySet[IpEntry]:
    """Raises: Forbidden."""
    return _all(actor, IpEntry)


def list_routes(actor: Actor) -> QuerySet[RouterRule]:
    """Raises: Forbidden."""
    return _all(actor, RouterRule)


def list_certificates(actor: Actor) -> QuerySet[Certificate]:
    """Without their keys. Raises: Forbidden."""
    return _all(actor, Certificate).defer("private_key")


def get_ip(actor: Actor, entry_id: int) -> IpEntry:
    """Raises: Http404, also for who doesn't manage the gateway: for them there are none."""
    return _one(actor, IpEntry, entry_id)


def get_route(actor: Actor, rule_id: int) -> RouterRule:
    """Raises: Http404."""
    return _one(actor, RouterRule, rule_id)


def get_certificate(actor: Actor, certificate_id: int) -> Certificate:
    """Raises: Http404."""
    return _one(actor, Certificate, certificate_id)


def _all(actor: Actor, model: type[M]) -> QuerySet[M]:
    actor.require(Right.MANAGE_GATEWAY)
    return model._default_manager.all()


def _one(actor: Actor, model: type[M], number: int) -> M:
    found = model._default_manager.filter(pk=number).first() if actor.has(Right.MANAGE_GATEWAY) else None
    if found is None:
        raise Http404("no such object")
    return found
