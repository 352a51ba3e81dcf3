from config.kernel.routes import route
from risk.api.models import ListModels, ShowBacktest, ShowCalibration, ShowModel
from risk.api.ranking import ListScores
from risk.api.scores import ShowRisk, ShowRiskHistory

urlpatterns = [
    route("cryptocurrencies/<str:symbol>/risk", ShowRisk.as_view(), name="cryptocurrency-risk"),
    route("cryptocurrencies/<str:symbol>/risk/history", ShowRiskHistory.as_view(), name="cryptocurrency-risk-history"),
    route("risk/scores", ListScores.as_view(), name="risk-scores"),
    route("risk/models", ListModels.as_view(), name="risk-models"),
    route("risk/models/<str:model_version>", ShowModel.as_view(), name="risk-model"),
    route("risk/models/<str:model_version>/backtest", ShowBacktest.as_view(), name="risk-model-backtest"),
    route("risk/calibration", ShowCalibration.as_view(), name="risk-calibration"),
]
