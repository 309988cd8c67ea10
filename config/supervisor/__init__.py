"""One process that starts everything in order, starts again what crashed, and ends everything in order.

`main` is the door (`manage.py up`), `house` says which children there are, `child` is one of them, `loop` watches
them, `status` tells the health page. No Django here, which keeps it small. Not for deciding whether the parts work:
`/healthz` does.
"""
