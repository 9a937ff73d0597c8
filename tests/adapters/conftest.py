"""Lets the tests of this folder and of those below share their rigs by plain import."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
