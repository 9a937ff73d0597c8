from tickwright.engine.order import Approved, Denial


def test_an_ordinary_order_passes_and_its_decision_is_recorded(world):
    here = world()
    assert isinstance(here.judge(), Approved)
    ((row, text),) = here.decisions()
    assert (row["verdict"], text) == (0, "")
    assert row["lots"] == 1


def test_too_large_an_order_is_denied_with_its_numbers(world):
    here = world({"max_order_qty": "1"})
    assert isinstance(here.judge(lots=1000), Approved)
    word = here.judge(lots=1001)
    assert isinstance(word, Denial)
    assert word.code == "MAX_ORDER_QTY"
    assert str(word.value) == "1.001"
    assert str(word.limit) == "1"
    assert word.scope == "global"
