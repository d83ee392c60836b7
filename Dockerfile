# Built from hash-locked wheels; runs as a named user; needs nothing writable but /var/lib/gateway and /tmp:
#   docker build -t gateway .
#   docker run --read-only --tmpfs /tmp -v gateway:/var/lib/gateway -p 8080:8080 -e GATEWAY_DATABASE_URL=… gateway
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/gateway \
    && /opt/gateway/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock
# After the dependencies, so that a change of our own code reuses their layer.
COPY LICENSE README.md pyproject.toml ./
COPY migrations ./migrations
COPY src ./src
RUN /opt/gateway/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/gateway/bin/pip uninstall --yes hatchling editables trove-classifiers pip

FROM python:3.11-slim-bookworm
# Postgres's programs refuse to run as root, and ask for the user's entry in passwd.
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/gateway --create-home gateway
COPY --from=build /opt/gateway /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH \
    GATEWAY_DATA_DIR=/var/lib/gateway \
    GATEWAY_HOST=0.0.0.0 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/gateway
VOLUME /var/lib/gateway
EXPOSE 8080
# http.client, because urllib would obey a proxy from the environment. A worker's container overrides
# this with its own port: GATEWAY_WORKER_METRICS_PORT.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8080, timeout=2); c.request('GET', '/health/live'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["gateway", "serve"]
