"""The command-line interface of CommuniGate Pro (version 6.3) over its PWD protocol, for scripts that speak it.

`format` reads and writes its data, `pwd` is the protocol, `commands` the table of commands. An adapter only: each
command calls the services and selectors that pages and API v1 call, and decides nothing.
"""
