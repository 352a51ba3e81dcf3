from datetime import timedelta

import numpy as np
import pytest

from risk import frames
from risk.quant.measurement import REFERENCE_DAYS
from tests.risk.markets import LAST, coin, walk

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_histories_are_in_parts_of_those_that_began_together_and_no_longer_than_they(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ages = {"a": 1_500, "b": 300, "c": 1_200, "d": 200}
    ids = {slug: coin(slug, walk(days, seed=days)).pk for slug, days in ages.items()}
    monkeypatch.setattr(frames, "TOGETHER", 2)

    old, young = frames.histories(list(ids.values()), through=LAST)

    assert old.asset_ids.tolist() == [ids["a"], ids["c"]]
    assert young.asset_ids.tolist() == [ids["b"], ids["d"]]
    # Never narrower than the models look back.
    assert [part.prices.shape[1] for part in (old, young)] == [1_500, REFERENCE_DAYS]
    assert {part.first_day + part.prices.shape[1] for part in (old, young)} == {(LAST - frames.EPOCH).days + 1}
    np.testing.assert_array_equal(old.prices, frames.panel([ids["a"], ids["c"]], through=LAST).prices)


def test_histories_end_with_the_day() -> None:
    asset = coin("subject", walk(50, seed=1))

    [part] = frames.histories([asset.pk], through=LAST - timedelta(days=10))

    assert np.count_nonzero(~np.isnan(part.prices)) == 40
