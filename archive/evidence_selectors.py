"""Reads of evidence: checkpoints of stores, the server's keys, packages somebody made."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.actors import Actor
from accounts.permissions import Right
from archive.errors import ExportGone
from archive.models import EvidenceKey, EvidencePackage, Store, StoreCheckpoint


def list_keys(actor: Actor) -> QuerySet[EvidenceKey]:
    """The keys this server signs and has signed with, newest first. Raises: Forbidden."""
    actor.require(Right.MANAGE_STORES)
    return EvidenceKey.objects.defer("private")


def current_key(actor: Actor) -> EvidenceKey | None:
    """The one in use. Raises: Forbidden."""
    return list_keys(actor).filter(retired_at=None).first()


def list_checkpoints(actor: Actor, store: Store) -> QuerySet[StoreCheckpoint]:
    """Those of a store, newest first. Raises: Forbidden."""
    actor.require(Right.MANAGE_STORES)
    return StoreCheckpoint.objects.filter(identity=store.identity).defer("stamp")


def list_packages(actor: Actor) -> QuerySet[EvidencePackage]:
    """The person's own, newest first."""
    if actor.user is None or not actor.may_read_mail:
        return EvidencePackage.objects.none()
    return EvidencePackage.objects.filter(user=actor.user)


def get_package(actor: Actor, package_id: UUID) -> EvidencePackage:
    """One of the person's own. Raises: ExportGone."""
    found = list_packages(actor).filter(pk=package_id).first()
    if found is None:
        raise ExportGone("no such package")
    return found
