# The product alone: no compilers, no test tools, no embedded servers.
FROM python:3.11-slim AS build
COPY requirements/production.txt /tmp/production.txt
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r /tmp/production.txt

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATABASE_POOL=true NUMBA_CACHE_DIR=/var/cache/numba
RUN useradd --system --uid 10001 --home-dir /app app
WORKDIR /app
COPY --from=build /venv /venv
COPY . .
# Static files need no secret and no server: a development environment will do to collect them.
RUN ENVIRONMENT=development python manage.py collectstatic --noinput --verbosity 0
# The loops of the risk engine, compiled here so that no worker waits for it; it must be able to add another processor's.
RUN python -m risk.quant.compiled && chown -R app /var/cache/numba
USER app
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--no-ws", "config.wsgi:application"]
