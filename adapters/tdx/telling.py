"""What the link has to tell the engine, as events into its inbox."""

from typing import Final

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.tdx.messages import Unrecognised
from tickwright.adapters.tdx.notices import (
    ExternalOrder,
    InDoubt,
    LoginWanted,
    Notice,
    OrderWanted,
    ReconcileWanted,
    SubscriptionFailed,
    TradesWanted,
    Unattributed,
)
from tickwright.adapters.telling import Teller
from tickwright.engine.wire import Clock

NAMES_SHOWN: Final = 64
"""So many unknown names of events are told of, each once."""


class TdxTeller(Teller):
    """Tells of the link's notices, too."""

    def __init__(self, venue: str, clock: Clock) -> None:
        super().__init__(venue, clock)
        self._shown: set[str] = set()

    def tell(self, notice: Notice) -> None:
        """A notice of the link as an event."""
        match notice:
            case BadMessage(field=field):
                self.refused(field, str(notice))
            case SubscriptionFailed(topic=topic, reason=reason, tries=tries):
                self.refused(topic, f"expected a subscription, received {reason} ({tries} times); it is tried on")
            case Unattributed(refused=refused):
                self.refused("d.clientOrderId", f"a refusal that names no one request: {refused.words}")
            case Unrecognised(topic=topic, name=name):
                if name not in self._shown and len(self._shown) < NAMES_SHOWN:
                    self._shown.add(name)
                    self.refused("e", f"{topic}: expected an event of the protocol, received {name!r}; dropped")
            case LoginWanted(reason=reason):
                self.want("", f"the token was not taken: {reason}")
            case ReconcileWanted(reason=reason):
                self.want("", reason)
            case OrderWanted(client_order_id=name, reason=reason) | TradesWanted(client_order_id=name, reason=reason):
                self.want(name, reason)
            case InDoubt(client_order_id=name, request=request, reason=reason):
                self.send_failed(name, request == "cancel", f"neither yes nor no: {reason}")
            case ExternalOrder(stated=stated):
                self.want(stated.client_order_id, f"an order that was not sent here: {stated.venue_order_id}")
            case _:
                pass  # a gap is told by the lost book; balances and prices were not asked for
