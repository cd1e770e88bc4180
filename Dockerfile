# The portal as two images: `portal` is for pages, workers, timers and commands, and `proxy` is nginx in front of it.
# compose.yaml builds and runs both. deploy/README.md says how, under "With containers".

# --- Python packages, static files and compiled Python ------------------------

FROM debian:12.15-slim AS build
# hadolint ignore=DL3008  # Debian's stable release changes a package only to repair it
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-pip \
    && rm -rf /var/lib/apt/lists/*
# The paths are those of deploy/README.md, so that the units of deploy/systemd name the same files.
COPY requirements.txt /srv/portal/
# pip stays in this stage. Wheels alone, so that nothing has to be compiled.
RUN python3 -m venv --without-pip /srv/portal/app/.venv \
    && python3 -m pip --python /srv/portal/app/.venv/bin/python install --no-cache-dir --no-compile \
        --only-binary :all: --require-hashes --requirement /srv/portal/requirements.txt \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /srv/portal/app/.venv/lib
WORKDIR /source
COPY . .
# Python cannot keep compiled files in an image that is read-only, so they are made here.
RUN /srv/portal/app/.venv/bin/python manage.py collectstatic --noinput \
    && chmod -R a+rX,go-w . \
    && python3 -m compileall -q --invalidation-mode unchecked-hash -s /source -p /srv/portal/app .

# --- The portal ---------------------------------------------------------------

FROM debian:12.15-slim AS portal
LABEL org.opencontainers.image.title="Social media self-check" \
      org.opencontainers.image.description="Council members check a social media account against the bulletin" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/debian:12.15-slim"
# Whole seconds, because a layer keeps no others, and fontconfig's cache names the time of each folder.
# hadolint ignore=DL3008  # as above
RUN apt-get update \
    && apt-get upgrade --yes --no-install-recommends \
    && apt-get install --yes --no-install-recommends \
        ca-certificates \
        fontconfig \
        fonts-noto-cjk \
        fonts-noto-core \
        libharfbuzz-subset0 \
        libpango-1.0-0 \
        libpangoft2-1.0-0 \
        postgresql-client \
        python3 \
        tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && find /usr/share/fonts /usr/local/share/fonts -type d -exec touch --date=2026-01-01T00:00:00Z {} + \
    && fc-cache --force
# A fixed number, because files that this user may read need it on the host. It owns nothing but these folders.
RUN groupadd --gid 10001 portal \
    && useradd --uid 10001 --gid portal --home-dir /srv/portal --no-create-home --shell /usr/sbin/nologin portal \
    && install --directory --owner=portal --group=portal --mode=0700 \
        /srv/portal/media /srv/portal/backups /srv/portal/timers \
    && install --directory --owner=portal --group=portal --mode=0750 /run/portal
WORKDIR /srv/portal/app
COPY --from=build /srv/portal/app/.venv .venv
COPY --from=build /source .
ENV PATH=/srv/portal/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MEDIA_ROOT=/srv/portal/media
USER 10001:10001
HEALTHCHECK --interval=15s --timeout=30s --start-period=60s CMD ["python", "deploy/health.py"]
CMD ["gunicorn", "--config", "deploy/gunicorn.conf.py", "config.wsgi"]

# --- nginx --------------------------------------------------------------------

FROM debian:12.15-slim AS proxy
LABEL org.opencontainers.image.title="Social media self-check, nginx" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.base.name="docker.io/library/debian:12.15-slim"
# hadolint ignore=DL3008  # as above
RUN apt-get update \
    && apt-get upgrade --yes --no-install-recommends \
    && apt-get install --yes --no-install-recommends nginx-light \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner=10001 --group=10001 --mode=0750 /run/portal \
    && ln --symbolic --force /dev/stdout /var/log/nginx/portal.log \
    && ln --symbolic --force /dev/stderr /var/log/nginx/portal-error.log
COPY deploy/containers/nginx-main.conf /etc/nginx/nginx.conf
COPY deploy/nginx.conf /etc/nginx/portal.conf
# The portal's user, who may use the portal's socket.
USER 10001:10001
STOPSIGNAL SIGQUIT
ENV PORTAL_NAME=check.example.ca
CMD ["sh", "-c", "sed \"s/check\\.example\\.ca/$PORTAL_NAME/g\" /etc/nginx/portal.conf > /tmp/portal.conf && exec nginx"]
