from risk.admin.backtest import BacktestAdmin
from risk.admin.calibration_day import CalibrationDayAdmin
from risk.admin.forecast_outcome import ForecastOutcomeAdmin
from risk.admin.risk_fit import RiskFitAdmin
from risk.admin.risk_model import RiskModelAdmin
from risk.admin.risk_score import RiskScoreAdmin
from risk.admin.score_run import ScoreRunAdmin
from risk.admin.wrapping import WrappingAdmin

__all__ = [
    "BacktestAdmin",
    "CalibrationDayAdmin",
    "ForecastOutcomeAdmin",
    "RiskFitAdmin",
    "RiskModelAdmin",
    "RiskScoreAdmin",
    "ScoreRunAdmin",
    "WrappingAdmin",
]
