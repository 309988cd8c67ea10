"""Taking a delivered message out of its recipients' mailboxes: found by IMAP, compared, and only then deleted.

`accounts` says by which archiving profile a mailbox is reached, `looking` finds and deletes in one mailbox. Who may is
decided by `gateway.services.remediation`.
"""
