"""Digest mails: what is new in somebody's quarantine, told on a schedule, with links that release one message each.

    options (what was chosen) -> times (what is due) -> making (rows, links, mail, in one transaction) -> the queue

The mails go out by the gateway's own queue, not by the server for our own mails (docs/decisions/0037-digest-mails.md):
the row that says "this moment had its mail" and the mail itself are one transaction. Links are used in
`gateway.services.digest_links`.
"""
