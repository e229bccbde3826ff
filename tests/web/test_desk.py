from __future__ import annotations

import re
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.urls import reverse

from core.models import Payment
from engine import perform
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    MembershipFactory,
    OperatorFactory,
    PaymentFactory,
    PaymentMethodFactory,
    StaffFactory,
    SubscriptionFactory,
    UserFactory,
)
from workflows.reporting import review_queue

pytestmark = pytest.mark.django_db

DESK = reverse("desk")
MOST_QUERIES = 12


@pytest.fixture
def approver(client):
    staff = StaffFactory(email="approver@demo.test")
    client.force_login(staff)
    return staff


def reviewer():
    staff = UserFactory(is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename="review_payment"))
    return staff


def claims(count, **fields):
    return [PaymentFactory(reference=f"WIRE {n}", reference_key=f"WIRE{n}", **fields) for n in range(count)]


def address(name, payment):
    return reverse(name, args=[payment.pk])


def verb(payment, name):
    return reverse("desk_decide", args=[payment.pk, name])


def pages_of(payment):
    return [
        DESK,
        reverse("desk_rows"),
        reverse("desk_tally"),
        reverse("desk_search") + "?q=demo",
        reverse("desk_account", args=[payment.account_id]),
        reverse("desk_invoice", args=[payment.invoice_id]),
        reverse("desk_record", args=[payment.invoice_id]),
        address("desk_payment", payment),
        address("desk_payment_state", payment),
        verb(payment, "approve"),
        verb(payment, "reject"),
        verb(payment, "reverse"),
    ]


def test_every_page_opens_for_reviewers(client):
    payment = PaymentFactory()
    client.force_login(reviewer())

    assert {page: client.get(page).status_code for page in pages_of(payment)} == dict.fromkeys(pages_of(payment), 200)


@pytest.mark.parametrize("who", ["nobody", "customer", "operator", "staff"])
def test_payment_page_needs_the_permission(client, who):
    payment = PaymentFactory()
    if who == "customer":
        client.force_login(payment.submitted_by)
    elif who == "operator":
        client.force_login(OperatorFactory())
    elif who == "staff":
        client.force_login(UserFactory(is_staff=True))

    answers = {client.get(page).status_code for page in pages_of(payment)}

    assert answers == ({302} if who == "nobody" else {403})


@pytest.mark.parametrize("name", ["approve", "reject", "reverse"])
def test_reviewer_cannot_decide(client, name):
    payment = PaymentFactory()
    client.force_login(reviewer())

    page = client.get(address("desk_payment", payment)).content.decode()
    answer = client.post(verb(payment, name), {"received": "89.00", "reason_code": "other", "reason_given": "x"})

    assert verb(payment, name) not in page
    assert answer.status_code == 403
    payment.refresh_from_db()
    assert payment.status == "pending_approval"


def test_a_superuser_sees_and_does_not_decide(client):
    payment = PaymentFactory()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))

    assert verb(payment, "approve") not in client.get(address("desk_payment", payment)).content.decode()
    assert client.post(verb(payment, "approve"), {"received": "89.00"}).status_code == 403


def test_nobody_decides_on_what_they_recorded_and_the_page_says_why(client, approver):
    payment = PaymentFactory(submitted_by=approver)

    page = client.get(address("desk_payment", payment)).content.decode()
    answer = client.post(verb(payment, "approve"), {"received": "89.00"})

    assert "You recorded this payment yourself" in page
    assert answer.status_code == 403
    assert "You recorded this payment yourself" in answer.content.decode()


def test_approving_goes_on_to_the_next_claim(client, approver, run_effects):
    first, second = claims(2)

    answer = client.post(
        verb(first, "approve"), {"received": "89.00", "value_date": "2026-11-03", "admin_notes": "on the statement"}
    )

    assert answer.headers["Location"] == address("desk_payment", second)
    said = client.get(answer.headers["Location"]).content.decode()
    assert "Only a reversal takes it back." in said
    run_effects()
    first.refresh_from_db()
    assert (first.status, first.decided_by, first.admin_notes) == ("succeeded", approver, "on the statement")
    assert first.value_date.isoformat() == "2026-11-03"


def test_rejecting_wants_a_reason(client, approver):
    payment = PaymentFactory()

    assert client.post(verb(payment, "reject"), {"reason_code": ""}).status_code == 200
    payment.refresh_from_db()
    assert payment.status == "pending_approval"

    client.post(verb(payment, "reject"), {"reason_code": "not_received", "admin_notes": "Ask your bank."})

    payment.refresh_from_db()
    assert (payment.status, payment.reason_code, payment.admin_notes) == ("failed", "not_received", "Ask your bank.")


def test_a_decision_on_a_stale_page_is_a_clear_409(client, approver):
    payment = PaymentFactory()
    colleague = StaffFactory(email="colleague@demo.test")
    perform(payment.reject, by=colleague, reason_code="other")

    answer = client.post(verb(payment, "approve"), {"received": "89.00"})

    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Cannot approve this payment: it is failed." in page
    assert "colleague@demo.test" in page
    payment.refresh_from_db()
    assert payment.status == "failed"


def test_an_open_page_hears_of_a_colleague_s_decision(client, approver):
    payment = PaymentFactory()
    state = address("desk_payment_state", payment)
    assert client.get(f"{state}?version=1").status_code == 204

    perform(payment.reject, by=StaffFactory(email="colleague@demo.test"), reason_code="other")

    assert "colleague@demo.test" in client.get(f"{state}?version=1").content.decode()


def test_an_open_queue_hears_of_a_colleague_s_decision(client, approver):
    payment, other = claims(2)
    seen = f"{payment.pk.hex},{other.pk.hex}"
    perform(payment.approve, by=StaffFactory(email="colleague@demo.test"))

    rows = client.get(reverse("desk_rows"), {"seen": seen}).content.decode()

    assert "colleague@demo.test" in rows
    assert f'value="{payment.pk}"' not in rows
    assert f'value="{other.pk}"' in rows


def test_an_open_queue_is_sent_again_only_when_it_looks_different(client, approver):
    claims(2)
    page = client.get(DESK).content.decode()
    again = re.search(r'hx-get="([^"]+rows/[^"]+)"', page)[1].replace("&amp;", "&")

    unchanged = client.get(again)
    PaymentFactory(reference="LATER")
    changed = client.get(again)

    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert "LATER" in changed.content.decode()


def test_money_is_split_over_the_open_invoices_of_the_customer(client, approver, run_effects):
    first = InvoiceFactory()
    second = InvoiceFactory(subscription=SubscriptionFactory(account=first.account))
    payment = PaymentFactory(invoice=first, amount=Decimal("178.00"))
    foreign = InvoiceFactory()
    parts = {f"to_{first.pk.hex}": "89.00", f"to_{second.pk.hex}": "50.00", f"to_{foreign.pk.hex}": "1.00"}

    client.post(verb(payment, "approve"), {"received": "178.00", **parts})

    run_effects()
    for invoice in (first, second, foreign):
        invoice.refresh_from_db()
    assert (first.allocated, second.allocated, foreign.allocated) == (89, 89, 0)  # the rest meets what is open
    assert [line.amount for line in payment.allocations.order_by("pk")] == [89, 50, 39]


def test_the_parts_are_not_more_than_what_came(client, approver):
    payment = PaymentFactory()

    answer = client.post(verb(payment, "approve"), {"received": "50.00", f"to_{payment.invoice_id.hex}": "60.00"})

    assert "The parts are more than what was received." in answer.content.decode()
    payment.refresh_from_db()
    assert payment.status == "pending_approval"


def test_a_succeeded_payment_is_reversed_with_a_reason(client, approver, run_effects):
    approver.user_permissions.add(Permission.objects.get(codename="reverse_payment"))
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    run_effects()

    assert client.post(verb(payment, "reverse"), {"reason_given": ""}).status_code == 200
    client.post(verb(payment, "reverse"), {"reason_given": "The bank took it back."})

    payment.refresh_from_db()
    assert (payment.status, payment.reversal_reason) == ("reversed", "The bank took it back.")


def test_notes_are_text_and_a_proof_opens_safely(client, approver):
    payment = PaymentFactory(notes="<script>alert(1)</script>", proof_url="https://files.example.com/x?a=1&b=2")

    page = client.get(address("desk_payment", payment)).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    link = re.search(r'<a href="https://files[^>]*>', page)
    assert 'target="_blank" rel="noopener noreferrer nofollow"' in link[0]
    assert "files.example.com</bdi>" in page


@pytest.mark.parametrize(
    "proof", ["javascript:alert(1)", "https://[x", "http://a.b", "https://a@b.c", "data:text/html,x"]
)
def test_a_proof_that_is_no_plain_address_is_text(client, approver, proof):
    payment = PaymentFactory(proof_url=proof)

    page = client.get(address("desk_payment", payment)).content.decode()

    assert f"<bdi>{proof}</bdi>" in page
    assert 'target="_blank"' not in page


def test_the_queue_shows_the_riskiest_first_and_says_why(client, approver):
    usual = PaymentFactory(reference="A 1", reference_key="A1")
    short = PaymentFactory(reference="B 2", reference_key="B2", amount=Decimal("80.00"))
    twin = PaymentFactory(reference="C 3", reference_key="C3")
    other = PaymentFactory(reference="c-3", reference_key="C3", invoice=InvoiceFactory())

    page = client.get(DESK).content.decode()

    places = [page.find(address("desk_payment", payment)) for payment in (other, short, usual, twin)]
    assert -1 not in places
    assert places == sorted(places)
    assert "Another account used this reference before" in page
    assert "Another account used this reference later" in page
    assert "9.00 less than is due" in page


SIGNS = {
    "This invoice is void: all of it goes to the balance": 5,
    "This reference was rejected before": 3,
    "Demo method": 1,
    "Waits longer than the bank takes": 1,
    "First payment of a new account": 1,
    "Far more than what is usually approved": 2,
    "The invoice is in USD": 3,
}


def test_each_sign_has_its_words(run_effects):
    demo = PaymentMethodFactory(code="demo", is_demo=True)
    rejected = PaymentFactory(reference_key="OLD")
    perform(rejected.reject, by=StaffFactory(), reason_code="other")
    again = PaymentFactory(invoice=rejected.invoice, reference_key="OLD", method=demo)
    closed = PaymentFactory(reference_key="X1")
    perform(closed.invoice.lapse)
    foreign = PaymentFactory(reference_key="X2", currency="EUR")
    high = PaymentFactory(reference_key="X3", amount=Decimal("890.00"))
    for payment in claims(5):
        perform(payment.approve, by=StaffFactory())
    run_effects()
    Payment.objects.filter(pk=high.pk).update(created_at="2020-01-01T00:00Z")

    found = {claim.id: {sign.words: sign.weight for sign in claim.flags} for claim in review_queue.queue()}

    told = found[again.pk] | found[closed.pk] | found[foreign.pk] | found[high.pk]
    assert SIGNS.items() <= told.items()
    assert "First payment of a new account" in found[again.pk]


def test_filters_find_what_they_say(client, approver):
    here = PaymentFactory(reference="HERE 1", reference_key="HERE1")
    there = PaymentFactory(
        reference_key="T2",
        amount=Decimal("10.00"),
        method=PaymentMethodFactory(code="pk_bank", name="IBFT"),
        invoice=InvoiceFactory(subscription=SubscriptionFactory(account=AccountFactory(name="Acme", country="PK"))),
    )
    Payment.objects.filter(pk=there.pk).update(created_at="2020-01-01T00:00Z")

    def found(**filters):
        page = client.get(DESK, filters).content.decode()
        return [payment for payment in (here, there) if address("desk_payment", payment) in page]

    assert found() == [here, there]
    assert found(country="pk") == [there]
    assert found(method="us_bank") == [here]
    assert found(age="7") == [there]
    assert found(most="50") == [there]
    assert found(least="50.00") == [here]
    assert found(q="here 1") == [here]
    assert found(q="acm") == [there]
    assert found(currency="EUR") == []


@pytest.mark.parametrize(
    "query",
    [
        "page=x&seen=,,zz&country=%01",
        "page=-1&age=999999999999&least=NaN&most=1e9",
        "page=99999999999999999999&method=%27;--&currency=%F0%9F%92%A9",
        "q=%ED%A0%80&least=-5",
        "seen=" + "f" * 32 + ",(),," + "0" * 33,
        "q=" + "a" * 5000,
    ],
)
def test_no_filter_breaks_the_queue(client, approver, query):
    payment = PaymentFactory()

    for page in (DESK, reverse("desk_rows"), address("desk_payment", payment), reverse("desk_search")):
        assert client.get(f"{page}?{query}").status_code == 200


HOSTILE = ["", "x", "-1", "NaN", "1e5", "89.001", "0", "1" * 30, "٨٩", "89,00", "\x00", "<b>"]


@pytest.mark.parametrize("value", HOSTILE)
def test_no_amount_or_date_breaks_a_decision(client, approver, value):
    payment = PaymentFactory()

    for data in (
        {"received": value},
        {"received": "89.00", "value_date": value or "x"},
        {"received": "89.00", f"to_{payment.invoice_id.hex}": value or "x"},
    ):
        assert client.post(verb(payment, "approve"), data).status_code in (200, 302, 409)
    assert client.post(verb(payment, "reject"), {"reason_code": value}).status_code in (200, 403, 409)


def test_unknown_things_are_not_found(client, approver):
    payment = PaymentFactory()

    missing = [reverse(name, args=[uuid4()]) for name in ("desk_payment", "desk_account", "desk_invoice")]

    for page in [*missing, verb(payment, "settle"), verb(payment, "withdraw"), f"{DESK}x/"]:
        assert client.get(page).status_code == 404


def test_many_are_decided_with_a_result_for_each(client, approver, run_effects):
    good = claims(3)
    own = PaymentFactory(submitted_by=approver, reference_key="OWN")
    gone = PaymentFactory(reference_key="GONE")
    perform(gone.reject, by=StaffFactory(), reason_code="other")
    chosen = {"verb": "approve", "id": [payment.pk for payment in [*good, own, gone]]}

    asked = client.post(reverse("desk_bulk"), chosen).content.decode()
    assert "Approve 5 claims?" in asked
    assert Payment.objects.filter(status="pending_approval").count() == 4

    done = client.post(reverse("desk_bulk"), {**chosen, "confirmed": "yes"}).content.decode()

    assert "3 approved, 2 left alone" in done
    assert "You may not approve this payment." in done
    assert "it is failed" in done
    run_effects()
    assert Payment.objects.filter(status="succeeded").count() == 3


@pytest.mark.guards("S11", "workflows.actions.decisions.excluded_from_bulk")
def test_claim_above_what_is_open_is_left_out_of_many_and_the_page_says_why(client, approver):
    """S11."""
    (good,) = claims(1)
    above = PaymentFactory(reference_key="ABOVE", amount=Decimal("890.00"))
    chosen = {"verb": "approve", "id": [good.pk, above.pk]}

    asked = client.post(reverse("desk_bulk"), chosen).content.decode()
    client.post(reverse("desk_bulk_part"), chosen)

    assert "Approve 1 claim?" in asked
    assert "890.00 USD is more than the 89.00 that are open" in asked
    assert list(Payment.objects.filter(status="approved")) == [good]


def test_a_piece_of_many_answers_with_its_rows(client, approver):
    payments = claims(2)

    answer = client.post(
        reverse("desk_bulk_part"),
        {"verb": "reject", "reason_code": "not_received", "id": [payment.pk for payment in payments]},
    )

    assert answer.content.decode().count("<tr id=") == 2
    assert Payment.objects.filter(status="failed", reason_code="not_received").count() == 2


def test_all_that_match_are_chosen_as_they_are_now(client, approver):
    claims(30)

    asked = client.post(reverse("desk_bulk"), {"verb": "approve", "all": "yes"}).content.decode()

    assert "Approve 30 claims?" in asked


@pytest.mark.parametrize(
    "data",
    [{}, {"verb": "settle"}, {"verb": "approve", "id": ["x"]}, {"verb": "approve", "id": [str(uuid4())] * 2},
     {"verb": "approve", "id": [str(uuid4()) for _ in range(501)]}, {"verb": "reject", "id": [str(uuid4())]}],
)  # fmt: skip
def test_invalid_bulk_selection_is_no_500(client, approver, data):
    for page in (reverse("desk_bulk"), reverse("desk_bulk_part")):
        assert client.post(page, {**data, "confirmed": "yes"}).status_code in (200, 302, 400)


def test_reviewer_cannot_decide_in_bulk(client):
    payment = PaymentFactory()
    client.force_login(reviewer())

    done = client.post(reverse("desk_bulk"), {"verb": "approve", "confirmed": "yes", "id": [payment.pk]})

    assert "You may not approve this payment." in done.content.decode()
    assert "0 approved, 1 left alone" in done.content.decode()


@pytest.mark.parametrize("count", [1, 20])
def test_a_page_costs_the_same_however_long_the_queue_is(client, approver, django_assert_max_num_queries, count):
    payments = claims(count)

    for page in pages_of(payments[-1]):
        with django_assert_max_num_queries(MOST_QUERIES):
            assert client.get(page).status_code == 200


def test_a_payment_that_staff_saw_is_recorded_from_its_invoice(client, approver):
    invoice = InvoiceFactory()
    PaymentMethodFactory()
    page = reverse("desk_record", args=[invoice.pk])

    assert client.post(page, {"method": "x", "received": "y"}).status_code == 200
    answer = client.post(page, {"method": "us_bank", "received": "89.00", "reference": "STMT 7", "payer_name": "Acme"})

    payment = Payment.objects.get()
    assert answer.headers["Location"] == address("desk_payment", payment)
    assert (payment.submitted_by, payment.reference, payment.payer_name) == (approver, "STMT 7", "Acme")


def test_the_same_reference_is_recorded_once(client, approver):
    payment = PaymentFactory()

    answer = client.post(
        reverse("desk_record", args=[payment.invoice_id]),
        {"method": "us_bank", "received": "89.00", "reference": "wire-42"},
    )

    assert answer.status_code == 409
    assert "being reviewed or has been accepted already" in answer.content.decode()


def test_one_box_finds_people_invoices_and_references(client, approver):
    payment = PaymentFactory(reference="WIRE 42")
    member = MembershipFactory(account=payment.account, user=UserFactory(email="anne@acme.test"))
    account = reverse("desk_account", args=[payment.account_id])

    def found(words):
        return client.get(reverse("desk_search"), {"q": words}).content.decode()

    assert account in found("demo l")
    assert account in found(str(member.user))
    assert reverse("desk_invoice", args=[payment.invoice_id]) in found(payment.invoice.number)
    assert address("desk_payment", payment) in found("wire/42")
    assert "Nothing found" in found("zzz")


def test_staff_land_on_the_page_of_their_duty(client):
    for staff, home in (
        (reviewer(), DESK),
        (OperatorFactory(), reverse("machines")),
        (UserFactory(is_staff=True), reverse("admin:index")),
    ):
        client.force_login(staff)
        assert client.get(reverse("own_home")).headers["Location"] == home


def test_the_queue_is_ranked_by_index():
    payment = claims(3)[0]
    waiting = Payment.objects.awaiting_review()
    with connection.cursor() as cursor:
        # Nor by the key of rows that were written a moment ago and that no statistics know. To sort one row costs
        # nothing: it is done only where no index has the order.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_sort = off")

        plan, *of_references = [
            # Without its joins: of three rows any order of them is as good.
            review_queue.ranked(waiting).explain(),
            review_queue._with_facts(waiting).explain(),
            review_queue.same_reference(payment).explain(),
        ]

    assert "payment_on_the_desk" in plan
    assert "Sort" not in plan
    assert all("payment_by_reference" in plan for plan in of_references)
