"""Random numbers that are the same everywhere and for ever: Philox4x32-10.

Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3", SC11. Counter-based: a number is a
function of seed, stream and position, so any part can be drawn alone and in any order. NumPy does not promise the
streams of its own generators across versions (NEP 19).
"""

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from risk.quant.arrays import FloatArray, IntArray

Words = NDArray[np.uint32]

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox(counters: Words, key: tuple[int, int]) -> Words:
    """Four words of noise for each counter of four words, lowest first."""
    a, b, c, d = (counters[:, column].astype(np.uint64) for column in range(4))
    first, second = key
    for _ in range(ROUNDS):
        left, right = a * np.uint64(MULTIPLIERS[0]), c * np.uint64(MULTIPLIERS[1])
        a = (right >> _HALF) ^ b ^ np.uint64(first)
        b = right & _LOW
        c = (left >> _HALF) ^ d ^ np.uint64(second)
        d = left & _LOW
        first, second = (first + WEYL[0]) & 0xFFFFFFFF, (second + WEYL[1]) & 0xFFFFFFFF
    return np.stack([a, b, c, d], axis=1).astype(np.uint32)


@dataclass(frozen=True, slots=True)
class Stream:
    """One of 2^64 sequences of each 64-bit seed. It has no state: the same call gives the same numbers."""

    seed: int
    number: int = 0

    def words(self, count: int, *, first: int = 0) -> NDArray[np.uint64]:
        """`count` words of 64 bits from position `first`."""
        if not (0 <= self.seed < 1 << 64 and 0 <= self.number < 1 << 64):
            raise ValueError("seed and stream are 64-bit numbers")
        block = np.arange(first // 2, (first + count + 1) // 2, dtype=np.uint64)
        counters = np.empty((len(block), 4), dtype=np.uint32)
        counters[:, 0], counters[:, 1] = block & _LOW, block >> _HALF
        counters[:, 2], counters[:, 3] = self.number & 0xFFFFFFFF, self.number >> 32
        noise = philox(counters, (self.seed & 0xFFFFFFFF, self.seed >> 32)).astype(np.uint64)
        pairs = (noise[:, ::2] | (noise[:, 1::2] << _HALF)).reshape(-1)
        return np.asarray(pairs[first % 2 : first % 2 + count])

    def uniforms(self, shape: int | tuple[int, ...], *, first: int = 0) -> FloatArray:
        """Strictly between 0 and 1: the middles of 2^53 equal parts, less the last bit that a float64 cannot hold."""
        words = self.words(_size(shape), first=first) >> np.uint64(12)
        return ((words.astype(np.float64) + 0.5) * 2.0**-52).reshape(shape)

    def normals(self, shape: int | tuple[int, ...], *, first: int = 0) -> FloatArray:
        """By the inverse of the distribution function."""
        return np.asarray(ndtri(self.uniforms(shape, first=first)))

    def integers(self, below: int, shape: int | tuple[int, ...], *, first: int = 0) -> IntArray:
        """From 0 to `below` - 1, by multiplication of the upper half: uneven by less than `below` in 2^32."""
        if not 0 < below <= 1 << 31:
            raise ValueError("integers are drawn below 2^31")
        halves = self.words(_size(shape), first=first) >> _HALF
        return ((halves * np.uint64(below)) >> _HALF).astype(np.int64).reshape(shape)


def _size(shape: int | tuple[int, ...]) -> int:
    return shape if isinstance(shape, int) else prod(shape)
