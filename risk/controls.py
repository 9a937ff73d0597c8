# ruff: noqa: E501 - one control, and one key, a line
"""The single table of controls and of the keys that set their limits; everything else reads it.

A control has an id (`C3`), the codes it denies with, and a line of meaning. A key belongs to a control, has a unit
that says how its value becomes an integer, and two defaults: in backtest and paper, and live. `REQUIRED` means that
live trading refuses to start without a stated value; `OFF` means no limit.
"""

from decimal import Decimal
from enum import Enum
from typing import Final

from attrs import frozen


class Default(Enum):
    """Defaults that are not a number."""

    OFF = "none"
    REQUIRED = "required"


OFF: Final = Default.OFF
REQUIRED: Final = Default.REQUIRED


class Unit(Enum):
    """How a key's value becomes an integer, and what it is called for people."""

    QTY = "base"
    NOTIONAL = "quote"
    MONEY = "account currency"
    BPS = "bps"
    PERCENT = "%"
    SHARE = "share"
    MILLIS = "ms"
    SECONDS = "s"
    PER_SECOND = "per s"
    COUNT = "count"
    MEGABYTES = "MB"
    WORD = "word"
    LIST = "list"
    TRUTH = "true or false"


@frozen
class Control:
    """One control: `id`, what it denies with, what it means, and over what it is measured."""

    id: str
    codes: tuple[str, ...]
    title: str
    meaning: str
    over: str


@frozen
class Key:
    """One key: default in backtest, in paper and live, and whether the most specific scope wins (a parameter)."""

    name: str
    control: str
    unit: Unit
    backtest: Decimal | str | bool | tuple[()] | Default
    paper: Decimal | str | bool | tuple[()] | Default
    live: Decimal | str | bool | tuple[()] | Default
    parameter: bool = False

    def default(self, mode: str) -> Decimal | str | bool | tuple[()] | Default:
        """The default in `backtest`, `paper` or `live`."""
        return {"backtest": self.backtest, "paper": self.paper, "live": self.live}[mode]


def _key(name: str, control: str, unit: Unit, live: object, paper: object = None, **more: object) -> Key:
    def value(stated: object) -> object:
        return (
            Decimal(stated)
            if isinstance(stated, int | str) and unit not in _WORDS and str(stated)[0] != "="
            else stated
        )

    paper = live if paper is None else paper
    backtest = more.get("backtest", paper)
    return Key(name, control, unit, value(backtest), value(paper), value(live), bool(more.get("parameter")))  # type: ignore[arg-type]


_WORDS: Final = (Unit.WORD, Unit.LIST, Unit.TRUTH)
_ORDER = "the order"
_VENUE = "the venue"
_INSTRUMENT = "the instrument, all strategies"
_STRATEGY = "the strategy"
_SCOPE = "whatever the scope covers"

# fmt: off
CONTROLS: Final = (
    Control("A1", ("NUMBER_INVALID",), "Data sanity", "Quantity and price finite, in range, quantity positive", _ORDER),
    Control("A2", ("PRICE_OFF_TICK",), "Tick", "Price is a multiple of the tick; never rounded silently", _ORDER),
    Control("A3", ("QTY_OFF_LOT",), "Lot", "Quantity is a multiple of the lot", _ORDER),
    Control("A4", ("QTY_BELOW_VENUE_MIN", "QTY_ABOVE_VENUE_MAX", "NOTIONAL_BELOW_VENUE_MIN"), "Venue minimum and maximum", "The venue's own bounds of quantity and value", _ORDER),
    Control("A5", ("INSTRUMENT_UNKNOWN", "INSTRUMENT_NOT_TRADABLE"), "Known instrument", "In the reference data, trading, not expired", _ORDER),
    Control("A6", ("ORDER_TYPE_UNSUPPORTED", "TIF_UNSUPPORTED", "FLAG_UNSUPPORTED"), "Supported form", "Type, time in force and flags exist on this adapter", _ORDER),
    Control("A7", ("CLIENT_ORDER_ID_INVALID", "CLIENT_ORDER_ID_REUSED"), "Id", "1-32 of A-Z a-z 0-9 _ -, never used before", _ORDER),
    Control("A8", ("EXPIRY_IN_PAST",), "Expiry", "Good-till time is in the future", _ORDER),
    Control("B1", ("NOT_AUTHORISED",), "Authority", "This strategy may trade this instrument", _STRATEGY),
    Control("B2", ("RESTRICTED",), "Restricted list", "Instrument or venue barred", _INSTRUMENT),
    Control("B3", ("OUTSIDE_SESSION",), "Session hours", "Inside every list of allowed hours (UTC) that applies", _ORDER),
    Control("B4", ("KILL_SWITCH_ACTIVE",), "Kill switch", "A kill is latched at a level that covers this order", _SCOPE),
    Control("B5", ("TRADING_PAUSED", "REDUCE_ONLY_MODE"), "Trading state", "Paused, or reduce-only and this order increases exposure", _SCOPE),
    Control("B6", ("NOT_RECONCILED",), "Reconciled", "Reconciliation has completed for the venue", _VENUE),
    Control("B7", ("VENUE_DISCONNECTED",), "Connected", "Order channel up, logged in, heartbeat fresh", _VENUE),
    Control("B8", ("JOURNAL_UNAVAILABLE",), "Journal healthy", "Last write succeeded, lag under its bound, disk above its floor", "the process"),
    Control("B9", ("CLOCK_SKEW",), "Clock", "Estimated offset to the venue's time", _VENUE),
    Control("B10", ("LIMIT_NOT_CONFIGURED",), "Limit present", "Every required limit exists", _ORDER),
    Control("B11", ("INTENT_STALE",), "Intent age", "Time from the triggering market event to the check", _ORDER),
    Control("B12", ("UNKNOWN_ORDERS_EXCEEDED",), "Uncertain orders", "Number of orders in state UNKNOWN", _VENUE),
    Control("B13", ("STRATEGY_DISABLED",), "Strategy enabled", "Not disabled by a throttle, its on_error policy or an operator", _STRATEGY),
    Control("B14", ("SYSTEM_OVERLOADED",), "Overload", "Event-loop lag or queue depth over its bound", "the process"),
    Control("C1", ("MAX_ORDER_QTY",), "Order size", "Quantity of one order", _ORDER),
    Control("C2", ("MAX_ORDER_NOTIONAL",), "Order value", "Quantity x max(limit price, reference) x multiplier", _ORDER),
    Control("C3", ("MAX_POSITION",), "Position", "abs(position + all that may still execute on this side + this order)", _INSTRUMENT),
    Control("C4", ("MAX_STRATEGY_POSITION",), "Strategy position", "The same, of one strategy", "the strategy in the instrument"),
    Control("C5", ("MAX_GROSS_NOTIONAL",), "Gross exposure", "Sum of abs worst-case value over instruments; what does not raise it passes", _SCOPE),
    Control("C6", ("MAX_NET_NOTIONAL",), "Net exposure", "The worse of both signed sums; what does not raise it passes", _SCOPE),
    Control("C7", ("MAX_OPEN_ORDERS",), "Open orders", "Count per instrument and per venue; a strategy's scope counts its own", _SCOPE),
    Control("C8", ("MAX_OPEN_NOTIONAL",), "Value of open orders", "Unexecuted quantity at the reference price", _SCOPE),
    Control("C9", ("MAX_TRADED_NOTIONAL",), "Traded value", "Executed in the rolling window, plus this order", _SCOPE),
    Control("C10", ("BALANCE_INSUFFICIENT",), "Balance", "Cash (spot buys) or margin (derivatives) covers the worst case, fees and buffer", "the account, per currency"),
    Control("C11", ("REDUCE_ONLY_INCREASES",), "Reduce-only honoured", "A reduce-only order would not increase or flip", "the strategy and the account"),
    Control("C12", ("SHORT_NOT_ALLOWED",), "Short sale", "Sell beyond holdings where shorting is barred", "the account"),
    Control("C13", ("PARENT_QTY_EXCEEDED",), "Parent bound", "Executed and executable by all children within the parent's quantity", "the parent"),
    Control("D1", ("PRICE_COLLAR",), "Price tolerance", "Limit price beyond the reference on the aggressive side; ten times that on the passive side", _ORDER),
    Control("D2", ("PRICE_COLLAR_WINDOW",), "Price tolerance over time", "The reference against its median over the window", _INSTRUMENT),
    Control("D3", ("REFERENCE_MISSING",), "Reference present", "Mid of a live book, else the last trade", _INSTRUMENT),
    Control("D4", ("MARKET_DATA_STALE",), "Market-data age", "Age of the book; on venues with quiet books, of the link against heartbeat_dead_s", _INSTRUMENT),
    Control("D5", ("BOOK_INVALID",), "Book validity", "The book is LIVE: both sides, not crossed, no gap, snapshot applied", _INSTRUMENT),
    Control("D6", ("SPREAD_TOO_WIDE",), "Spread", "Spread over mid", _INSTRUMENT),
    Control("D7", ("VOLATILITY_PAUSE",), "Volatility", "After a move over the window, exposure may not grow until the cool-down is over", _INSTRUMENT),
    Control("D8", ("MARKET_ORDER_UNPROTECTED",), "Market orders", "protect: limited at the collar price; deny; allow", _ORDER),
    Control("D9", ("BOOK_IMPACT",), "Book impact", "Average fill over the visible book against mid", _ORDER),
    Control("D10", ("SELF_MATCH",), "Self match", "Would meet an own working order", _INSTRUMENT),
    Control("E1", ("ORDER_RATE",), "Order rate", "New orders and replaces", "the strategy"),
    Control("E2", ("MESSAGE_RATE",), "Message rate", "All messages to the venue, a share of them kept for cancels", _VENUE),
    Control("E3", ("DUPLICATE_ORDER",), "Duplicate order", "Equal to an own live order younger than the window", "the strategy in the instrument"),
    Control("E4", ("REPEATED_EXECUTION",), "Repeated execution", "A fill that took, then a taking order, again and again; then the strategy is disabled", _STRATEGY),
    Control("E5", ("REJECT_RATE",), "Reject storm", "Rejects by venues in the window", _STRATEGY),
    Control("E6", ("ORDER_TO_TRADE",), "Order-to-trade ratio", "Messages per fill over the UTC day, after the first 100", _STRATEGY),
    Control("E7", ("VENUE_RATE_LIMITED",), "Venue back-off", "The venue told us to wait", _VENUE),
    Control("F1", ("DAILY_LOSS",), "Daily loss", "Realised and unrealised since the UTC day's start", "the account"),
    Control("F2", ("STRATEGY_LOSS",), "Strategy loss", "The same, of one strategy", _STRATEGY),
    Control("F3", ("DRAWDOWN",), "Drawdown", "From the day's peak of equity", "the account"),
)

KEYS: Final = (
    _key("restricted", "B2", Unit.LIST, ()),
    _key("sessions", "B3", Unit.LIST, ()),
    _key("trading_state", "B5", Unit.WORD, "active"),
    _key("heartbeat_dead_s", "B7", Unit.SECONDS, 15),
    _key("journal_max_lag_ms", "B8", Unit.MILLIS, 250),
    _key("journal_min_free_mb", "B8", Unit.MEGABYTES, 200),
    _key("clock_warn_ms", "B9", Unit.MILLIS, 250, OFF),
    _key("clock_max_ms", "B9", Unit.MILLIS, 1000, OFF),
    _key("max_intent_age_ms", "B11", Unit.MILLIS, 1000, OFF),
    _key("max_unknown_orders", "B12", Unit.COUNT, 3),
    _key("max_loop_lag_ms", "B14", Unit.MILLIS, 500, backtest=OFF),
    _key("max_queue", "B14", Unit.COUNT, 10_000, backtest=OFF),
    _key("max_order_qty", "C1", Unit.QTY, REQUIRED, "1000000000"),
    _key("max_order_notional", "C2", Unit.NOTIONAL, REQUIRED, "1000000"),
    _key("max_position", "C3", Unit.QTY, REQUIRED, "1000000000"),
    _key("max_strategy_position", "C4", Unit.QTY, REQUIRED, OFF),
    _key("max_gross_notional", "C5", Unit.MONEY, REQUIRED, "10000000"),
    _key("max_net_notional", "C6", Unit.MONEY, "=max_gross_notional"),
    _key("max_open_orders", "C7", Unit.COUNT, 20),
    _key("max_open_orders_venue", "C7", Unit.COUNT, 200),
    _key("max_open_notional", "C8", Unit.MONEY, "=max_gross_notional"),
    _key("max_traded_notional", "C9", Unit.MONEY, REQUIRED, OFF),
    _key("traded_window_s", "C9", Unit.SECONDS, 3600, parameter=True),
    _key("balance_buffer_pct", "C10", Unit.PERCENT, 2),
    _key("margin_pct", "C10", Unit.PERCENT, 100),
    _key("allow_short", "C12", Unit.TRUTH, OFF),
    _key("collar_bps", "D1", Unit.BPS, 100),
    _key("collar_window_bps", "D2", Unit.BPS, 500),
    _key("collar_window_s", "D2", Unit.SECONDS, 300, parameter=True),
    _key("max_data_age_ms", "D4", Unit.MILLIS, 2000, backtest=OFF),
    _key("max_spread_bps", "D6", Unit.BPS, 300),
    _key("vol_pause_bps", "D7", Unit.BPS, 300, OFF),
    _key("vol_window_s", "D7", Unit.SECONDS, 10, parameter=True),
    _key("vol_cooldown_s", "D7", Unit.SECONDS, 60, parameter=True),
    _key("market_orders", "D8", Unit.WORD, "protect"),
    _key("max_impact_bps", "D9", Unit.BPS, 100),
    _key("self_match", "D10", Unit.WORD, "deny_new"),
    _key("max_orders_per_s", "E1", Unit.PER_SECOND, 5),
    _key("orders_burst", "E1", Unit.COUNT, 10),
    _key("max_messages_per_s", "E2", Unit.PER_SECOND, 20),
    _key("cancel_reserve", "E2", Unit.SHARE, "0.30", parameter=True),
    _key("duplicate_window_ms", "E3", Unit.MILLIS, 500),
    _key("max_repeats", "E4", Unit.COUNT, 100),
    _key("repeat_window_s", "E4", Unit.SECONDS, 60, parameter=True),
    _key("max_rejects", "E5", Unit.COUNT, 5),
    _key("reject_window_s", "E5", Unit.SECONDS, 10, parameter=True),
    _key("otr_alert", "E6", Unit.COUNT, 500, OFF),
    _key("otr_max", "E6", Unit.COUNT, 1000, OFF),
    _key("max_daily_loss", "F1", Unit.MONEY, REQUIRED, OFF),
    _key("max_strategy_loss", "F2", Unit.MONEY, REQUIRED, OFF),
    _key("max_drawdown", "F3", Unit.MONEY, "=max_daily_loss"),
)
# fmt: on

KEY: Final = {key.name: key for key in KEYS}
CONTROL: Final = {control.id: control for control in CONTROLS}
NUMBER: Final = {control.id: number for number, control in enumerate(CONTROLS, 1)}
"""A control's number in the decisions: its place in the order of checks, from 1; 0 is a pass."""

CODE_CONTROL: Final = {code: control.id for control in CONTROLS for code in control.codes}

VERDICTS: Final = ("PASS", *(control.codes[0] for control in CONTROLS))
"""What a decision's number says: the first code of the control, exact codes being in the denial's text."""
