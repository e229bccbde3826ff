# One image for every process: `manage.py web`, `worker`, `beat` or `migrate` is the command.
# docker-compose.yml says how to pin it by digest.
ARG PYTHON_IMAGE=python:3.13.18-slim-trixie

# What is installed and collected here; of this stage only /opt/venv and /app go on.
FROM ${PYTHON_IMAGE} AS build
ENV PYTHONDONTWRITEBYTECODE=1
WORKDIR /app

# First and alone, so that a change of code does not install again. EXTRA=otel adds the sender of traces.
COPY requirements.txt requirements-otel.txt ./
ARG EXTRA=
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --require-hashes --only-binary :all: \
        -r "requirements${EXTRA:+-$EXTRA}.txt"

COPY . ./
# Compiled here, because where it runs nothing can be written. The folder of mails is for a volume.
RUN SECRET_KEY=of-the-build-and-no-secret-at-all /opt/venv/bin/python manage.py collectstatic --noinput -v0 \
    && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib /app \
    && install -d -o 10001 -g 10001 var/mail var/heads

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    WORKER_READY_FILE=/tmp/worker.ready \
    BEAT_ALIVE_FILE=/tmp/beat.alive
# Nothing here installs anything any more, pip included.
RUN python -m pip uninstall -q -y --root-user-action=ignore pip \
    && useradd --uid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin countersign
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app

USER 10001:10001
EXPOSE 8011
# gunicorn and Celery finish what they have begun on SIGTERM, the default.
CMD ["python", "manage.py", "web"]
