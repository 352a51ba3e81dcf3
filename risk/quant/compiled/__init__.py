"""Loops that numba compiles; imported only where `engine.installed()` says so.

No fastmath and a fixed order of every sum: the same bits on every processor. Each has its equal in NumPy beside the
formula that it serves, and the tests compare the two.
"""

from pathlib import Path

from numba.core import config

from risk.quant import formulas

# Machine code holds the values that constants of other modules had when it was made, and numba only looks at the file
# of the function itself: so each state of the sources has a folder of its own.
_FOLDER = Path(config.CACHE_DIR or Path(__file__).parent / "__pycache__")  # type: ignore[attr-defined]
config.CACHE_DIR = str(_FOLDER / formulas.digest().hex()[:12])  # type: ignore[attr-defined]
