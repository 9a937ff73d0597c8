"""What the link has to tell the engine, as events into its inbox."""

from typing import Final

from tickwright.adapters.bad_message import BadMessage, shown
from tickwright.adapters.powertrade.messages import Unrecognised
from tickwright.adapters.powertrade.notices import (
    ExternalOrder,
    InDoubt,
    LoginFailed,
    Notice,
    OrderWanted,
    ReconcileWanted,
    Reconnect,
    SubscriptionFailed,
    Unattributed,
)
from tickwright.adapters.telling import Teller
from tickwright.engine.wire import Clock

NAMES_SHOWN: Final = 64
"""So many unknown names of messages are told of, each once."""


class PowerTradeTeller(Teller):
    """Tells of the link's notices, too."""

    def __init__(self, venue: str, clock: Clock) -> None:
        super().__init__(venue, clock)
        self._shown: set[str] = set()

    def tell(self, notice: Notice) -> None:
        """A notice of the link as an event; answers to questions are for who asked."""
        match notice:
            case BadMessage(field=field):
                self.refused(field, str(notice))
            case SubscriptionFailed(symbol=symbol, reason=reason, tries=tries):
                self.refused(symbol, f"expected a subscription, received {reason} ({tries} times); it is tried on")
            case Unattributed(reply=reply):
                self.refused("user_tag", f"a refusal that fits no request: {shown(reply.text)} (code {reply.code})")
            case Unrecognised(name=name):
                if name not in self._shown and len(self._shown) < NAMES_SHOWN:
                    self._shown.add(name)
                    self.refused("frame", f"expected a message of the protocol, received {shown(name)}; dropped")
            case LoginFailed(reason=reason):
                self.refused("login", f"expected the token to be taken, received {reason}")
            case Reconnect(reason=reason):
                self.refused("link", f"{reason}; the connection is made anew")
            case ReconcileWanted(reason=reason):
                self.want("", reason)
            case OrderWanted(client_order_id=name, reason=reason):
                self.want(name, reason)
            case InDoubt(client_order_id=name, reason=reason):
                self.send_failed(name, False, f"neither yes nor no: {reason}")
            case ExternalOrder(client_order_id=name, venue_order_id=order_id):
                self.want(name, f"an order that was not sent here: {order_id or name}")
            case _:
                pass
