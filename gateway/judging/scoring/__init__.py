"""The built-in scorer: documented signs of spam and of wanted mail, each with its points.

    Score = score(sight_of(read, …))      # .points, .parts = (("subject-capitals", 1.0), …)

`table.SIGNS` is the one list of signs: what it means, how much it counts. The modules beside it find them. It learns
nothing and asks nobody; what a sign needs from DNS was found out before (`authentication`).
"""
