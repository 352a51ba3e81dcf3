"""The bridge between rows and the arrays of risk: what is read for a calculation, and what a fit's row says."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from math import inf
from typing import Any

import numpy as np
from django.db.models import Max, Q

from config.kernel.many import any_of
from markets import frames
from markets.models import Asset
from markets.queries.volatility_regime import BITCOIN
from risk.models import RiskFit
from risk.parameters import Parameters
from risk.quant import measurement
from risk.quant.arrays import FloatArray
from risk.quant.conformal import Calibration
from risk.quant.estimation import ESTIMATES, Bootstrap
from risk.quant.features import NAMES, Market
from risk.quant.garch import Prior
from risk.quant.learning import Learnt
from risk.quant.measurement import Redraws
from risk.quant.panel import Panel
from risk.quant.ridge import Ridge
from risk.quant.universe import Rules

EPOCH = date(1970, 1, 1)
TOGETHER = 500
"""Assets of a part of many histories."""
_DAY = timedelta(days=1)


def listed() -> list[int]:
    """Whom the nightly run scores: every listed asset, also one without any price, in a fixed order."""
    return list(Asset.objects.listed().order_by("pk").values_list("pk", flat=True))


def there_on(day: date) -> list[int]:
    """Whom a run of a past day scores, as far as bars tell who was there, in a fixed order.

    Every asset with a bar by then; of those that are not listed any more the ones that still had bars.
    """
    was_listed = Q(is_active=True) | Q(bars_to__gte=day)
    return list(Asset.objects.filter(was_listed, bars_from__lte=day).order_by("pk").values_list("pk", flat=True))


def ever_seen(day: date) -> list[int]:
    """Whom a model learns from: every asset with a bar by that day, listed or not, so that the dead count, too."""
    return list(Asset.objects.filter(bars_from__lte=day).order_by("pk").values_list("pk", flat=True))


def first_day(asset_ids: Sequence[int]) -> date | None:
    """Of the first bar of any of these assets."""
    found = Asset.objects.filter(pk__in=any_of(asset_ids), bars_from__isnull=False).order_by("bars_from").first()
    return found.bars_from if found else None


def last_day(through: date) -> date | None:
    """Of the last bar of any asset by a day, as far as spans tell: somebody's hole may be there."""
    found = Asset.objects.filter(bars_from__lte=through).aggregate(last=Max("bars_to"))["last"]
    return None if found is None else min(found, through)


def panel(asset_ids: Sequence[int], *, through: date, since: date | None = None) -> Panel:
    """Everything that is known of these assets by the close of a day; with `since`, from that day on.

    Without it never narrower than the models look back, so that where the data begin decides no last digit. Raises
    `ValueError` where the stored bytes of an asset are no prices.
    """
    since = since or _since(asset_ids, through)
    bars = frames.bar_frame(asset_ids, start=since, end=through + _DAY)
    first = (since - EPOCH).days
    return Panel(np.array(asset_ids, dtype=np.int64), first, bars.close, bars.volume, bars.market_cap, bars.sources)


def readable(asset_ids: Sequence[int], *, through: date, since: date | None = None) -> Panel:
    """The same without the assets whose bytes are broken: whoever scores one of them says so, the others go on."""
    since = since or _since(asset_ids, through)
    try:
        return panel(asset_ids, through=through, since=since)
    except ValueError:
        if len(asset_ids) == 1:
            return panel([], through=through, since=since)
        half = len(asset_ids) // 2
        return Panel.joined(
            [readable(part, through=through, since=since) for part in (asset_ids[:half], asset_ids[half:])]
        )


def histories(asset_ids: Sequence[int], *, through: date) -> list[Panel]:
    """The same of many assets, in parts of those that began together.

    Of everybody in one matrix from the first day of all most would be empty: for 18,000 assets some gigabytes.
    """
    by_age = Asset.objects.filter(pk__in=any_of(asset_ids)).order_by("bars_from", "pk")
    ids = list(by_age.values_list("pk", flat=True))
    return [readable(ids[first : first + TOGETHER], through=through) for first in range(0, len(ids), TOGETHER)]


def market(asset_ids: Sequence[int], *, through: date) -> Market:
    """What every measurement of a day needs to know of the others; assets that cannot be read are left out."""
    everybody = readable(asset_ids, through=through, since=through - (measurement.CONTEXT_DAYS - 1) * _DAY)
    return measurement.market(everybody, reference=reference(through))


def _since(asset_ids: Sequence[int], through: date) -> date:
    narrowest = through - (measurement.REFERENCE_DAYS - 1) * _DAY
    return min(narrowest, first_day(asset_ids) or narrowest)


def bitcoin_id() -> int | None:
    """The asset beside which tails are looked at."""
    return Asset.objects.filter(slug=BITCOIN).values_list("pk", flat=True).first()


def reference(through: date) -> FloatArray | None:
    """Bitcoin's prices, as far back as they are looked at."""
    bitcoin = bitcoin_id()
    if bitcoin is None:
        return None
    found = readable([bitcoin], through=through, since=through - (measurement.REFERENCE_DAYS - 1) * _DAY).prices
    return found[0] if len(found) else None


def day_of(number: int) -> date | None:
    """The date of a day since 1970-01-01; None for -1."""
    return None if number < 0 else EPOCH + timedelta(days=number)


def rules(parameters: Parameters) -> Rules:
    return Rules(
        parameters.floor_of_stablecoins,
        parameters.sentiment_cap,
        parameters.sentiment_from,
        parameters.sentiment_full,
    )


def learnt(fit: RiskFit) -> Learnt:
    """What a fit's row says."""
    model = Ridge(
        np.array([fit.coefficients[name] for name in NAMES]),
        np.array([fit.feature_means[name] for name in NAMES]),
        fit.mean,
        fit.penalty,
        fit.observations,
    )
    return Learnt(model, _calibrations(fit.score_reach), _calibrations(fit.percentile_reach), fit.calibrated_on)


def prior(fit: RiskFit | None) -> Prior | None:
    """What a fit says of the persistence and tail of series that are too short to say it themselves."""
    if fit is None or fit.garch_prior is None:
        return None
    return Prior(np.array(fit.garch_prior["mean"]), np.array(fit.garch_prior["deviation"]))


def redraws(fit: RiskFit | None, *, seed: str) -> Redraws:
    """By what a run finds the errors of estimation: its seed, in hexadecimal, and what a fit makes of measurements."""
    weights = None if fit is None else np.array([fit.coefficients[name] for name in ESTIMATES])
    return Redraws(Bootstrap.of(int(seed, 16)), weights)


def learnt_columns(found: Learnt, garch_prior: Prior | None) -> dict[str, Any]:
    """The same as columns of a fit's row."""
    return {
        "coefficients": dict(zip(NAMES, found.model.coefficients.tolist(), strict=True)),
        "feature_means": dict(zip(NAMES, found.model.feature_means.tolist(), strict=True)),
        "mean": found.model.mean,
        "penalty": found.model.penalty,
        "observations": found.model.observations,
        "score_reach": _reaches(found.log_volatility),
        "percentile_reach": _reaches(found.percentile),
        "calibrated_on": found.calibrated_on,
        "garch_prior": None
        if garch_prior is None
        else {"mean": garch_prior.mean.tolist(), "deviation": garch_prior.deviation.tolist()},
    }


def _reaches(calibrations: Mapping[float, Calibration]) -> dict[str, Any]:
    """A bucket too small for an interval of its own has none in the row, only its size."""
    return {
        str(coverage): {
            "pooled": found.pooled,
            "buckets": {
                str(name): {"reach": reach if reach < inf else None, "n": found.size[name]}
                for name, reach in sorted(found.reach.items(), key=lambda item: str(item[0]))
            },
        }
        for coverage, found in calibrations.items()
    }


def _calibrations(stored: Mapping[str, Any]) -> dict[float, Calibration]:
    return {
        float(coverage): Calibration(
            float(coverage),
            {
                name: inf if bucket["reach"] is None else float(bucket["reach"])
                for name, bucket in entry["buckets"].items()
            },
            float(entry["pooled"]),
            {name: int(bucket["n"]) for name, bucket in entry["buckets"].items()},
        )
        for coverage, entry in stored.items()
    }
