from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import RequestFactory
from django.urls import reverse

from core.models import Account, CrowdedTrial, Plan, RateLimitBucket, User
from core.problems import Conflict, NotFound, PermissionDenied, TooManyRequests, ValidationError
from core.security import rate_limits
from core.validation.mailboxes import OTHERS, RULES, is_large, is_reserved, mailbox_of
from tests.api.conftest import Caller, is_problem
from tests.factories import PaymentFactory, PlanFactory, StaffFactory, UserFactory
from tests.web.conftest import signed_in
from workflows.actions import sign_up
from workflows.actions.personal import erase_person
from workflows.actions.trials import close_cluster, clusters, mark_seen

pytestmark = pytest.mark.django_db

PASSWORD = "a fairly long one"
DAY = timedelta(days=1)


@pytest.fixture
def free() -> Plan:
    return PlanFactory(code="free", name="Free", price=0, trial_days=14)


@pytest.fixture
def few(settings):
    settings.LIMITS = {
        **settings.LIMITS,
        "trial": {"address": (3, DAY), "domain": (2, DAY)},
        "trial_most": {"address": (6, DAY), "domain": (5, DAY)},
    }


@pytest.fixture
def manager() -> User:
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="manage_accounts"))
    return user


def signs_up(email, plan=None, crowds=()):
    plan = plan or Plan.objects.get(code="free")
    return sign_up(
        email=email,
        password=PASSWORD,
        account_name="Mine",
        plan=plan.code,
        currency="USD",
        billing={"billing_email": "b@acme.test", "address_line1": "1 High Street", "city": "X", "country": "US"},
        admit=lambda **_: crowds,
    )


def registers(email, address="192.0.2.1", plan="free"):
    body = {"email": email, "password": PASSWORD, "account_name": "Mine", "plan": plan}
    if plan != "free":
        body |= {"billing_email": "b@acme.test", "address_line1": "1 High Street", "city": "X", "country": "US"}
    return Caller().client.post("/api/v1/auth/register/", body, format="json", REMOTE_ADDR=address)


@pytest.mark.parametrize(
    ("typed", "mailbox"),
    [
        ("A.n.n+shop@Gmail.com", "ann@gmail.com"),
        ("ann@googlemail.com", "ann@gmail.com"),
        ("ann+1@outlook.com", "ann@outlook.com"),
        ("a.nn@outlook.com", "a.nn@outlook.com"),
        ("a_n-n.+x@pm.me", "ann@proton.me"),
        ("ann+1@me.com", "ann@icloud.com"),
        ("ann+1@example.com", "ann+1@example.com"),
        ("a.nn+1@acme.de", "a.nn+1@acme.de"),
        ("+x@gmail.com", "+x@gmail.com"),
        ("ann-1@yahoo.com", "ann-1@yahoo.com"),
    ],
)
def test_mailbox_is_the_same_where_its_host_says_so(typed, mailbox):
    assert mailbox_of(typed) == mailbox


def test_hosts_are_told_apart():
    assert is_large("gmail.com")
    assert is_large("web.de")
    assert not is_large("gmail.com.evil.de")
    assert is_reserved("example.com")
    assert is_reserved("acme.test")
    assert not is_reserved("example.de")
    assert not set(RULES) & OTHERS


@pytest.mark.guards("S13", "workflows.actions.trials.take_trial")
@pytest.mark.parametrize("again", ["ann+2@gmail.com", "a.n.n@gmail.com", "ann@googlemail.com"])
def test_one_mailbox_has_one_trial(free, again):
    """S13: `name+n@` signed up thirty times."""
    signs_up("ann+1@gmail.com")

    with pytest.raises(Conflict, match="had a free trial"):
        signs_up(again)

    assert Account.objects.count() == 1
    assert signs_up(again, plan=PlanFactory()).account.status == "pending_payment"


def test_tags_of_other_hosts_are_other_people(free):
    for n in range(40):
        assert signs_up(f"name+{n}@example.com").account.credits == free.credits


def test_mailbox_has_another_trial_after_a_year(free, clock):
    signs_up("ann+1@gmail.com")
    clock.advance(days=364)
    with pytest.raises(Conflict):
        signs_up("ann+2@gmail.com")

    clock.advance(days=2)

    assert signs_up("ann+2@gmail.com").account.status == "trial"


def test_trial_is_remembered_by_a_digest_also_under_the_next_key(free, settings):
    signs_up("ann+1@gmail.com")
    assert not RateLimitBucket.objects.filter(key__contains="ann").exists()
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key " * 4

    with pytest.raises(Conflict):
        signs_up("ann+2@gmail.com")


def test_sign_up_that_failed_was_no_trial(free):
    with pytest.raises(ValidationError):
        sign_up(
            email="ann@gmail.com",
            password=PASSWORD,
            account_name="Mine",
            plan=free.code,
            currency="USD",
            billing={"country": "ZZ"},
        )

    assert signs_up("ann@gmail.com")


def test_erased_person_leaves_no_trial_behind(free):
    signed = signs_up("ann@gmail.com")
    eraser = UserFactory(is_staff=True)
    eraser.user_permissions.set(Permission.objects.filter(codename__in=["erase_person", "manage_accounts"]))

    erase_person(signed.user, by=eraser, reason="asked")

    assert not RateLimitBucket.objects.filter(key__startswith="trial:").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.guards("S13", "workflows.actions.trials.take_trial")
def test_of_many_spellings_at_once_one_gets_the_trial():
    """S13"""
    PlanFactory(code="free", name="Free", price=0, trial_days=14)

    def sign(n):
        try:
            return signs_up(f"ann+{n}@gmail.com")
        except Conflict:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        won = [outcome for outcome in pool.map(sign, range(6)) if outcome]

    assert len(won) == 1
    assert Account.objects.count() == 1


@pytest.mark.guards("S13", "core.security.rate_limits.count_trial")
def test_many_trials_from_one_network_work_and_are_put_on_the_list(free, few):
    """S13: 30 sign-ups from one network were seen by nobody."""
    answers = [registers(f"p{n}@example.com") for n in range(6)]

    assert [answer.status_code for answer in answers] == [201] * 6
    assert {answer.json()["account"]["status"] for answer in answers} == {"trial"}
    assert {answer.json()["account"]["credits"] for answer in answers} == {free.credits}
    (cluster,) = clusters()
    assert (cluster.reason, cluster.count) == ("network", 3)
    assert [str(account.pk) for account in cluster.accounts] == [
        answer.json()["account"]["id"] for answer in answers[3:]
    ]
    assert "192.0.2.1" not in cluster.key


@pytest.mark.guards("S13", "core.security.rate_limits.count_trial")
def test_past_the_second_limit_a_trial_is_429_and_a_paid_plan_is_not(free, few):
    """S13"""
    PlanFactory()
    for n in range(6):
        registers(f"p{n}@example.com")

    refused = registers("p7@example.com")

    assert is_problem(refused, 429, "too-many-requests")
    assert int(refused["Retry-After"]) > 3600
    assert not User.objects.filter(email="p7@example.com").exists()
    assert registers("p7@example.com", plan="starter").status_code == 201
    assert registers("p8@example.com", address="198.51.100.7").status_code == 201


@pytest.mark.guards("S13", "core.security.rate_limits.count_trial")
def test_many_trials_at_one_mail_domain_are_put_on_the_list_then_refused(free, few):
    """S13"""
    answers = [registers(f"p{n}@catch-all.de", address=f"192.0.2.{n}") for n in range(6)]

    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    (cluster,) = clusters()
    assert (cluster.reason, cluster.key, cluster.count, cluster.words) == (
        "domain",
        "catch-all.de",
        3,
        "At catch-all.de",
    )


@pytest.mark.parametrize("host", ["example.com", "acme.test", "gmail.com", "web.de"])
def test_trials_at_large_and_reserved_hosts_are_not_counted_by_the_host(free, few, host):
    answers = [registers(f"person{n}@{host}", address=f"192.0.2.{n}") for n in range(8)]

    assert {answer.status_code for answer in answers} == {201}
    assert not CrowdedTrial.objects.exists()


@pytest.mark.parametrize(
    ("debug", "address", "counted"),
    [(True, "127.0.0.1", False), (True, "::1", False), (False, "127.0.0.1", True), (True, "192.0.2.1", True)],
)
def test_a_demo_on_one_machine_has_no_limit_of_trials(settings, few, debug, address, counted):
    settings.DEBUG = debug
    request = RequestFactory().get("/", REMOTE_ADDR=address)

    if counted:
        with pytest.raises(TooManyRequests):
            [rate_limits.count_trial(request, f"p{n}@acme.test") for n in range(10)]
    else:
        assert not any(rate_limits.count_trial(request, f"p{n}@acme.test") for n in range(10))


def test_sign_up_page_counts_trials_too(client, free, few):
    def typed(n):
        return {"plan": "free", "email": f"p{n}@example.com", "password": PASSWORD, "account_name": "New"}

    answers = []
    for n in range(7):
        client.logout()
        answers.append(client.post(reverse("sign_up"), typed(n), REMOTE_ADDR="192.0.2.1"))

    assert [answer.status_code for answer in answers] == [302] * 6 + [429]
    assert CrowdedTrial.objects.count() == 3


@pytest.fixture
def cluster(free):
    """Three trials at one domain, of which one has paid."""
    crowd = [rate_limits.Crowd("domain", "catch-all.de")]
    idle = [signs_up(f"p{n}@catch-all.de", crowds=crowd).account for n in range(2)]
    paid = PaymentFactory().account
    CrowdedTrial.objects.create(account=paid, reason="domain", key="catch-all.de")
    return [*idle, paid]


def test_cluster_that_was_seen_is_gone_and_a_new_one_comes_again(cluster, manager):
    assert mark_seen("domain", "catch-all.de", by=manager) == 3

    assert clusters() == []
    assert {row.seen_by for row in CrowdedTrial.objects.all()} == {manager}
    with pytest.raises(NotFound):
        mark_seen("domain", "catch-all.de", by=manager)
    signs_up("p9@catch-all.de", crowds=[rate_limits.Crowd("domain", "catch-all.de")])
    assert [found.count for found in clusters()] == [1]


def test_idle_trials_of_a_cluster_are_closed_and_others_left(cluster, manager):
    with pytest.raises(ValidationError):
        close_cluster("domain", "catch-all.de", by=manager, why=" ")
    assert clusters()[0].count == 3

    assert close_cluster("domain", "catch-all.de", by=manager, why="one person") == (2, 1)

    assert [Account.objects.get(pk=account.pk).status for account in cluster] == [
        "closed",
        "closed",
        "pending_payment",
    ]
    assert clusters() == []


def test_only_who_manages_accounts_decides_on_clusters(cluster):
    for somebody in (StaffFactory(), UserFactory(is_staff=True, is_superuser=True)):
        with pytest.raises(PermissionDenied):
            mark_seen("domain", "catch-all.de", by=somebody)
        with pytest.raises(PermissionDenied):
            close_cluster("domain", "catch-all.de", by=somebody, why="one person")
    assert clusters()[0].count == 3


def test_desk_shows_clusters_and_moves_them(cluster, manager):
    client = signed_in(manager)
    page = client.get(reverse("clusters")).content.decode()
    assert "At catch-all.de" in page
    one = reverse("cluster", args=["domain", "catch-all.de"])
    assert "Mine" in client.get(one).content.decode()
    assert "Say why." in client.post(one, {"verb": "close", "reason": ""}).content.decode()

    answer = client.post(one, {"verb": "close", "reason": "one person"}, follow=True)

    assert "2 closed. 1 left" in answer.content.decode()
    assert "No cluster waits." in answer.content.decode()
    assert client.post(one, {"verb": "seen"}).status_code == 404
    assert client.get(reverse("cluster", args=["network", "x"])).status_code == 404


def test_desk_marks_a_cluster_as_seen(cluster, manager):
    answer = signed_in(manager).post(reverse("cluster", args=["domain", "catch-all.de"]), {"verb": "seen"}, follow=True)

    assert "3 marked as seen." in answer.content.decode()


def test_page_of_clusters_is_for_who_manages_accounts(client, cluster):
    for path in (reverse("clusters"), reverse("cluster", args=["domain", "catch-all.de"])):
        assert signed_in(StaffFactory()).get(path).status_code == 403
        root = signed_in(UserFactory(is_staff=True, is_superuser=True))
        assert root.get(path).status_code == 200
        assert client.get(path).status_code == 302
    assert root.post(path, {"verb": "seen"}).status_code == 403
