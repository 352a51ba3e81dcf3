import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from risk.quant.random_numbers import Stream, philox

ONES = 0xFFFFFFFF
seeds = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES, ONES, ONES, ONES), (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers_of_random123(counter, key, words):
    assert tuple(philox(np.array([counter], dtype=np.uint32), key)[0].tolist()) == words


@given(seeds, st.integers(0, 100), st.integers(0, 50), st.integers(0, 50))
def test_any_part_can_be_drawn_alone(seed, first, skipped, count):
    stream = Stream(seed, 3)
    whole = stream.words(skipped + count, first=first)

    assert stream.words(count, first=first + skipped).tolist() == whole[skipped:].tolist()


@given(seeds, seeds)
def test_streams_of_a_seed_have_nothing_in_common(seed, number):
    other = (number + 1) % 2**64

    assert not set(Stream(seed, number).words(50).tolist()) & set(Stream(seed, other).words(50).tolist())


def test_uniforms_are_between_zero_and_one_and_even():
    values = Stream(1).uniforms((100, 1000))

    assert values.shape == (100, 1000)
    assert 0 < values.min() < 1e-4
    assert 1 - 1e-4 < values.max() < 1
    assert stats.kstest(values.ravel(), "uniform").pvalue > 0.01


def test_normals_are_normal():
    assert stats.kstest(Stream(2).normals(100_000), "norm").pvalue > 0.01


def test_integers_are_even():
    counts = np.bincount(Stream(3).integers(7, 70_000), minlength=7)

    assert counts.size == 7
    assert stats.chisquare(counts).pvalue > 0.01


def test_seed_that_is_no_64_bit_number_is_refused():
    with pytest.raises(ValueError, match="64-bit"):
        Stream(2**64).words(1)


def test_integers_beyond_31_bits_are_refused():
    with pytest.raises(ValueError, match="below"):
        Stream(1).integers(2**31 + 1, 1)
