"""Taurus T-DX: what its wire says, without a socket, and the venue that joins that to one.

signing.py       REST requests signed with an API key; one-time codes; when a token ends
topics.py        names of channels, by the venue's published patterns
codec.py         frames to typed messages, commands to frames; `own.py` reads orders and fills by their shape
sequence.py      is this book message the next one?
subscription.py  the life of one channel, as a table
requests.py      which order a reply belongs to
link.py          the connection as a whole: frames and time in, events and frames out
rest.py          bodies of REST requests and answers
assumed.py       every name that no public document gives, in one table

settings.py      what a config may say of the venue; `choices.py` checks what it did say
login.py         the token, and its renewal in time
queries.py       questions over REST, answered whole or not at all
entry.py         orders and cancels over REST, where chosen
telling.py       what there is to tell, as events
venue.py         all of it behind the engine's port; `mirror/` is the venue's own side, for this machine
"""
