"""PowerTrade's Market Proxy: what its wire says, without a socket.

signing.py    tokens that prove who we are
commands.py   what we say: texts to frames
codec.py      what the venue says: frames to messages; `own.py` reads what answers us
reference.py  instruments, packages of legs, what a symbol says
"""
