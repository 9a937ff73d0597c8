"""PowerTrade's Market Proxy.

signing.py    tokens that prove who we are
commands.py   what we say: texts to frames
codec.py      what the venue says: frames to messages; `own.py` reads what answers us
reference.py  instruments, packages of legs, what a symbol says
entry.py      a new order in the venue's words; life.py how long it lives
books.py      books without sequence numbers: what cannot be, is lost
payments.py   settlements and funding
audit.py      books held against REST
rfqs.py       who asks for quotes, apart from every book
tags.py       requests under way and their deadlines
requests.py   which order a reply belongs to
link.py       the connection as a whole: frames and time in, events and frames out
queries.py    questions over REST
venue.py      joins the socket, the link and the questions to the engine's port
"""
