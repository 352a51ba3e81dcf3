from config.kernel.errors import Impossible, NotFound


class UnknownModel(NotFound):
    """Carries `models`, the versions that there are."""

    code = "unknown_model"
    message = "There is no such version of the risk model."


class NoBacktest(NotFound):
    code = "no_backtest"
    message = "This version has not been backtested on the history of this installation."


class InsufficientHistory(Impossible):
    """Carries `days`, what there is, and `needed`."""

    code = "insufficient_history"
    message = "Too few days have been forecast to judge the model by."
