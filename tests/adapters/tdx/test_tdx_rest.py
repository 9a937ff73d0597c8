"""REST answers in every wrapping, and refusals wherever their words may stand."""

import json
from decimal import Decimal

import pytest

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.tdx import rest

ORDER = {"id": "v1", "clientOrderId": "mm-1", "quantity": "2", "executedQuantity": "0", "status": "OPEN"}


@pytest.mark.parametrize(
    "wrap", [lambda x: {"result": x}, lambda x: {"items": x}, lambda x: x], ids=["result", "items", "bare"]
)
@pytest.mark.parametrize("many", [True, False])
def test_lists_and_single_objects_come_in_any_wrapping(wrap, many):
    body = json.dumps(wrap([ORDER, ORDER] if many else ORDER)).encode()
    page = rest.read_page(body)
    assert [order.client_order_id for order in rest.read_orders(page)] == ["mm-1"] * (1 + many)
    assert page.next_cursor == ""


def test_the_next_page_is_named_by_its_cursor():
    cursors = {"self": "a", "first": "a", "last": "", "next": "b", "previous": ""}
    body = json.dumps({"result": [], "pagination": {"cursors": cursors}}).encode()
    assert rest.read_page(body) == rest.Page(entries=(), next_cursor="b")


@pytest.mark.parametrize("body", [b'{"result": 5}', b"7", b"", b'{"result": [], "result": []}', b"<html>"])
def test_what_is_no_list_is_a_bad_message(body):
    with pytest.raises(BadMessage):
        rest.read_page(body)


def test_pairs_become_instruments_and_a_pair_without_a_grid_is_left_out():
    pair = {"id": "p1", "symbol": "ETH/CHF", "minOrderQuantity": "0.01", "maxOrderQuantity": "500"}
    whole = {**pair, "quantityTicks": "0.0001", "priceTicks": "0.05", "otcTradable": False}
    named = {"id": "p2", "baseInstrumentId": "a", "quoteInstrumentId": "b", "quantityTicks": "1", "priceTicks": "1"}
    bad = {**whole, "id": "p3", "priceTicks": "0"}
    assets = rest.read_assets(
        rest.Page(entries=({"id": "a", "symbol": "BTC"}, {"id": "b", "symbol": "USD"}), next_cursor="")
    )
    found = rest.read_pairs(rest.Page(entries=(whole, named, bad, {**pair, "id": "p4"}), next_cursor=""), assets, "TDX")
    assert {pair_id: instrument.id for pair_id, instrument in found.items()} == {
        "p1": "ETH/CHF.TDX",
        "p2": "BTC/USD.TDX",
    }
    eth = found["p1"]
    assert (eth.tick_size, eth.lot_size, eth.min_qty) == (Decimal("0.05"), Decimal("0.0001"), Decimal("0.01"))
    assert (eth.max_qty, eth.base, eth.quote) == (Decimal(500), "ETH", "CHF")


def test_balances_are_read_under_their_long_names():
    entry = {
        "instrumentId": "a",
        "available": "10.5",
        "ordersReserved": "2",
        "withdrawalReserved": "1",
        "credit": "0.5",
    }
    (balance,) = rest.read_balances(rest.Page(entries=(entry,), next_cursor=""))
    assert (balance.available, balance.reserved, balance.withdrawing, balance.credit) == (
        Decimal("10.5"), Decimal(2), Decimal(1), Decimal("0.5"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            b'{"code": 422, "message": "no", "status": "FAILED_PRECONDITION", "details": ["NOT_ENOUGH_FUNDS"]}',
            "NOT_ENOUGH_FUNDS",
        ),
        (b'{"message": "no", "details": [{"reason": "CLIP_SIZE_TOO_SMALL"}]}', "CLIP_SIZE_TOO_SMALL"),
        (b'{"message": "no", "reason": "X"}', "X"),
        (b'{"message": "no", "details": [[1]]}', ""),
        (b"<html>bad gateway</html>", ""),
        (b"", ""),
    ],
)
def test_a_refusal_keeps_its_reason_and_never_raises(body, reason):
    refusal = rest.read_refusal(body, 422)
    assert (refusal.code, refusal.reason) == (422, reason)


def test_a_login_answer_of_wrong_types_shows_no_token():
    body = {"result": {"accessToken": ["canary-token"], "refreshToken": "canary-two", "accessExpiresAt": 5}}
    with pytest.raises(BadMessage) as caught:
        rest.read_session(json.dumps(body).encode())
    assert "canary" not in str(caught.value)
