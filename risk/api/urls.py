from config.kernel.routes import route
from risk.api.model_deeds import ActivateModel, ListAllModels, MakeHeadline, RetireModel
from risk.api.models import ListModels, ShowBacktest, ShowCalibration, ShowModel
from risk.api.ranking import ListScores
from risk.api.runs import StartScoring
from risk.api.scores import ShowRisk, ShowRiskHistory

urlpatterns = [
    route("cryptocurrencies/<str:symbol>/risk", ShowRisk.as_view(), name="cryptocurrency-risk"),
    route("cryptocurrencies/<str:symbol>/risk/history", ShowRiskHistory.as_view(), name="cryptocurrency-risk-history"),
    route("risk/scores", ListScores.as_view(), name="risk-scores"),
    route("risk/models", ListModels.as_view(), name="risk-models"),
    route("risk/models/<str:model_version>", ShowModel.as_view(), name="risk-model"),
    route("risk/models/<str:model_version>/backtest", ShowBacktest.as_view(), name="risk-model-backtest"),
    route("risk/runs", StartScoring.as_view(), name="risk-runs"),
    route("admin/risk/models", ListAllModels.as_view(), name="risk-models-all"),
    route("admin/risk/models/<str:model_version>/activate", ActivateModel.as_view(), name="risk-model-activate"),
    route("admin/risk/models/<str:model_version>/headline", MakeHeadline.as_view(), name="risk-model-headline"),
    route("admin/risk/models/<str:model_version>/retire", RetireModel.as_view(), name="risk-model-retire"),
    route("risk/calibration", ShowCalibration.as_view(), name="risk-calibration"),
]
