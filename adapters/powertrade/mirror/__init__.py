"""A local venue that speaks the protocol of PowerTrade's Market Proxy, over loopback or in memory.

options.py    everything that can be chosen
listing.py    instruments, packages of legs; keys.py  API keys and the tokens that prove them
orders.py     orders, executions, how the exchange says no; entry.py  a new order, read and checked
book.py       one book by price and time; holdings.py  assets and positions; exchange.py  all of them together
feeds.py      who hears what; shapes.py  what it looks like
desk.py       requests from either way in, recorded
client.py     one WebSocket client; rest.py  one REST request: both without a socket
asker.py      somebody who asks for quotes; index.py  what spot pairs are worth, as books nobody trades in
venue.py      all of it, started and stopped

Sockets, faults and the random market are those of every local venue, in `adapters/local`. With the adapter it shares
strict JSON, and nothing that was guessed.
"""

from tickwright.adapters.local.house import OptionError, virtual_wall
from tickwright.adapters.powertrade.mirror.options import Options, switched
from tickwright.adapters.powertrade.mirror.venue import ACTIONS, Venue, serve

__all__ = ["ACTIONS", "OptionError", "Options", "Venue", "serve", "switched", "virtual_wall"]
