"""Frames of the venue as tests write them, and the instruments that they are about."""

import json
from decimal import Decimal
from typing import Any

from tickwright.adapters.powertrade.messages import Listed
from tickwright.engine.instrument import Instrument
from tickwright.engine.times import SECOND

T0 = (1_760_000_000 + 400) * SECOND  # a whole number of the venue's cycles of ten minutes
ETH = Instrument(id="ETH-USD.POWERTRADE", tick_size=Decimal("0.05"), lot_size=Decimal("0.001"), base="ETH", quote="USD")
LISTED = [Listed(instrument=ETH, entity_id="5")]
WHERE = {"market_id": "0", "tradeable_entity_id": "5", "symbol": "ETH-USD"}


def frame(name: str, **body: Any) -> str:
    return json.dumps({name: body})


def row(order_id: str, price: str, quantity: str) -> dict[str, str]:
    return {"utc_timestamp": "1760000001099000", "price": price, "quantity": quantity, "order_id": order_id}


def snapshot(buy: list[dict], sell: list[dict], **said: str) -> str:
    return frame("snapshot", server_utc_timestamp="1760000001000000", **{**WHERE, **said}, buy=buy, sell=sell)


def event(name: str, **said: str) -> str:
    stamps = {"server_utc_timestamp": "1760000001100000", "utc_timestamp": "1760000001099000"}
    return frame(name, **{**stamps, **WHERE, **said})


def reply(tag: str, code: str = "0", text: str = "") -> str:
    return frame("command_response", error_code=code, error_text=text, user_tag=tag)


def accepted(name: str, order_id: str = "9300001", **said: str) -> str:
    return event("order_accepted", client_order_id=name, order_id=order_id, type="LIMIT", reason="success", **said)


def execution(name: str, trade_id: str, quantity: str, state: str = "partial_fill", **said: str) -> str:
    told = {
        "client_order_id": name, "order_id": "9300001", "trade_id": trade_id, "executed_price": "2500.0",
        "executed_quantity": quantity, "liquidity_flag": "added", "price": "2500.0", "side": "buy",
        "order_state": state,
    }  # fmt: skip
    return event("execution", **{**told, **said})


def cancelled(name: str, reason: str, filled: str = "", **said: str) -> str:
    told = {"client_order_id": name, "order_id": "9300001", "reason": reason}
    return event("cancel_order", **{**told, **({"filled_quantity": filled} if filled else {}), **said})
