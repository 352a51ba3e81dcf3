"""What answers look like, for the documentation; the numbers are invented."""

from risk.model_card import LIMITS, METHOD, WHAT_THIS_IS_NOT

_VERSION = "1.2.0-5f0c9a1e"
_HASH = "9f2c4d0b7a1e8f6355f1c0de4b9a7d21c3e8f0a6b5d4927318f6e0c2a9b7d451"
_MATCH = {
    "by": "symbol",
    "ambiguous": False,
    "candidates": [{"slug": "bitcoin", "symbol": "BTC", "name": "Bitcoin", "market_cap": 1.9e12}],
}

RISK = {
    "symbol": "BTC",
    "slug": "bitcoin",
    "name": "Bitcoin",
    "match": _MATCH,
    "status": "ok",
    "reason": None,
    "score": 42.0,
    "percentile": 11.5,
    "band": "moderate",
    "forecast_volatility": 0.44,
    "horizon_days": 30,
    "intervals": [
        {
            "of": "score",
            "level": 0.9,
            "low": 28.5,
            "high": 58.0,
            "method": "conformal",
            "bucket": "large, long",
            "n": 5210,
            "note": None,
        }
    ],
    "estimation": {
        "method": "parametric_filtered_bootstrap",
        "basis": "fitted",
        "draws": 200,
        "intervals": [{"level": 0.8, "low": 38.0, "high": 47.5}, {"level": 0.9, "low": 36.5, "high": 49.5}],
        "description": "How well the score is measured: its own history was simulated again, each time with parameters"
        " that its returns allow for. It says nothing of what is yet to happen.",
    },
    "confidence": {
        "level": "medium",
        "reasons": ["news_unknown"],
        "description": "too few news to say anything",
    },
    "factors": [
        {
            "component": "base",
            "points": 62.5,
            "direction": "start",
            "description": "the average asset that the model has learnt from",
            "measurements": [],
            "sources": [f"/api/v1/risk/models/{_VERSION}"],
        },
        {
            "component": "volatility",
            "points": -20.5,
            "direction": "lowers",
            "description": "how much the price has been moving",
            "measurements": [
                {
                    "name": "volatility",
                    "value": 0.43,
                    "unit": "per_year",
                    "standard_error": 0.05,
                    "n": 1000,
                    "percentile": 10.0,
                    "weight": 0.19,
                }
            ],
            "sources": ["/api/v1/cryptocurrencies/bitcoin/history?interval=1d&limit=1000&end=2026-03-12"],
        },
    ],
    "delta_since_previous": {
        "points": 1.2,
        "since": "2026-03-10",
        "previous_score": 40.8,
        "components": [{"component": "volatility", "points": 1.2}],
    },
    "tail": [
        {
            "level": 0.975,
            "horizon_days": 1,
            "value_at_risk": 0.048,
            "value_at_risk_error": 0.004,
            "value_at_risk_low_90": 0.04142,
            "value_at_risk_high_90": 0.05458,
            "expected_shortfall": 0.066,
            "expected_shortfall_error": 0.006,
            "expected_shortfall_low_90": 0.05613,
            "expected_shortfall_high_90": 0.07587,
            "unit": "log_return",
            "method": "combined",
            "n": 1000,
            "window_days": 1000,
        }
    ],
    "flags": [],
    "data": {
        "from": "2023-06-16",
        "to": "2026-03-11",
        "observations": 1000,
        "window_days": 1000,
        "providers": ["coingecko"],
        "rejected_prices": 0,
        "news": {
            "items": [],
            "missing_reason": "too_few_items",
            "url": "/api/v1/cryptocurrencies/bitcoin/news",
        },
    },
    "as_of": "2026-03-11",
    "stale": False,
    "model_version": _VERSION,
    "provenance": {
        "score_id": 90210,
        "run_id": 71,
        "input_hash": _HASH,
        "context_hash": _HASH[::-1],
        "seed": "00c0ffee00c0ffee",
        "calculated_at": "2026-03-12T00:15:40Z",
        "learnt_as_of": "2026-03-01",
        "engine": "numba",
        "libraries": {"numpy": "2.3.5"},
    },
    "explanation": "Bitcoin scores 42 of 100 (moderate) as of the close of 2026-03-11, riskier than 11 % of the assets"
    " scored that day. ...",
    "what_this_is_not": list(WHAT_THIS_IS_NOT),
}

HISTORY = {
    "columns": [{"name": "timestamp", "unit": "ISO 8601"}, {"name": "score", "unit": "points"}],
    "points": [["2026-03-10T00:00:00Z", 40.8], ["2026-03-11T00:00:00Z", 42.0]],
    "meta": {
        "symbol": "BTC",
        "slug": "bitcoin",
        "match": _MATCH,
        "interval": "1d",
        "interval_seconds": 86400,
        "model_version": _VERSION,
        "missing_reason": None,
        "as_of": "2026-03-12T00:00:00Z",
        "stale": False,
        "source": [_VERSION],
        "fill": "none",
        "gaps": [],
        "gap_points": 0,
        "next_start": None,
    },
}

RANKING = {
    "count": 1,
    "next": None,
    "previous": None,
    "results": [
        {
            "symbol": "BTC",
            "slug": "bitcoin",
            "name": "Bitcoin",
            "status": "ok",
            "reason": None,
            "score": 42.0,
            "score_low_90": 28.5,
            "score_high_90": 58.0,
            "is_stablecoin": False,
            "estimate_low_90": 36.5,
            "estimate_high_90": 49.5,
            "percentile": 11.5,
            "band": "moderate",
            "forecast_volatility": 0.44,
            "confidence": "medium",
            "delta": 1.2,
            "observations": 1000,
            "as_of": "2026-03-11",
            "stale": False,
            "model_version": _VERSION,
            "input_hash": _HASH,
            "url": "/api/v1/cryptocurrencies/bitcoin/risk",
        }
    ],
    "missing_reason": None,
}

MODEL = {
    "version": _VERSION,
    "state": "active",
    "headline": True,
    "created_at": "2026-03-01T00:00:00Z",
    "changed_at": "2026-03-01T00:00:00Z",
    "scored_as_of": "2026-03-11",
    "url": f"/api/v1/risk/models/{_VERSION}",
    "parameters": {"penalty": 0.01},
    "method": list(METHOD),
    "limits": list(LIMITS),
    "what_this_is_not": list(WHAT_THIS_IS_NOT),
    "learnt_from": {
        "as_of": "2026-03-01",
        "first_date": "2023-02-01",
        "last_date": "2026-01-30",
        "dates": 37,
        "observations": 8120,
        "calibrated_on": 5210,
        "penalty": 0.01,
        "coefficients": {"recent_volatility": 0.4},
        "input_hash": _HASH,
    },
    "backtest_url": f"/api/v1/risk/models/{_VERSION}/backtest",
    "calibration_url": f"/api/v1/risk/calibration?model={_VERSION}",
}

BACKTEST = {
    "model_version": _VERSION,
    "since": "2023-03-01",
    "until": "2026-02-28",
    "horizon_days": 1,
    "days": 1096,
    "assets": 190,
    "forecasts": 198_211,
    "results": [
        {
            "method": "combined",
            "baseline": False,
            "level": 0.99,
            "forecasts": 198_211,
            "exceedances": 2081,
            "rate": 0.0105,
            "rate_low": 0.0071,
            "rate_high": 0.0155,
            "expected_rate": 0.01,
            "tested_assets": 190,
            "kupiec_passed": 0.95,
            "christoffersen_passed": 0.9,
            "dynamic_quantile_assets": 190,
            "dynamic_quantile_passed": 0.56,
            "simulated_dynamic_quantile_passed": 0.71,
            "traffic_light_assets": 180,
            "traffic_light_green": 0.78,
            "traffic_light_yellow": 0.22,
            "traffic_light_red": 0.0,
            "shortfall_statistic": 0.046,
            "compared_forecasts": 190_400,
            "fz0": 2.876,
            "fz0_difference": -0.042,
            "fz0_p_value": 0.071,
            "confidence_set_p_value": 0.82,
            "in_confidence_set": True,
        }
    ],
    "created_at": "2026-03-01T02:00:00Z",
    "what_this_is_not": list(WHAT_THIS_IS_NOT),
}

CALIBRATION = {
    "count": 1,
    "next": None,
    "previous": None,
    "results": [
        {
            "model_version": _VERSION,
            "horizon_days": 1,
            "what": "value_at_risk_exceeded",
            "level": 0.975,
            "bucket": None,
            "n": 21_540,
            "hits": 551,
            "hit_rate": 0.0256,
            "expected_rate": 0.025,
            "interval": {
                "level": 0.95,
                "low": 0.0171,
                "high": 0.0381,
                "method": "wilson_clustered",
                "effective_n": 902.4,
                "clusters": 90,
            },
            "agrees": True,
            "shortfall_statistic": 0.03,
            "shortfall_n": 21_540,
            "mean_width": None,
            "since": "2025-12-11",
            "until": "2026-03-10",
        }
    ],
    "missing_reason": None,
}
