"""A local venue as a process of its own, which outlives those that trade with it and tells what it received and did.

One line of JSON in, one out: ``look`` (everything it has of its client), ``rest`` and ``go`` (its crowd), and how late
it cancels the orders of a client that is gone.
"""

import importlib
import json
import os
from random import Random
from typing import Any

import trio
from attrs import evolve

from tickwright.engine.times import SECOND

KINDS = {"tdx": "tickwright.adapters.tdx.mirror", "powertrade": "tickwright.adapters.powertrade.mirror"}
LISTED = {"tdx": "BTC/CHF", "powertrade": "BTC-USD"}


def serve(name: str, seed: int, commands: int, answers: int) -> None:
    """Serve until the pipe of commands is closed; `commands` and `answers` are the ends of two pipes."""
    trio.run(_serve, name, seed, commands, answers)


async def _serve(name: str, seed: int, commands: int, answers: int) -> None:
    kind = importlib.import_module(KINDS[name])
    options = kind.Options(seed=seed, rate=40.0, pairs=(LISTED[name],))
    async with kind.serve(options, port=0, secret=Random(seed)) as venue:
        tell(answers, venue.announcement())
        async with trio.lowlevel.FdStream(commands) as stream:
            waiting = b""
            while data := await stream.receive_some(65536):
                waiting += data
                while b"\n" in waiting:
                    line, _, waiting = waiting.partition(b"\n")
                    tell(answers, obey(venue, json.loads(line)))
    os._exit(0)


def tell(answers: int, what: Any) -> None:
    text = json.dumps(what).encode() + b"\n"
    while text:
        text = text[os.write(answers, text) :]


def obey(venue: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    if "cod_ms" in wanted and hasattr(venue.options, "cod_delay_ns"):
        options = evolve(venue.options, cod_delay_ns=wanted["cod_ms"] * 1_000_000)
        venue.options = venue.exchange.options = options
    elif "cod_ms" in wanted:
        venue.options = evolve(venue.options, cancel_on_disconnect=wanted["cod_ms"] == 0)
    match wanted["do"]:
        case "rest":
            for crowd in venue.crowds:
                crowd.rest(venue.now() + 10_000 * SECOND)
        case "go":
            for crowd in venue.crowds:
                crowd.rest(0)
    return look(venue)


def look(venue: Any) -> dict[str, Any]:
    """What it has of its one client."""
    account = venue.accounts[0]
    live = {
        each.client_order_id: [each.executed, each.leaves, each.side] for each in venue.exchange.open_orders(account)
    }
    executed = [
        [str(getattr(each, "trade_id", None) or each.id), each.order.client_order_id, each.lots, each.order.side]
        for each in venue.executed
        if each.order.account is account
    ]
    received = [each.client_order_id for each in venue.received if each.kind == "new"]
    return {"live": live, "executed": executed, "received": received}
