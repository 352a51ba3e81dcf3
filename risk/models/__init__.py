from risk.models.backtest import Backtest
from risk.models.calibration_day import CalibrationDay
from risk.models.forecast_outcome import ForecastOutcome
from risk.models.risk_fit import RiskFit
from risk.models.risk_model import RiskModel
from risk.models.risk_score import RiskScore
from risk.models.score_chunk import ScoreChunk
from risk.models.score_run import ScoreRun
from risk.models.wrapping import Wrapping

__all__ = [
    "Backtest",
    "CalibrationDay",
    "ForecastOutcome",
    "RiskFit",
    "RiskModel",
    "RiskScore",
    "ScoreChunk",
    "ScoreRun",
    "Wrapping",
]
