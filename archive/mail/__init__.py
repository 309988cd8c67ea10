"""What a message says: its words for the index, its parts for the page. Not where it is kept.

Nothing here imports Django or another package of ours, and nothing raises, whatever the bytes are.
"""
