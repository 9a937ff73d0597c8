"""The scales: facts on one side, limits on the other, one finding for each control, in the order of checks.

Pure: the same facts and limits always weigh the same, whether they were just gathered or come from a row of the
records. `explain` is that second use: every check's value, limit and headroom of a decision long past.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

from tickwright.engine.terms import NO_TIME, Health, OrderType, TimeInForce
from tickwright.risk.controls import CONTROLS
from tickwright.risk.finding import Finding, decimal
from tickwright.risk.hours import is_open
from tickwright.risk.kill import KILLED, PAUSED, REDUCING
from tickwright.risk.limits import HUGE, LOSSES, Limits
from tickwright.risk.packages import net_prices

BPS: Final = 10_000_000_000
E6: Final = 1_000_000
TOKEN: Final = 10**12
MILLI: Final = 1_000_000
SECOND: Final = 1_000_000_000
PICO: Final = 10**12


def weigh(facts: Mapping[str, int], limits: Limits) -> list[Finding]:
    """Every control that applies, passed or failed. A failing A ends the list."""
    scales = Scales(facts, limits)
    scales.form()
    if any(not item.ok for item in scales.found):
        return scales.found
    scales.standing()
    scales.system()
    scales.sizes()
    scales.sums()
    scales.purse()
    scales.prices()
    scales.rates()
    scales.losses()
    place = {control.id: number for number, control in enumerate(CONTROLS)}
    return sorted(scales.found, key=lambda item: place[item.control])


def weigh_leg(facts: Mapping[str, int], limits: Limits) -> list[Finding]:
    """How far an order in a package takes the position of one leg, whose facts and limits these are."""
    scales = Scales(facts, limits)
    if scales.grows:
        scales.reach(facts["added"])
        scales.shorts(facts["added"])
    return scales.found


class Scales:
    def __init__(self, facts: Mapping[str, int], limits: Limits) -> None:
        self.facts = facts
        self.limits = limits
        self.found: list[Finding] = []
        self.lot = Fraction(limits.units["lot"])
        self.tick = Fraction(limits.units["tick"])
        self.cell = Fraction(limits.units["cell"])
        self.grain = int(limits.units["grain"])
        self.inverse = limits.units["kind"] == "inverse"
        self.package = "legs" in limits.units
        self.new = facts["action"] == 0 if "action" in facts else True
        self.grows = bool(facts["flags"] & 8)

    # --- helpers --------------------------------------------------------------------------------------------------

    def add(
        self,
        control: str,
        code: str,
        ok: bool,
        text: str,
        value: Fraction | int | None = None,
        limit: Fraction | int | str | None = None,
        scope: str = "",
    ) -> None:
        where = scope or "global"
        shown = None if value is None else decimal(value)
        bound = Decimal(limit) if isinstance(limit, str) else None if limit is None else decimal(limit)
        words = (
            text if ok or shown is None or bound is None else f"{text} {shown:f} is over the limit {bound:f} ({where})"
        )
        self.found.append(Finding(control, code, ok, shown, bound, where, words))

    def most(
        self, control: str, code: str, key: str, value: int, unit: Fraction | int, text: str, ok: bool | None = None
    ) -> None:
        """`value` may be at most the limit `key`, both in integer units; `unit` turns value into what people read."""
        if key not in self.limits.values:
            return
        passed = value <= self.limits.values[key] if ok is None else ok
        self.add(
            control, code, passed, f"{self.limits.instrument}: {text}", value * Fraction(unit), self.limits.stated[key],
            self.limits.scopes[key],
        )  # fmt: skip

    def name(self, what: str) -> str:
        return f"{self.limits.instrument}: {what}"

    # --- A --------------------------------------------------------------------------------------------------------

    def form(self) -> None:
        facts, limits = self.facts, self.limits
        lots, ticks = facts["lots"], facts["ticks"]
        priced = bool(facts["flags"] & 4)
        sane = 0 < lots < HUGE and (0 < ticks < HUGE if priced else 0 <= ticks < HUGE)
        if self.package:  # a net price has any sign
            sane = 0 < lots < HUGE and -HUGE < ticks < HUGE
        self.add("A1", "NUMBER_INVALID", sane, self.name(f"{lots} lots at {ticks} ticks is no order"))
        if not sane:
            return
        least, most = limits.values["venue_min_qty"], limits.values["venue_max_qty"]
        self._under("QTY_BELOW_VENUE_MIN", lots, least, self.lot, "quantity")
        if most < HUGE:
            ok = lots <= most
            self.add(
                "A4", "QTY_ABOVE_VENUE_MAX", ok, self.name("quantity"), lots * self.lot, most * self.lot, "instrument"
            )
        price = 1 if self.inverse else ticks
        if price > 0:
            cells = 2 * lots * price
            self._under("NOTIONAL_BELOW_VENUE_MIN", cells, limits.values["venue_min_notional"], self.cell, "value")
            bound = limits.values["venue_max_notional"]
            if bound < 1 << 126:
                ok = cells <= bound
                self.add(
                    "A4",
                    "QTY_ABOVE_VENUE_MAX",
                    ok,
                    self.name("value"),
                    cells * self.cell,
                    bound * self.cell,
                    "instrument",
                )
        self._carried()

    def _under(self, code: str, value: int, least: int, unit: Fraction, what: str) -> None:
        if least > 0:
            ok = value >= least
            text = self.name(f"{what} {decimal(value * unit):f} is below the venue's minimum {decimal(least * unit):f}")
            scope = f"instrument {self.limits.instrument}"
            self.found.append(Finding("A4", code, ok, decimal(value * unit), decimal(least * unit), scope, text, True))

    def _carried(self) -> None:
        """A5, A6, A8 by what the instrument and its adapter can do."""
        facts, limits = self.facts, self.limits
        now = facts["now"]
        values = limits.values
        trading = bool(values["tradable"]) and now < values["expiry"]
        self.add("A5", "INSTRUMENT_NOT_TRADABLE", trading, self.name("not trading, or expired"))
        kind, tif = facts["type"], facts["time_in_force"]
        shown = OrderType(kind).name
        self.add(
            "A6", "ORDER_TYPE_UNSUPPORTED", bool(values["types"] >> kind & 1), self.name(f"the adapter has no {shown}")
        )
        shown = TimeInForce(tif).name
        self.add("A6", "TIF_UNSUPPORTED", bool(values["tifs"] >> tif & 1), self.name(f"the adapter has no {shown}"))
        missing = facts["flags"] & 3 & ~values["order_flags"]
        shown = " and ".join(word for bit, word in ((1, "post_only"), (2, "reduce_only")) if missing & bit)
        self.add("A6", "FLAG_UNSUPPORTED", not missing, self.name(f"the adapter has no {shown}"))
        if tif == TimeInForce.GTD:
            expiry = facts["expire_ts"]
            ok = expiry > now
            self.add("A8", "EXPIRY_IN_PAST", ok, self.name(f"expires at {expiry}, it is {now}"))

    # --- B --------------------------------------------------------------------------------------------------------

    def standing(self) -> None:
        """B1 to B5, B10 and B13 bind what adds exposure."""
        facts, limits = self.facts, self.limits
        if not self.grows:
            return
        whose = f"strategy {limits.strategy}" if limits.strategy else "the account"
        self.add("B1", "NOT_AUTHORISED", limits.authorised, f"{whose} may not trade {limits.instrument}", scope=whose)
        barred = limits.restricted
        self.add("B2", "RESTRICTED", not barred, self.name("on the restricted list"), scope=barred)
        self.add(
            "B3", "OUTSIDE_SESSION", is_open(limits.sessions, facts["now"]), self.name("outside its session hours")
        )
        state = facts["state"]
        self.add("B4", "KILL_SWITCH_ACTIVE", state < KILLED, self.name("a kill is latched"))
        self.add("B5", "TRADING_PAUSED", state != PAUSED, self.name("trading is paused"))
        ok = state != REDUCING or self.reduces()
        self.add("B5", "REDUCE_ONLY_MODE", ok, self.name("only orders that reduce exposure may pass"))
        missing = ", ".join(limits.missing)
        self.add("B10", "LIMIT_NOT_CONFIGURED", not missing, self.name(f"required limits are not set: {missing}"))
        self.add("B13", "STRATEGY_DISABLED", bool(facts.get("enabled", 1)), f"{whose} is disabled")

    def reduces(self) -> bool:
        """Whether the order, after all that works on its side, still only reduces what is held."""
        return all(self._closes(prefix) for prefix in ("", "own_"))

    def _closes(self, prefix: str) -> bool:
        facts = self.facts
        held = facts[f"{prefix}position"]
        if facts["side"] > 0:
            return facts["added"] + facts[f"{prefix}buys"] <= -held
        return facts["added"] + facts[f"{prefix}sells"] <= held

    def system(self) -> None:
        facts = self.facts
        flags = facts["venue_flags"]
        venue = self.limits.instrument.rpartition(".")[2]
        scope = f"venue {venue.lower()}"
        self.add("B6", "NOT_RECONCILED", bool(flags & 2), f"{venue}: reconciliation has not completed", scope=scope)
        self.add("B7", "VENUE_DISCONNECTED", bool(flags & 1), f"{venue}: the order channel is down", scope=scope)
        self.most(
            "B7",
            "VENUE_DISCONNECTED",
            "heartbeat_dead_s",
            facts["link_age"],
            Fraction(1, SECOND),
            "silence of the link (s)",
        )
        self.add("B8", "JOURNAL_UNAVAILABLE", bool(flags & 4), "the last journal write failed")
        self.most(
            "B8",
            "JOURNAL_UNAVAILABLE",
            "journal_max_lag_ms",
            facts["journal_lag"],
            Fraction(1, MILLI),
            "journal lag (ms)",
        )
        self._free_disk()
        self.most(
            "B9", "CLOCK_SKEW", "clock_max_ms", abs(facts["clock_offset"]), Fraction(1, MILLI), "clock offset (ms)"
        )
        if self.new:
            self.most(
                "B11",
                "INTENT_STALE",
                "max_intent_age_ms",
                facts["intent_age"],
                Fraction(1, MILLI),
                "age of the intent (ms)",
            )
        self.most(
            "B12", "UNKNOWN_ORDERS_EXCEEDED", "max_unknown_orders", facts["venue_unknown_orders"], 1, "UNKNOWN orders"
        )
        self.most("B14", "SYSTEM_OVERLOADED", "max_loop_lag_ms", facts["loop_lag"], Fraction(1, MILLI), "loop lag (ms)")
        self.most("B14", "SYSTEM_OVERLOADED", "max_queue", facts["queue"], 1, "events waiting")

    def _free_disk(self) -> None:
        key = "journal_min_free_mb"
        if key in self.limits.values:
            free, least = self.facts["journal_free_mb"], self.limits.values[key]
            stated = Decimal(self.limits.stated[key])
            text = f"free disk space {free} MB is below {stated:f} MB"
            where = self.limits.scopes[key]
            ok = free >= least
            # Where nobody measures it, as in a backtest, there is no figure to show.
            shown = Decimal(free) if free < NO_TIME else None
            self.found.append(Finding("B8", "JOURNAL_UNAVAILABLE", ok, shown, stated, where, text, True))

    # --- C --------------------------------------------------------------------------------------------------------

    def sizes(self) -> None:
        facts = self.facts
        if not self.grows:
            return
        lots, added = facts["lots"], facts["added"]
        self.most("C1", "MAX_ORDER_QTY", "max_order_qty", lots, self.lot, "order quantity")
        reference = facts["reference2"]
        dear = 2 if self.inverse else max(2 * facts["ticks"], reference)
        if self.package:
            dear = max(2 * abs(facts["ticks"]), facts["gross_reference2"])
        self.most("C2", "MAX_ORDER_NOTIONAL", "max_order_notional", lots * dear, self.cell, "order value")
        self.reach(added)
        fresh = 1 if self.new else 0
        for key, column, text in (
            ("max_open_orders", "open_orders", "open orders of the instrument"),
            ("max_open_orders_own", "own_open_orders", "the strategy's open orders of the instrument"),
            ("max_open_orders_venue", "venue_open_orders", "open orders of the venue"),
            ("max_open_orders_venue_own", "venue_own_open_orders", "the strategy's open orders of the venue"),
        ):
            self.most("C7", "MAX_OPEN_ORDERS", key, facts[column] + fresh, 1, text)
        self._bounds(added)

    def reach(self, added: int) -> None:
        """C3 and C4."""
        facts = self.facts
        for control, code, key, prefix, text in (
            ("C3", "MAX_POSITION", "max_position", "", "worst-case position"),
            ("C4", "MAX_STRATEGY_POSITION", "max_strategy_position", "own_", "worst-case position of the strategy"),
        ):
            held = facts[f"{prefix}position"]
            reach = (
                held + facts[f"{prefix}buys"] + added if facts["side"] > 0 else facts[f"{prefix}sells"] + added - held
            )
            self.most(control, code, key, reach, self.lot, text)

    def shorts(self, added: int) -> None:
        """C12."""
        facts = self.facts
        if facts["side"] < 0 and not self.limits.values["allow_short"]:
            held = facts["holding"] if self.limits.units["kind"] == "spot" else facts["position"]
            value = facts["sells"] + added
            scope = self.limits.scopes.get("allow_short", "global")
            text = self.name("worst-case sale beyond holdings:")
            self.add("C12", "SHORT_NOT_ALLOWED", value <= held, text, value * self.lot, held * self.lot, scope)

    def _bounds(self, added: int) -> None:
        """C11 to C13."""
        facts = self.facts
        if facts["flags"] & 2:
            text = self.name("a reduce-only order would increase or flip the position")
            self.add("C11", "REDUCE_ONLY_INCREASES", self.reduces(), text)
        if not self.package:
            self.shorts(added)
        if facts["parent_lots"]:
            value, most = facts["parent_used"], facts["parent_lots"]
            text = self.name("executed and working quantity of the parent's children")
            self.add("C13", "PARENT_QTY_EXCEEDED", value <= most, text, value * self.lot, most * self.lot, "parent")

    def sums(self) -> None:
        facts = self.facts
        if not self.grows:
            return
        for slot in self.limits.slots:
            for control, code, key, name, text in (
                ("C5", "MAX_GROSS_NOTIONAL", "max_gross_notional", "gross", "gross exposure"),
                ("C6", "MAX_NET_NOTIONAL", "max_net_notional", "net", "net exposure"),
                ("C8", "MAX_OPEN_NOTIONAL", "max_open_notional", "open", "value of open orders"),
                ("C9", "MAX_TRADED_NOTIONAL", "max_traded_notional", "traded", "traded value in the window"),
            ):
                limit = slot.values[key]
                if limit is None:
                    continue
                value = facts[f"{slot.kind}_{name}"]
                before = facts.get(f"{slot.kind}_{name}_before")
                ok = value <= limit or (before is not None and value <= before)
                if facts.get(f"{slot.kind}_unvalued"):
                    currency = self.limits.units["currency"]
                    shown = f"{slot.label}: {text} cannot be valued: a price or a rate to {currency} is missing"
                    self.found.append(Finding(control, code, False, None, Decimal(slot.stated[key]), slot.label, shown))
                    continue
                self.add(control, code, ok, text, Fraction(value, self.grain), slot.stated[key], slot.label)

    def purse(self) -> None:
        facts = self.facts
        if not self.grows:
            return
        unit = Fraction(1, facts.get("purse_grain", int(self.limits.units.get("purse_grain", "1"))))
        need, cash = facts["need"], facts["cash"]
        ok = need <= cash or need <= facts.get("need_before", -1)
        self.add(
            "C10",
            "BALANCE_INSUFFICIENT",
            ok,
            self.name("what the worst case needs of the balance:"),
            need * unit,
            cash * unit,
        )

    # --- D --------------------------------------------------------------------------------------------------------

    def prices(self) -> None:
        facts, limits = self.facts, self.limits
        if self.package:
            net_prices(self)
            return
        reference = facts["reference2"]
        self.add("D3", "REFERENCE_MISSING", reference > 0, self.name("no live book and no trade to take a price from"))
        stale = facts["data_age"]
        self.most("D4", "MARKET_DATA_STALE", "max_data_age_ms", stale, Fraction(1, MILLI), "age of the book (ms)")
        live = facts["health"] == Health.LIVE
        self.add("D5", "BOOK_INVALID", live, self.name(f"the book is {Health(facts['health']).name}"))
        self.market_order()
        if reference <= 0:
            return
        self._collar(reference)
        median = facts["median2"]
        if median > 0:
            self.ratio(
                "D2",
                "PRICE_COLLAR_WINDOW",
                "collar_window_bps",
                abs(reference - median),
                median,
                "reference against its median (bps)",
            )
        if live:
            gap = 2 * (facts["ask"] - facts["bid"])
            self.ratio("D6", "SPREAD_TOO_WIDE", "max_spread_bps", gap, reference, "spread (bps)")
            self._impact(reference)
        if "vol_pause_bps" in limits.values and self.grows:
            ok = facts["now"] >= facts["paused_until"] or self.reduces()
            moved = facts.get("moved")
            self.add(
                "D7", "VOLATILITY_PAUSE", ok, self.name("entries pause after a move (bps)"),
                None if moved is None else Fraction(moved, E6), limits.stated["vol_pause_bps"],
                limits.scopes["vol_pause_bps"],
            )  # fmt: skip
        if self.new or self.grows:
            meets = facts["self_match"]
            self.add("D10", "SELF_MATCH", not meets, self.name(f"would meet {meets} own working order(s)"))

    def ratio(self, control: str, code: str, key: str, part: int, base: int, text: str, times: int = 1) -> None:
        """`part / base` in bps may be at most the limit (times ten on the passive side)."""
        if key not in self.limits.values:
            return
        ok = part * BPS <= base * self.limits.values[key] * times
        limit = Decimal(self.limits.stated[key]) * times
        self.add(
            control, code, ok, self.name(text), Fraction(part * 10_000, base), f"{limit:f}", self.limits.scopes[key]
        )

    def _collar(self, reference: int) -> None:
        facts = self.facts
        if not facts["flags"] & 4:
            return
        beyond = (2 * facts["ticks"] - reference) * facts["side"]
        if beyond >= 0:
            self.ratio("D1", "PRICE_COLLAR", "collar_bps", beyond, reference, "price beyond the reference (bps)")
        else:
            self.ratio("D1", "PRICE_COLLAR", "collar_bps", -beyond, reference, "price behind the reference (bps)", 10)

    def market_order(self) -> None:
        facts = self.facts
        if facts["type"] != OrderType.MARKET:
            return
        word = self.limits.words["market_orders"]
        ok = word == "allow" or (word == "protect" and (facts["ticks"] > 0 or facts["reference2"] <= 0))
        if self.package:
            ok = word == "allow"
        scope = self.limits.scopes["market_orders"]
        self.add("D8", "MARKET_ORDER_UNPROTECTED", ok, self.name("market orders are not allowed"), scope=scope)

    def _impact(self, reference: int) -> None:
        facts = self.facts
        taken = facts["taken"]
        if facts.get("untaken") and "max_impact_bps" in self.limits.values:
            text = self.name("the visible book cannot fill a market order without a price")
            self.add("D9", "BOOK_IMPACT", False, text, scope=self.limits.scopes["max_impact_bps"])
        elif taken > 0:
            part = (2 * facts["paid"] - reference * taken) * facts["side"]
            self.ratio("D9", "BOOK_IMPACT", "max_impact_bps", part, reference * taken, "average fill against mid (bps)")

    # --- E and F --------------------------------------------------------------------------------------------------

    def rates(self) -> None:
        facts, limits = self.facts, self.limits
        for control, code, name, buckets, what in (
            ("E1", "ORDER_RATE", "order_tokens", limits.buckets, "orders"),
            ("E2", "MESSAGE_RATE", "message_tokens", limits.message_buckets, "messages"),
        ):
            if not buckets:
                continue
            level = facts[name]
            _, scope, pace, burst = min(buckets, key=lambda item: item[2])
            most = Fraction(burst, 1000)
            used = most - Fraction(level, TOKEN) + 1
            text = f"{what} at once (refilled at {decimal(Fraction(pace, 1000)):f}/s):"
            if control == "E2":
                most -= Fraction(burst * limits.values["cancel_reserve"] // E6, 1000)
                used = most - Fraction(level, TOKEN) + 1
            self.add(control, code, level >= TOKEN, self.name(text), used, most, scope)
        age = facts["duplicate_age"]
        if "duplicate_window_ms" in limits.values and self.new:
            ok = age < 0 or age >= limits.values["duplicate_window_ms"]
            text = self.name(f"equal to an own live order sent {decimal(Fraction(max(age, 0), MILLI)):f} ms ago")
            shown = None if age < 0 else decimal(Fraction(age, MILLI))
            limit = Decimal(limits.stated["duplicate_window_ms"])
            self.found.append(
                Finding("E3", "DUPLICATE_ORDER", ok, shown, limit, limits.scopes["duplicate_window_ms"], text)
            )
        again = facts["repeats"] + (1 if facts["taken"] and facts.get("took") else 0)
        if self.grows:
            self.most("E4", "REPEATED_EXECUTION", "max_repeats", again, 1, "taking orders after taking fills")
        self.most("E5", "REJECT_RATE", "max_rejects", facts["rejects"], 1, "rejects in the window")
        if facts["messages"] > 100:
            fills = max(facts["fills"], 1)
            if "otr_max" in limits.values:
                ok = facts["messages"] <= limits.values["otr_max"] * fills
                self.most(
                    "E6", "ORDER_TO_TRADE", "otr_max", facts["messages"], Fraction(1, fills), "messages per fill", ok
                )
        waits = facts["now"] < facts["backoff_until"]
        self.add("E7", "VENUE_RATE_LIMITED", not waits, self.name("the venue told us to wait"))

    def losses(self) -> None:
        if not self.grows:
            return
        for control, code, key, name, text in (
            ("F1", "DAILY_LOSS", LOSSES[0], "loss", "loss of the day"),
            ("F2", "STRATEGY_LOSS", LOSSES[1], "own_loss", "loss of the strategy today"),
            ("F3", "DRAWDOWN", LOSSES[2], "drawdown", "drawdown from the day's peak"),
        ):
            if key in self.limits.values and name in self.facts:
                value = self.facts[name]
                ok = Fraction(value, PICO) <= Fraction(self.limits.stated[key]) or self.reduces()
                self.most(control, code, key, value, Fraction(1, PICO), text, ok)
