from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.transaction import atomic
from django.test import RequestFactory

from core import env
from core.http.client_ip import client_ip, network_of
from core.models import RateLimitBucket
from core.problems import TooManyRequests
from core.security import rate_limits
from workflows.retention import run_hourly_cleanup

pytestmark = pytest.mark.django_db

HERE, THERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture(autouse=True)
def few(settings):
    hour = timedelta(hours=1)
    settings.LIMITS = {
        **settings.LIMITS,
        "login": {"pair": (3, hour), "account": (5, hour), "address": (8, hour)},
        "link": {"address": (2, hour)},
    }


def at(address: str, **headers: str):
    return RequestFactory().get("/", REMOTE_ADDR=address, **headers)


def fails(email: str = "ann@acme.test", *, at_: str = HERE) -> bool:
    """Whether one more wrong password is let through."""
    try:
        rate_limits.LOGIN.attempt(at(at_), email)
    except TooManyRequests:
        return False
    return True


def passes(gate: Callable[[], object], times: int) -> int:
    """How many of so many tries are let through."""
    return sum(1 for _ in range(times) if gate())


def test_one_account_may_be_tried_so_often_from_one_address():
    assert passes(fails, 10) == 3
    assert fails(at_=THERE)
    assert fails("bob@acme.test")


def test_an_account_is_one_however_it_is_spelled():
    assert passes(fails, 3) == 3
    assert not fails("ANN@ACME.test")


def test_an_account_may_be_tried_so_often_from_everywhere():
    assert [fails(at_=f"192.0.2.{n}") for n in range(7)] == [True] * 5 + [False] * 2


def test_one_address_may_try_so_often():
    assert [fails(f"{n}@acme.test") for n in range(10)] == [True] * 8 + [False] * 2
    assert fails("9@acme.test", at_=THERE)


def test_refused_try_is_not_counted_in_other_scopes():
    passes(fails, 100)

    assert fails(at_=THERE)  # the account has room for two more
    assert fails(at_=THERE)
    assert not fails(at_=THERE)


def test_a_refusal_says_when_to_come_back(clock):
    passes(fails, 3)

    with pytest.raises(TooManyRequests) as refusal:
        rate_limits.LOGIN.attempt(at(HERE), "ann@acme.test")

    wait = refusal.value.members["retry_after"]
    assert 1190 <= wait <= 1200  # a third of an hour
    clock.advance(hours=(wait - 20) / 3600)
    assert not fails()
    clock.advance(hours=20 / 3600)
    assert fails()
    assert not fails()
    clock.advance(hours=2)
    assert passes(fails, 10) == 3


def test_successful_tries_hardly_count():
    for _ in range(50):
        rate_limits.LOGIN.attempt(at(HERE), "ann@acme.test").succeeded()

    assert passes(fails, 10) == 3
    assert passes(lambda: fails("bob@acme.test"), 10) == 0  # 50 good and 3 bad weigh as 8 bad: this address has no room


def test_strangers_cannot_lock_out_a_known_address(clock):
    rate_limits.LOGIN.attempt(at(HERE), "ann@acme.test").succeeded()
    for n in range(50):
        fails(at_=f"198.51.100.{n}")

    assert not fails(at_=THERE)
    assert passes(fails, 10) == 3
    clock.advance(days=31)
    for n in range(50):
        fails(at_=f"198.51.100.{n}")
    assert not fails()


def test_a_link_in_a_mail_opens_the_way_back_in():
    for n in range(50):
        fails(at_=f"198.51.100.{n}")
    assert not fails()

    rate_limits.trust_address(at(HERE), "ann@acme.test")

    assert fails()


def test_scopes_are_counted_apart():
    assert passes(fails, 4) == 3

    assert rate_limits.LINK.attempt(at(HERE))
    assert rate_limits.RESET.attempt(at(HERE), "ann@acme.test")


def test_the_table_holds_nobody_s_address():
    fails()

    for row in RateLimitBucket.objects.all():
        assert "ann" not in row.key
        assert HERE not in row.key


def test_no_limit_counts_nothing(settings):
    settings.LIMITS = {**settings.LIMITS, "login": {}}

    assert passes(fails, 50) == 50
    assert not RateLimitBucket.objects.exists()


def test_a_try_is_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        attempt = rate_limits.LOGIN.attempt(at(HERE), "ann@acme.test")
    with django_assert_num_queries(1):
        attempt.succeeded()


def test_unused_limits_are_deleted(clock):
    fails()
    assert run_hourly_cleanup()
    assert RateLimitBucket.objects.count() == 3

    clock.advance(hours=2)
    assert run_hourly_cleanup()
    assert not RateLimitBucket.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_counted_one_by_one_and_nobody_waits_for_ever():
    def storm(n: int) -> bool:
        try:
            return fails(at_=HERE) if n % 2 else fails(f"{n % 5}@acme.test", at_=THERE)
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        let_in = list(pool.map(storm, range(200)))

    assert sum(let_in[1::2]) == 3
    assert 1 <= sum(let_in[0::2]) <= 8


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_rolled_back_does_not_give_tries_back():
    def in_vain() -> bool:
        with atomic():
            try:
                return fails()
            finally:
                connection.set_rollback(True)

    assert passes(in_vain, 10) == 3


@pytest.mark.parametrize(
    ("proxies", "told", "address"),
    [
        (0, None, HERE),
        (0, "203.0.113.9", HERE),
        (1, None, HERE),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.9.8.7, 203.0.113.9", "203.0.113.9"),
        (2, "10.9.8.7, 203.0.113.9,10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "203.0.113.9"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:443", "2001:db8::1"),
        (1, "2001:DB8:0::1", "2001:db8::1"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "nonsense", HERE),
        (1, "1.2.3.4.5, ", HERE),
        (1, "٢٠٣.0.113.9", HERE),
    ],
)
def test_client_ip_is_that_seen_by_the_trusted_proxies(settings, proxies, told, address):
    settings.TRUSTED_PROXIES = proxies

    assert client_ip(at(HERE, **({"HTTP_X_FORWARDED_FOR": told} if told else {}))) == address


def test_forged_header_gives_no_more_tries(settings):
    for proxies, tail in ((0, ""), (1, ", 203.0.113.9")):
        settings.TRUSTED_PROXIES = proxies
        let_in = 0
        for n in range(20):
            try:
                rate_limits.LINK.attempt(at(HERE, HTTP_X_FORWARDED_FOR=f"10.0.0.{n}{tail}"))
                let_in += 1
            except TooManyRequests:
                pass
        assert let_in == 2


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (HERE, HERE),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_an_ipv6_customer_is_one_whatever_address_they_take(address, network):
    assert network_of(address) == network


def test_a_peer_without_an_address_is_counted_too():
    assert client_ip(at("")) == "unknown"
    assert fails(at_="")


def test_limits_are_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("LIMIT_X", "pair=3/1h  address=500/90s account=2/d")

    assert env.limits("LIMIT_X", "") == {
        "pair": (3, timedelta(hours=1)),
        "address": (500, timedelta(seconds=90)),
        "account": (2, timedelta(days=1)),
    }
    monkeypatch.setenv("LIMIT_X", "off")
    assert env.limits("LIMIT_X", "") == {}


@pytest.mark.parametrize(
    "text", ["", "5/1h", "pair=0/1h", "pair=5/0h", "pair=5", "pair=5/1y", "pair=5/1h off", "pair=-1/h"]
)
def test_a_limit_that_cannot_be_read_stops_the_start(monkeypatch, text):
    monkeypatch.setenv("LIMIT_X", text)

    with pytest.raises(ImproperlyConfigured, match="LIMIT_X must read like `address=1/s`"):
        env.limits("LIMIT_X", "address=1/s")
