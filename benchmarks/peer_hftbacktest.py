"""The three workloads in hftbacktest with a jitted strategy, for comparison: one JSON line.

Needs ``pip install hftbacktest`` in an interpreter of its own. Its simulator keeps one book for the venue and one for
the strategy, fills whole orders only, and stands at the back of the queue; latency and fees are zero.
"""

import argparse
import json
import time

import hftbacktest as hb
import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    GTX,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit

TICK = 0.01
WAIT_NS = 10_000_000_000
EVERY_NS = 100_000_000
FEED = 2


def convert(tape):
    """The tape in hftbacktest's own rows."""
    rows = np.zeros(len(tape), event_dtype)
    kind = np.where(tape["kind"] == 0, DEPTH_EVENT, TRADE_EVENT).astype("u8")
    side = np.where(tape["side"] > 0, BUY_EVENT, SELL_EVENT).astype("u8")
    rows["ev"] = kind | side | np.uint64(EXCH_EVENT | LOCAL_EVENT)
    rows["exch_ts"] = rows["local_ts"] = tape["ts"]
    rows["px"] = tape["price"]
    rows["qty"] = tape["qty"]
    return rows


def build(rows):
    asset = BacktestAsset().data(rows).linear_asset(1.0).constant_order_latency(0, 0)
    asset = asset.risk_adverse_queue_model().no_partial_fill_exchange().trading_value_fee_model(0.0, 0.0)
    return HashMapMarketDepthBacktest([asset.tick_size(TICK).lot_size(TICK).last_trades_capacity(0)])


@njit
def observe(hbt):
    wakes = 0
    total = 0.0
    depth = hbt.depth(0)
    while hbt.wait_next_feed(False, WAIT_NS) in (0, FEED):
        total += depth.best_bid * depth.best_bid_qty - depth.best_ask * depth.best_ask_qty
        wakes += 1
    return wakes, 0, total


@njit
def make(hbt, every_ns):
    wakes = orders = 0
    bid_at = ask_at = -1000
    last = 0
    depth = hbt.depth(0)
    live = hbt.orders(0)
    while True:
        if every_ns:
            if hbt.elapse(every_ns) != 0:
                break
        elif hbt.wait_next_feed(False, WAIT_NS) not in (0, FEED):
            break
        wakes += 1
        bid = depth.best_bid_tick
        ask = depth.best_ask_tick
        if abs(bid - bid_at) < 2 and abs(ask - ask_at) < 2:
            continue
        for order_id in (last - 1, last):
            order = live.get(order_id)
            if order is not None and order.cancellable:
                hbt.cancel(0, order_id, False)
        hbt.clear_inactive_orders(0)
        last += 2
        hbt.submit_buy_order(0, last - 1, (bid - 1) * TICK, 1.0, GTX, LIMIT, False)
        hbt.submit_sell_order(0, last, (ask + 1) * TICK, 1.0, GTX, LIMIT, False)
        orders += 2
        bid_at = bid
        ask_at = ask
    return wakes, orders, 0.0


def play(hbt, workload):
    if workload == "W1":
        return observe(hbt)
    return make(hbt, EVERY_NS if workload == "W3" else 0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--workload", required=True, choices=("W1", "W2", "W3"))
    arguments = parser.parse_args()
    rows = convert(np.load(arguments.data))
    first = rows[:5000].copy()  # compiles what the run needs; the library reads the array without keeping it
    play(build(first), arguments.workload)
    hbt = build(rows)
    begun = time.perf_counter()
    wakes, orders, total = play(hbt, arguments.workload)
    took = time.perf_counter() - begun
    row = {"workload": arguments.workload, "peer": f"hftbacktest {hb.__version__} njit", "events": len(rows)}
    row |= {"events_per_s": round(len(rows) / took, 1), "run_s": round(took, 6)}
    row |= {"callbacks": int(wakes), "orders": int(orders), "checksum": round(float(total), 2)}
    print(json.dumps(row))


if __name__ == "__main__":
    main()
