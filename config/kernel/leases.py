"""Large quotas are drawn from Redis in blocks and spent in this process, without a round trip per request.

A process never spends more than it has drawn and all draws together never exceed the quota. What a process
has drawn and not spent when the window ends is lost: at most a thousandth of the quota per process. Quotas
below two thousand are counted one by one, so they are exact to the last request.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

SHARE = 1_000
MAX_LEASES = 10_000


def block_size(limit: int) -> int:
    """How many requests to draw at once from a quota of `limit`."""
    return max(1, limit // SHARE)


@dataclass(slots=True)
class Lease:
    """What is left of the draws of one window: `left` requests, the next of which is number `used` + 1."""

    used: int
    left: int
    resets_at: int


class Leases:
    """The leases of this process, by bucket; the bucket that was used longest ago is forgotten first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leases: OrderedDict[str, Lease] = OrderedDict()

    def spend(self, bucket: str) -> tuple[int, int] | None:
        """Spend one request: its number within the window and the seconds until that ends; None if all are spent."""
        now = int(time.time())
        with self._lock:
            lease = self._leases.get(bucket)
            if lease is None or lease.left == 0 or lease.resets_at <= now:
                return None
            lease.left -= 1
            lease.used += 1
            return lease.used, lease.resets_at - now

    def draw(self, bucket: str, limit: int, ask: Callable[[], tuple[int, int]]) -> tuple[int, int]:
        """Add a block to the lease and spend one of it; the answer is that of `spend`, or a number above `limit`.

        `ask` counts a block in Redis and returns the count after it and the seconds left in the window.
        """
        count, seconds_left = ask()
        before = count - block_size(limit)
        granted = min(block_size(limit), limit - before)
        if granted <= 0:
            return before + 1, seconds_left
        resets_at = int(time.time()) + seconds_left
        with self._lock:
            lease = self._leases.get(bucket)
            # Two threads may have drawn at once; neither draw is lost.
            left = lease.left if lease is not None and lease.resets_at == resets_at else 0
            self._leases[bucket] = Lease(before + 1, left + granted - 1, resets_at)
            self._leases.move_to_end(bucket)
            if len(self._leases) > MAX_LEASES:
                self._leases.popitem(last=False)
        return before + 1, seconds_left

    def clear(self) -> None:
        """Give everything up, e.g. between two tests."""
        with self._lock:
            self._leases.clear()
