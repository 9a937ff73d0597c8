"""A strategy that asks for quotes once it may, and takes the first that is good enough."""

from decimal import Decimal

from attrs import define

from tickwright import Book, Order, Side, Strategy
from tickwright.engine.asking import Inquiry


@define(kw_only=True, slots=False)
class Trader(Strategy):
    """Asks to buy; buys what is offered below `worth`."""

    seed: int = 1
    minutes: int = 45
    worth: Decimal = Decimal(10300)
    trades: bool = True

    def on_start(self) -> None:
        self.inquiry: Inquiry | None = None
        self.taken: list[Order] = []
        self.refused: list[str] = []
        self.wrong: list[str] = []
        self.watch(self.instruments[0], book="touch")
        self.every("1s")

    def on_timer(self, name: str) -> None:
        if self.inquiry is not None and self.inquiry.over and not self.inquiry.until:
            self.refused.append(self.inquiry.reason)
            self.inquiry = None
        if self.inquiry is None:
            self.inquiry = self.ask_quotes(self.instruments[0], Side.BUY, "0.05", minutes=self.minutes)

    def on_book(self, book: Book) -> None:
        wanted = self.inquiry is not None and self.inquiry.open and not self.taken
        if wanted and book.ask is not None and book.ask < self.worth:
            self.taken.append(self.buy(book.instrument, "0.05", price=book.ask))
