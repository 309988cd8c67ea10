"""Names and types of the files in attached archives, also packed ones and archives in archives.

`looking` asks a process of its own (`child`), which forks once for each archive within bounds of the kernel's: nothing
of a hostile archive is unpacked where mail is judged.
"""
