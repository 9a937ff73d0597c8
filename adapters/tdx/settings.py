"""What a config may say of this venue, and where it is."""

from typing import Final

from tickwright.engine.adapter import Adapter, Setting

UUID: Final = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

TDX: Final = Adapter(
    name="tdx",
    hosts=("api.t-dx.com",),
    url="wss://api.t-dx.com/api/ws/v1/streams",
    http_url="https://api.t-dx.com/api/rest/v1",
    credentials=("username", "password", "totp_secret", "api_key", "api_secret"),
    needed=("username", "password"),
    settings=(
        Setting(
            name="sub_account_id",
            about="The sub-account that is traded (its venue must be VENUE_MARKETPLACE).",
            pattern=UUID,
            expected="the id of a sub-account (a UUID)",
            needed=True,
        ),
        Setting(
            name="order_entry",
            about="Orders and cancels over the socket, or over REST.",
            kind="choice",
            words=("websocket", "rest"),
            default="websocket",
        ),
        Setting(
            name="depth",
            about="Levels of a book on each side; `full` has no bound.",
            kind="choice",
            words=("full", "10", "50", "100", "500"),
            default="full",
        ),
        Setting(
            name="speed",
            about="How often a book's changes come; `default` leaves it to the venue.",
            kind="choice",
            words=("100ms", "500ms", "1000ms", "5000ms", "default"),
            default="100ms",
        ),
        Setting(
            name="gaps",
            about="A gap in a book's sequence: read the book anew, or only note it.",
            kind="choice",
            words=("strict", "log_only"),
            default="strict",
        ),
        Setting(
            name="depth_without_U",
            about="What a book message without `U` is: the whole book, or (after the first) changes.",
            kind="choice",
            words=("snapshot", "delta_after_first"),
            default="snapshot",
        ),
        Setting(
            name="messages_per_s",
            about="Messages over the socket a second at most; cancels do not wait for it.",
            kind="count",
            default=10,
        ),
        Setting(
            name="requests_per_s",
            about="REST requests a second at most; cancels do not wait for it.",
            kind="count",
            default=5,
        ),
        Setting(
            name="max_message_bytes",
            about="Bytes of one message at most; 1 MiB, or less.",
            kind="count",
            default=1 << 20,
        ),
        Setting(
            name="signature",
            about="How REST requests are signed with an API key, where the venue's two editions differ.",
            kind="choice",
            words=("A", "B", "C"),
            default="A",
        ),
        Setting(name="login_path", about="Path of the login, below the REST address."),
        Setting(name="refresh_path", about="Path of the renewal of a token; by default two are tried."),
        Setting(name="device_id", about="An id with which a login takes over the session of an earlier one."),
    ),
    wire="tickwright.adapters.tdx.venue:make",
    mirror="tickwright.adapters.tdx.mirror",
    again="tickwright.adapters.tdx.again:replayed",
)
