"""People taken over from a directory: read into a table (`reading`), compared with what is known (`judging`), made in
sets (`making`), changed and shut out one by one (`changing`), told as a run with its list (`running`).
"""
