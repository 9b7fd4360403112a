"""Pages that this machine shows itself: a server on the loopback address, and what it serves.

`server` binds and runs, `security` lets in only the browser that was given the address; they know
nothing of what is served. `review` is the page for looking through a result, `live` that of a
running session, `trend` that of a diary; `refusals` tells either what was wrong with a request.

Needs the extra ``review``; nothing here is imported before a page is asked for.
"""
