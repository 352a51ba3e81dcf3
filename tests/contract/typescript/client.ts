// Called with the address of the product, a user name and a password; prints what it was told.
import createClient from "openapi-fetch";
import type { paths } from "./schema";

declare const process: { argv: string[] };

const [baseUrl, username, password] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl });

function given<Data>(answer: { data?: Data; error?: unknown }): Data {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const page = given(await client.GET("/api/v1/cryptocurrencies/", { params: { query: { limit: 1 } } }));
const path = { symbol: "BTC" };
const detail = given(await client.GET("/api/v1/cryptocurrencies/{symbol}", { params: { path } }));
const history = given(
  await client.GET("/api/v1/cryptocurrencies/{symbol}/history", { params: { path, query: { limit: 5 } } }),
);
const pair = given(await client.POST("/api/v1/auth/login", { body: { username, password } }));
const headers = { Authorization: `Bearer ${pair.access_token}` };
const me = given(await client.GET("/api/v1/me", { headers }));

console.log(
  JSON.stringify({
    count: page.count,
    symbol: page.results[0].symbol,
    by: detail.match.by,
    points: history.points.length,
    username: me.username,
  }),
);
