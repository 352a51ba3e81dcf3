from config.kernel.errors import Conflict, Impossible, NotFound


class UnknownAsset(NotFound):
    code = "not_found"
    message = "No listed asset has this symbol or slug."


class AmbiguousSymbol(Conflict):
    """Carries `candidates`."""

    code = "ambiguous_symbol"
    message = "Several assets carry this symbol; ask by slug, or without strict=true for the largest market."


class UnknownCategory(NotFound):
    """Carries `categories`, the valid ones."""

    code = "unknown_category"
    message = "There is no such category."


class UnknownIndicator(NotFound):
    """Carries `indicators`, the valid ones."""

    code = "unknown_indicator"
    message = "There is no such indicator."


class MarketIsSimulated(Conflict):
    code = "market_is_simulated"
    message = (
        "This market holds simulated prices, which are never mixed with real ones."
        " Replace it first: import_prices FILE --replace-demo."
    )


class MarketIsOfAnotherKind(Conflict):
    code = "market_is_of_another_kind"
    message = "These prices are simulated and the market is real, or the other way round."


class NotReadable(Impossible):
    code = "not_readable"
    message = "This row cannot be read as it was kept."
