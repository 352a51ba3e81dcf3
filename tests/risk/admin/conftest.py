from tests.markets.admin.conftest import enter, moderator, operator

__all__ = ["enter", "moderator", "operator"]
