"""A local venue that speaks the protocol of T-DX, over loopback or in memory.

assumed.py    names on the wire that no public document gives
options.py    everything that can be chosen
listing.py    pairs and assets; accounts.py  clients; orders.py  orders, executions, refusals
entry.py      a new order, read and checked
market.py     one pair's book by price and time; exchange.py  accounts and markets together
tokens.py     logins, tokens, signed requests
desk.py       orders from either way in, recorded
feeds.py      what is pushed; shapes.py  what it looks like
client.py     one WebSocket client; rest.py  one REST request: both without a socket
venue.py      all of it, started and stopped

Sockets, faults and the random market are those of every local venue, in `adapters/local`.

It shares topics, strict JSON and signatures with the adapter, which are documented, and none of the guesses.
"""

from tickwright.adapters.local.house import OptionError
from tickwright.adapters.tdx.mirror.options import Options, switched
from tickwright.adapters.tdx.mirror.venue import STREAMS_PATH, SUBPROTOCOL, Venue, serve_tdx, virtual_wall

serve = serve_tdx

__all__ = [
    "STREAMS_PATH",
    "SUBPROTOCOL",
    "OptionError",
    "Options",
    "Venue",
    "serve",
    "serve_tdx",
    "switched",
    "virtual_wall",
]
