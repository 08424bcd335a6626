"""Work that takes long: how far it is, how it is shown, and how it is stopped.

`progress` is what loops call and what users are told; `bars` is shown where nobody asked for
anything else; `threads` runs pieces of work on threads that end when the caller is interrupted.
"""
