"""Load as people make it, against a running product: `locust -f tests/performance/locustfile.py --host http://127.0.0.1:8000`.

For looking at behaviour under load, not for figures: those come from `make bench`. The server counts requests per
address, so give it a quota to match, e.g. RATE_LIMIT_PER_MINUTE=1000000.
"""

from random import Random

from locust import FastHttpUser, between, task

API = "/api/v1/cryptocurrencies/"


class Visitor(FastHttpUser):
    """Looks at the market, filters it, opens a coin and its history; most of the time the list."""

    wait_time = between(0.1, 1.0)

    def on_start(self) -> None:
        self.random = Random()
        with self.rest("GET", f"{API}?limit=250", name="first list") as response:
            self.symbols = [row["symbol"] for row in response.js["results"]] or ["BTC"]

    @task(10)
    def look_at_the_list(self) -> None:
        self.client.get(API, name="list")

    @task(4)
    def filter_the_list(self) -> None:
        self.client.get(f"{API}?min_market_cap={self.random.randrange(10**9)}&sort_by=change_24h", name="filtered list")

    @task(2)
    def look_at_the_gainers(self) -> None:
        self.client.get(f"{API}top/gainers", name="gainers")

    @task(3)
    def open_a_coin(self) -> None:
        self.client.get(f"{API}{self.random.choice(self.symbols)}", name="detail")

    @task(3)
    def open_its_history(self) -> None:
        self.client.get(f"{API}{self.random.choice(self.symbols)}/history?limit=365", name="history")
