"""What is said to the workers: `engine.worker.notifications`."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import uuid4

import pytest

from engine.worker import notifications
from engine.worker.app import app
from engine.worker.beat_schedule import beat_schedule
from engine.worker.broker import queues
from engine.worker.checks import check_broker, lanes_are_served
from engine.worker.notifications import clear_pending, messages, notify, notify_workers, suppress_notifications
from engine.worker.scheduler import Scheduler

QUEUE = "inward"
PENDING_KEY = f"{notifications.PENDING_KEY}.{QUEUE}"


@pytest.fixture
def broker():
    """The real one, empty."""
    with app.producer_or_acquire() as producer:
        client = producer.channel.client
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def silence(monkeypatch):
    monkeypatch.setattr(notifications, "_quiet_until", 0.0)


@pytest.mark.usefixtures("silence")
def test_one_message_waits_until_it_is_acknowledged(broker):
    for _ in range(50):
        notify_workers(ids=[uuid4()])
    assert broker.llen(QUEUE) == 1

    clear_pending()
    for _ in range(50):
        notify_workers(ids=[uuid4()])
    assert broker.llen(QUEUE) == 2


@pytest.mark.usefixtures("silence")
def test_notification_that_is_not_acknowledged_is_taken_for_lost(broker):
    notify_workers(ids=[uuid4()])
    assert 0 < broker.pttl(PENDING_KEY) <= notifications.PENDING_MS

    broker.delete(PENDING_KEY)  # as it will be then
    notify_workers(ids=[uuid4()])

    assert broker.llen(QUEUE) == 2


@pytest.mark.usefixtures("silence")
def test_many_effects_are_notified_even_if_a_notification_waits(broker):
    notify_workers(ids=[uuid4()])
    notify_workers(ids=[uuid4() for _ in range(400)])

    assert broker.llen(QUEUE) == 4


@pytest.mark.usefixtures("silence")
def test_waiting_messages_are_limited(broker):
    """H6: each run that wanted to go on, each sweep and each second added one."""
    entry = next(iter(beat_schedule([QUEUE]).items()))
    scheduler = Scheduler(app, lazy=True)
    beat = Scheduler.Entry(app=app, name=entry[0], **entry[1])

    for _ in range(20):
        notify([])
        notify_workers(ids=[uuid4() for _ in range(400)])
        scheduler.apply_async(beat, advance=False)

    assert broker.llen(QUEUE) == 4


def test_message_names_few_effects_and_not_many():
    few, many = [uuid4() for _ in range(25)], [uuid4() for _ in range(500)]

    assert messages(few) == [[str(key) for key in few]]
    assert messages([]) == [[]]
    assert messages(many[:26]) == [[]]
    assert messages(many) == [[]] * 4


@pytest.mark.usefixtures("silence")
def test_each_lane_is_notified_in_its_own_queue_and_answered_there(broker, settings):
    for _ in range(50):
        notify_workers(ids=[uuid4()])
    assert (broker.llen("inward"), broker.llen("outward")) == (1, 1)

    settings.ENGINE_WORKER_QUEUES = ["outward"]
    clear_pending()
    notify_workers(ids=[uuid4()])
    assert (broker.llen("inward"), broker.llen("outward")) == (1, 2)


@pytest.mark.usefixtures("silence")
def test_only_the_lanes_of_the_effects_are_notified(broker):
    notify_workers(ids=[uuid4()], lanes={"outward"})

    assert (broker.llen("inward"), broker.llen("outward")) == (0, 1)


@pytest.mark.usefixtures("silence")
def test_worker_notifies_other_lanes_of_effects_it_schedules(broker, settings):
    settings.ENGINE_WORKER_QUEUES = ["inward"]

    with suppress_notifications():
        notify_workers(ids=[uuid4()])

    assert (broker.llen("inward"), broker.llen("outward")) == (0, 1)


@pytest.mark.usefixtures("silence")
def test_worker_of_all_lanes_notifies_nobody_of_effects_it_schedules(broker):
    with suppress_notifications():
        notify_workers(ids=[uuid4()])

    assert broker.llen(QUEUE) == 0


@pytest.mark.parametrize(
    ("own", "complaint"),
    [
        (["inward"], []),
        ([], []),
        (["inwards"], ["engine.E011"]),
    ],
)
def test_lanes_that_nobody_would_serve_are_found_before_the_start(settings, monkeypatch, own, complaint):
    settings.ENGINE_WORKER_QUEUES = own
    monkeypatch.setattr("engine.worker.checks.app.conf.task_queues", queues())

    assert [found.id for found in lanes_are_served()] == complaint


def test_a_lane_without_a_queue_is_found_before_the_start(monkeypatch):
    monkeypatch.setattr("engine.worker.checks.app.conf.task_queues", queues()[:1])

    assert [found.id for found in lanes_are_served()] == ["engine.E013"]


def test_each_queue_is_swept_so_that_no_lane_waits_for_the_workers_of_another():
    swept = [
        time["options"]["queue"] for time in beat_schedule(["inward", "outward"]).values() if "sweep" in time["task"]
    ]

    assert swept == ["inward", "outward"]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("redis://valkey:6379/0", []),
        ("rediss://valkey:6379/0", []),
        ("redis+socket:///run/valkey.sock", []),
        ("amqp://rabbit//", ["engine.E015"]),
        ("sqs://", ["engine.E015"]),
        ("", ["engine.E015"]),
    ],
)
def test_broker_of_another_kind_is_refused_before_the_start(settings, url, found):
    settings.ENGINE_BROKER_URL = url

    assert [error.id for error in check_broker()] == found


def test_beat_touches_its_file_at_each_tick(tmp_path, monkeypatch):
    monkeypatch.setenv("BEAT_ALIVE_FILE", str(tmp_path / "alive"))
    scheduler = Scheduler(app, lazy=True)
    scheduler.data = {}

    scheduler.tick()

    assert (tmp_path / "alive").exists()


def test_beat_sleeps_until_an_entry_is_due(monkeypatch):
    started, ticks, sent = time.monotonic(), 0, []
    scheduler = Scheduler(app, lazy=True)
    scheduler.data = {"often": Scheduler.Entry(app=app, name="often", task="none", schedule=timedelta(seconds=0.2))}
    monkeypatch.setattr(scheduler, "apply_async", lambda *_, **__: sent.append(time.monotonic() - started))

    while len(sent) < 4 and ticks < 1000:
        ticks += 1
        time.sleep(max(0.0, scheduler.tick()))

    assert len(sent) == 4
    assert all(at >= 0.2 * number for number, at in enumerate(sent, start=1))
    assert ticks <= 4 * len(sent)
