"""The posts, reproduced: every number and figure they print beside what is computed here.

    >>> from causalopt.posts.session import reproduce
    >>> found = reproduce(["part1/dumb"])
    >>> found.checks[0].id, found.checks[0].agrees
    ('part1/dumb/S-start', True)

A post is a file of pieces; a piece is a function that writes checks and pictures on a `Sheet`.
`session` computes or recalls them, `page` shows them.
"""
