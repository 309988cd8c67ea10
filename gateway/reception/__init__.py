"""The process that takes mail in: `manage.py gateway`.

    process (parent: ports, children)  ->  worker (child: an event loop)  ->  gateway.smtp (sessions)
                                                     │ asks
                                              host: who may connect, sign in, send, to whom  ->  gateway.intake

Not for the protocol (`gateway.smtp`) nor for what becomes of a message (`gateway.intake`).
"""
