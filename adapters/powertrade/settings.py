"""What a config may say of this venue, and where it is."""

from typing import Final

from tickwright.engine.adapter import Adapter, Setting

POWERTRADE: Final = Adapter(
    name="powertrade",
    hosts=("proxy.ptlab.link", "proxy.staging.ptlab.link", "proxy.test.ptlab.link"),
    url="wss://proxy.ptlab.link",
    http_url="https://proxy.ptlab.link",
    credentials=("api_key", "private_key"),
    needed=("api_key", "private_key"),
    settings=(
        Setting(
            name="book",
            about="How books come: order by order, as changes of levels, or whole every time.",
            kind="choice",
            words=("orders", "deltas", "snapshots"),
            default="orders",
        ),
        Setting(
            name="interval_ms",
            about="Milliseconds between two messages of a book that does not come order by order; a multiple of 100.",
            kind="count",
            default=100,
        ),
        Setting(
            name="order_life_minutes",
            about="How long a GTC order rests before the venue ends it, rounded up to its cycles of ten minutes.",
            kind="count",
            default=1440,
        ),
        Setting(name="rfqs", about="Whether requests for quotes are listened to.", kind="truth", default=False),
        Setting(
            name="audit_s",
            about="Seconds between two books that are held against REST, one after the other; 0: none is.",
            kind="count",
            default=0,
        ),
        Setting(
            name="messages_per_s",
            about="Messages over the socket a second at most; two of them are kept for cancels.",
            kind="count",
            default=10,
        ),
        Setting(
            name="requests_per_s",
            about="REST requests a second at most; two of them are kept for cancels.",
            kind="count",
            default=5,
        ),
        Setting(
            name="max_message_bytes",
            about="Bytes of one message over the socket at most; up to 16 MiB.",
            kind="count",
            default=1 << 22,
        ),
        Setting(name="token_uri", about="What tokens say under `uri`, where the venue wants it said."),
    ),
    wire="tickwright.adapters.powertrade.venue:make",
    mirror="tickwright.adapters.powertrade.mirror",
    again="tickwright.adapters.powertrade.again:replayed",
)
