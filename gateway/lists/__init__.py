"""Mailing lists at work: what is posted is judged, dressed and distributed; commands by mail; bounces; digests.

    posted ─▶ RCPT (who may not is refused) ─▶ filed for the list ─▶ distributing: held for a moderator, or
              one message of the list: rows for mailboxes of ours, a place in the queue for everybody else

A message of a list leaves once for everybody: one content, one passport; what is a subscriber's own (return path, the
way off the list) stands before it in the queue. Who is on a list and may post is `domains.services.lists`.
"""
