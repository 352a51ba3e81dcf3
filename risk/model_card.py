"""What goes with every score, whatever its version: how it is made, where it ends, and what it is not."""

HORIZON_DAYS = 30
DAYS_A_YEAR = 365
ESTIMATION_DRAWS = 200

METHOD = (
    "A forecast of each asset's annualised volatility over the next 30 days, from what was known at a day's close.",
    "Measured are volatility (EWMA 0.94 and 0.98, HAR, GARCH-t), one-day tail losses, drawdown, liquidity, dependence"
    " on the market, age and size.",
    "A ridge regression without negative weights, learnt from past days whose next 30 days were over, turns the"
    " measurements into the forecast; a fixed map turns the forecast into a score from 0 to 100.",
    "Intervals of what is to come are split-conformal, by bucket of size and length of history; they reach farther"
    " after months in which forecasts were far off.",
    "Intervals of the estimate are of the score itself: by 200 simulated histories of each asset, whose parameters are"
    " drawn anew; they hold the error of measuring and nothing of what is yet to happen.",
    "Value at risk and expected shortfall are positive losses, of one day and as log returns; on long"
    " histories the mean of three methods, on short ones filtered historical simulation alone, by an EWMA of two speeds"
    " in which falls weigh more than rises, below 250 returns with the residuals of all ordinary assets.",
)

LIMITS = (
    "Nearly all of what it foretells is volatility that persists; a quiet asset can break without warning.",
    "A shock of the whole market is not exchangeable with the year before: intervals were right 75 to 98 % of the time"
    " by quarter where 90 % was promised.",
    "Intervals of the estimate are somewhat too narrow: of simulated series whose truth is known the nominal 90 %"
    " held it in 83 to 87 %, by the length of the history.",
    "Intervals of what is to come are learnt from ordinary assets and have not been shown to hold for pegged ones,"
    " whose outcomes are counted apart: of the first 16 months of theirs 8 lay inside the 90 % interval.",
    "The floor under the scores of stablecoins (`floor_of_stablecoins`) is a judgement and no estimate: a quiet peg is"
    " no safe peg.",
    "Where volumes or market caps are missing, liquidity and size are not judged, and the confidence says so.",
    "Where a source ends nothing is known: such an asset has no score, and is not called dead without evidence.",
)

WHAT_THIS_IS_NOT = (
    "It is not financial advice and no recommendation to buy, hold or sell.",
    "It is not a forecast of direction: a high score says how far a price may move, not which way.",
    "It is not a judgement of a project, its people, its code or its law.",
    "It is not a promise: losses beyond the value at risk come as often as its level says, and may be far beyond.",
    "It does not know what prices do not show: custody, hacks to come, insolvency of an exchange, delisting.",
)
