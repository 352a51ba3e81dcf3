from config.kernel.errors import Impossible, NotFound


class UnknownModel(NotFound):
    """Carries `models`, the versions that there are."""

    code = "unknown_model"
    message = "There is no such version of the risk model."


class NothingToScore(Impossible):
    """Carries `as_of`. A run of nobody would be the one run of its day, also once there are prices of it."""

    code = "nothing_to_score"
    message = "No asset has a daily price by the close of that day: import the history first."


class NoBacktest(NotFound):
    code = "no_backtest"
    message = "This version has not been backtested on the history of this installation."


class InsufficientHistory(Impossible):
    """Carries `days`, what there is, and `needed`."""

    code = "insufficient_history"
    message = "Too few days have been forecast to judge the model by."
