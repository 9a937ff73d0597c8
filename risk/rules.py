"""From resolved limits to what the gate reads: rules, sums, purses and buckets, built once per run."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import lcm
from typing import Final

from tickwright.engine.capability import Capability
from tickwright.engine.instrument import Instrument, Kind
from tickwright.engine.market import Market
from tickwright.engine.terms import NO_TIME
from tickwright.risk.limits import E6, HUGE, LimitBook, Limits
from tickwright.risk.state import BUCKET_MAX, WIDE, Bucket, Desk, Line, Member, Purse, Reading, Rules, Tally, VenueState

WIDEST_BPS: Final = 10_000_000_000_000
"""Ten million basis points, in millionths: limits beyond are judged the slow way."""

SAFE_BITS: Final = 122
MARKET_ORDERS: Final = {"deny": 0, "protect": 1, "allow": 2}
SELF_MATCH: Final = {"deny_new": 0, "cancel_old": 1, "allow": 2}


def make_rules(limits: Limits, line: Line, desk: Desk, capability: Capability) -> Rules:
    """The numbers of one seat; who holds what (position, sums, buckets) is joined by the floor."""
    item: Instrument = line.market.instrument
    rules = Rules(line, desk)
    get = limits.get
    rules.sound = bool(limits.authorised and not limits.restricted and not limits.missing and item.tradable)
    rules.types = sum(1 << kind for kind in capability.types)
    rules.tifs = sum(1 << tif for tif in capability.times_in_force)
    rules.flags = (1 if capability.post_only else 0) + (2 if capability.reduce_only else 0)
    rules.allow_short = limits.values.get("allow_short", item.kind is not Kind.SPOT)
    rules.market_orders = MARKET_ORDERS[limits.words["market_orders"]]
    rules.self_match = SELF_MATCH[limits.words["self_match"]]
    rules.min_lots, rules.max_lots = get("venue_min_qty"), get("venue_max_qty")
    rules.min_cells, rules.max_cells = get("venue_min_notional"), get("venue_max_notional")
    rules.max_order_lots = get("max_order_qty")
    rules.max_order_cells = limits.values.get("max_order_notional", WIDE)
    rules.max_position = get("max_position")
    rules.max_strategy = get("max_strategy_position")
    rules.expiry = NO_TIME if item.expiry_ns is None else item.expiry_ns
    rules.open_from, rules.open_until = (0, 0) if limits.sessions else (-HUGE, NO_TIME)
    _times(rules, limits)
    _counts(rules, limits)
    return rules


def note_form(limits: Limits, line: Line, rules: Rules) -> None:
    """Keep with the limits what else A and C12 compare with, so that a recorded decision can be weighed alone."""
    limits.values["tradable"] = int(line.market.instrument.tradable)
    limits.values["expiry"] = int(rules.expiry)
    limits.values["types"] = int(rules.types)
    limits.values["tifs"] = int(rules.tifs)
    limits.values["order_flags"] = int(rules.flags)
    limits.values["allow_short"] = int(rules.allow_short)


def _times(rules: Rules, limits: Limits) -> None:
    get = limits.get
    rules.heartbeat = get("heartbeat_dead_s")
    rules.clock_max = get("clock_max_ms")
    rules.intent_age = get("max_intent_age_ms")
    rules.journal_lag = get("journal_max_lag_ms")
    rules.journal_free = limits.values.get("journal_min_free_mb", 0)
    rules.loop_lag = get("max_loop_lag_ms")
    rules.queue = get("max_queue")
    rules.data_age = get("max_data_age_ms")
    rules.duplicate_ns = limits.values.get("duplicate_window_ms", 0)


def _counts(rules: Rules, limits: Limits) -> None:
    get = limits.get
    rules.max_unknown = get("max_unknown_orders")
    rules.max_open = get("max_open_orders")
    rules.max_open_own = get("max_open_orders_own")
    rules.max_open_venue = get("max_open_orders_venue")
    rules.max_open_venue_own = get("max_open_orders_venue_own")
    rules.collar = min(get("collar_bps"), WIDEST_BPS)
    rules.window_bps = min(get("collar_window_bps"), WIDEST_BPS)
    rules.spread = min(get("max_spread_bps"), WIDEST_BPS)
    rules.impact = min(get("max_impact_bps"), WIDEST_BPS)
    rules.repeats = get("max_repeats")
    rules.rejects = get("max_rejects")
    rules.otr = get("otr_max")
    rules.pace_windows = (get("repeat_window_s"), get("reject_window_s"))


def need_of(item: Instrument, limits: Limits, cell: Fraction) -> Fraction:
    """What one cell takes of the purse: its value and fees (spot) or margin and fees, and the buffer on top.

    Inverse contracts settle in base: there it is what one lot takes at a price of half a tick.
    """
    fee = max(Fraction(item.taker_fee), Fraction(item.maker_fee), Fraction(0))
    buffer = 1 + Fraction(limits.values.get("balance_buffer_pct", 0), 100 * E6)
    margin = Fraction(limits.values.get("margin_pct", 0), 100 * E6)
    share = (1 if item.kind is Kind.SPOT else margin) + fee
    if item.kind is Kind.INVERSE:
        size = Fraction(item.lot_size) * Fraction(item.multiplier)
        return 2 * size / Fraction(item.tick_size) * share * buffer
    return cell * share * buffer


def make_lines(book: LimitBook, markets: Iterable[Market], venues: Mapping[str, VenueState]) -> list[Line]:
    """A line for each market, weighed, with its venue and purse."""
    purses: dict[str, Purse] = {}
    lines = []
    for market in markets:
        item = market.instrument
        purse = purses.setdefault(item.settle_currency, Purse(item.settle_currency))
        line = Line(market, venues[item.venue], purse)
        line.spot = item.kind is Kind.SPOT
        line.inverse = item.kind is Kind.INVERSE
        line.weight, rated = book.weight(item)
        if rated:
            line.weight = -1
        line.venue.lines.append(line)
        if not item.legs:  # what an order in a package may cost, it costs in its legs
            purse.lines.append(line)
        lines.append(line)
    return lines


def grain_purses(lines: list[Line], needs: Mapping[int, list[Fraction]]) -> None:
    """Give each purse the grain that holds every need of its lines exactly."""
    for purse in {line.purse.currency: line.purse for line in lines}.values():
        parts = [need for line in purse.lines for need in needs[line.index]]
        purse.grain = lcm(*(part.denominator for part in parts))
        if any(line.inverse for line in purse.lines):
            purse.grain *= 10**12


def bound(line: Line, most: int, lines: int) -> None:
    """How large quantities and prices may be for sums over all lines to fit 128 bits."""
    bits = SAFE_BITS - most.bit_length() - lines.bit_length()
    line.safe_price = (1 << min(61, max(bits // 2 - 4, 0))) if bits > 8 else 0
    line.safe_lots = (1 << min(61, max(bits - bits // 2 + 2, 0))) if bits > 8 else 0


def make_buckets(
    limits: Limits, store: dict[tuple[str, ...], Bucket], owner: str, venue: str
) -> tuple[list[Bucket], list[Bucket]]:
    """The rate buckets of one seat; seats that a bucket covers share it."""
    orders, messages = [], []
    for over, label, pace, burst in limits.buckets:
        bucket = store.setdefault(("order", owner, over), Bucket(label, pace, burst))
        orders.append(_tighter(store, ("order", owner, over), bucket, label, pace, burst, 0))
    share = limits.values["cancel_reserve"]
    for over, label, pace, burst in limits.message_buckets:
        key = ("message", venue, over)
        reserve = min(burst * 1_000_000_000, BUCKET_MAX) * share // E6
        bucket = store.setdefault(key, Bucket(label, pace, burst, reserve))
        messages.append(_tighter(store, key, bucket, label, pace, burst, reserve))
    return orders, messages


def _tighter(
    store: dict[tuple[str, ...], Bucket],
    key: tuple[str, ...],
    held: Bucket,
    label: str,
    pace: int,
    burst: int,
    reserve: int,
) -> Bucket:
    """The bucket that seats share; where two say different things (a strategy's own `global` key), one of its own."""
    if (held.pace, held.label) == (pace, label):
        return held
    return store.setdefault((*key, label), Bucket(label, pace, burst, reserve))


def make_reading(store: dict[tuple[int, ...], Reading], *key: int) -> Reading:
    """Seats that look at one market over one window share what they see."""
    return store.setdefault(key, Reading())


def make_tallies(
    limits: Limits, store: dict[tuple[str, str], Tally], kinds: tuple[str, ...], first: int
) -> list[Tally]:
    """The sums that bind one seat; a scope has one sum, whoever it binds."""
    found = []
    for slot in limits.slots:
        tally = store.get((slot.kind, slot.label))
        if tally is None:
            tally = Tally(slot.kind, slot.label, first + 8 * kinds.index(slot.kind))
            tally.window = slot.window_ns
            for name, field in (
                ("max_gross_notional", "gross"),
                ("max_net_notional", "net"),
                ("max_open_notional", "opened"),
                ("max_traded_notional", "traded_max"),
            ):
                value = slot.values[name]
                setattr(tally, field, WIDE if value is None else min(value, WIDE))
            store[slot.kind, slot.label] = tally
        found.append(tally)
    return found


def join_members(tally: Tally, members: Iterable[Member]) -> None:
    """Measure a sum over these lines."""
    tally.members = list(members)
