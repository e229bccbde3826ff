# One image for every process: `manage.py web`, `worker`, `beat` or `migrate` is the command.
ARG PYTHON_IMAGE=python:3.13-slim-trixie
FROM ${PYTHON_IMAGE}

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

WORKDIR /app

# First and alone, so that a change of code does not install again.
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.txt

COPY . ./
RUN SECRET_KEY=of-the-build-and-no-secret-at-all python manage.py collectstatic --noinput -v0 \
    && useradd --uid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin countersign \
    && install -d -o countersign -g countersign /app/var/mail

USER 10001:10001
EXPOSE 8011
# gunicorn and Celery finish what they have begun on SIGTERM, the default.
CMD ["python", "manage.py", "web"]
