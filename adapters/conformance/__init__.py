"""The kit for authors of adapters: what a venue's folder must be able to do, as tests.

    from tickwright.adapters.conformance import Conformance, VenueUnderTest

    class TestMyVenue(Conformance):
        venue = VenueUnderTest(adapter="./settings.py:MY_VENUE", symbol="BTC-EUR", samples=..., ...)

under_test.py  the venue as its author describes it; what its local venue must offer
declared.py    what the adapter says of itself
samples.py     recorded messages through the codec
fuzz.py        mutants of them; mutants.py makes these
trial.py       a whole run against the local venue, in memory, on a virtual clock; scripted.py is its strategy
troubles.py    a broken link, a gap, a lost acknowledgement, frames that cannot be read
parity.py      the same script (script.py) in the simulator and across the wire
tests.py       all of it as a class of tests

Only tests import this package: it needs pytest, and joins whole runs as the command line does.
"""

from tickwright.adapters.conformance.tests import Conformance
from tickwright.adapters.conformance.under_test import Sample, VenueUnderTest

__all__ = ["Conformance", "Sample", "VenueUnderTest"]
