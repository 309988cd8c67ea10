"""What waits for a moderator of a mailing list: for its owner and who manages lists there."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404

from accounts.actors import Actor
from domains.models import MailingList
from domains.selectors.lists import get_list
from domains.services.lists.settings import require_managing
from gateway.models import ListPosting


def get_moderated(actor: Actor, list_id: int) -> MailingList:
    """A list that the actor moderates. Raises: Http404, Forbidden."""
    found = get_list(actor, list_id)
    require_managing(actor, found)
    return found


def list_held(found: MailingList) -> QuerySet[ListPosting]:
    """What waits, oldest first."""
    rows = ListPosting.objects.filter(list=found, state=ListPosting.State.HELD)
    return rows.select_related("message", "list__address__domain", "list__owner").order_by("pk")


def list_posted(found: MailingList) -> QuerySet[ListPosting]:
    """What came last and was decided, newest first."""
    rows = ListPosting.objects.filter(list=found, command="").exclude(state=ListPosting.State.HELD)
    return rows.select_related("message").order_by("-pk")


def list_all(found: MailingList) -> QuerySet[ListPosting]:
    """What was posted, whatever became of it; newest first. Commands to the list are none of it."""
    return ListPosting.objects.filter(list=found, command="").select_related("message").order_by("-pk")


def get_posting(found: MailingList, posting_id: int) -> ListPosting:
    """Raises: Http404."""
    row = list_held(found).filter(pk=posting_id).first()
    if row is None:
        raise Http404("nothing waits")
    return row
