"""What the archive holds counts as occupation of a mailbox."""

from __future__ import annotations

from accounts.models import User
from domains import usage
from domains.models import Mailbox
from tests.archive.django.factories import archive, make_raw


def test_the_archive_says_how_much_each_mailbox_holds(user: User, stranger: User) -> None:
    mails = [make_raw(subject="one"), make_raw(subject="two")]
    archive(user, mails, index=False)
    archive(stranger, mails[:1], index=False)
    usage.refresh()
    held = dict(Mailbox.objects.values_list("address", "used_messages"))
    assert held == {user.email: 2, stranger.email: 1}
    assert Mailbox.objects.get(user=user).used_bytes == sum(len(each) for each in mails)
    assert usage.refresh() == 0
