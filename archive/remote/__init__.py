"""Other people's mail servers, spoken to as a client: IMAP and POP3 to take mail from, IMAP and SMTP to hand it to.

Every connection goes through the gate (`config.kit.net`). What comes from the other side is bounded: lines, replies,
and messages, which leave memory beyond 4 MiB. Not for what is done with the mail (`archive.services.profiles`).
"""
