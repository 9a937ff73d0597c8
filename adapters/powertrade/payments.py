"""What is paid or closed beside trades: settlements of what has ended, and funding.

The venue's public documents have no message for either; the local venue tells of both. At the real one a position that
has ended waits until a person adopts what the venue holds, and funding shows in the balance alone.
"""

from tickwright.adapters.powertrade.messages import FundingStated, PaymentMessage
from tickwright.engine.events import Funded, Payment, Settled


def payment(told: PaymentMessage, venue: str, at: int) -> Payment:
    """One of them as an event, received at `at`."""
    instrument = f"{told.symbol}.{venue}"
    if isinstance(told, FundingStated):
        return Funded(
            instrument=instrument,
            amount=told.amount,
            currency=told.asset,
            funding_id=told.funding_id,
            ts=at,
            venue_ts=told.venue_ts,
        )
    return Settled(
        instrument=instrument,
        price=told.price,
        settlement_id=told.settlement_id,
        ts=at,
        venue_ts=told.venue_ts,
    )
