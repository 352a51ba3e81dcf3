from accounts.scopes import Scope
from markets.api.views import MarketView


class RiskView(MarketView):
    """A read of risk. Scores stand on the public listing, so what explains them is as public as the listing is."""

    key_scope = Scope.RISK_READ
