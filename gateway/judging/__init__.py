"""Judging a message: what is known of it, and what happens to it for each recipient.

    from gateway.judging.deciding import judge
    from gateway.judging.inspecting import inspect

    inspection = await inspect(incoming, direction)       # asks scanners and DNS; Inspection.silent: answer 4xx
    judged = await asyncio.to_thread(judge, inspection, routes)

`authentication` (SPF, DKIM, DMARC, ARC), `scoring` (the built-in scorer) and `scanners` (rspamd, clamd) are its parts.
"""
