from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import psycopg
import pytest
from playwright.sync_api import expect

from tests.application import reviewers_have_heard_of_nothing
from tests.browser import pages
from tests.browser.accessibility import check_everywhere, check_mirrored
from tests.stories.api_client import BILLING, eventually

APPROVER, REVIEWER, OPERATOR = "approver@demo.test", "reviewer@demo.test", "operator@demo.test"
numbers = count(1)


@pytest.fixture
def claim(api):
    """`claim("Acme")`: a customer of that name who says they have paid; the API's row of the payment."""

    def make(name, **fields):
        n = next(numbers)
        person, signed = api.signed_up(
            f"desk{n}@acme.test", account_name=name, plan="starter", payment_method="us_bank", **BILLING
        )
        body = {"invoice_id": signed["invoice"]["id"], "payment_method": "us_bank", "amount": "89.00",
                "manual_reference": f"TRACE {n:09}", **fields}  # fmt: skip
        answer = person.post("billing/admin/payments/confirm/", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make


@pytest.fixture
def empty_queue(api):
    """Nothing waits when the test begins."""
    staff = api.signed_in(APPROVER)
    while rows := staff.get("billing/admin/payments/?status=pending_approval&page_size=100").json()["results"]:
        staff.post("billing/admin/payments/bulk-reject/", {"ids": [row["id"] for row in rows], "reason_code": "other"})


@pytest.fixture
def dead_effect(application, api, claim):
    """An effect that was given up."""
    reviewers_have_heard_of_nothing(application)
    payment = claim("Dead Letter Ltd")
    with psycopg.connect(application.database_url, autocommit=True) as database:
        find = "SELECT id, state FROM engine_effect WHERE kind = 'mail.payment_submitted' AND object_id = %s"
        eventually(lambda: (database.execute(find, [payment["id"]]).fetchone() or (None, None))[1] == "done")
        database.execute(
            "UPDATE engine_effect SET state = 'dead', done_at = NULL, attempts = 12, last_error = 'OSError: refused' "
            "WHERE kind = 'mail.payment_submitted' AND object_id = %s",
            [payment["id"]],
        )
        return str(database.execute(find, [payment["id"]]).fetchone()[0])


def test_the_desk_works_by_keyboard_alone(page_as, api, claim, empty_queue):
    first, second = claim("Alpha Works"), claim("Beta Works")
    page = page_as(APPROVER)
    expect(page.get_by_role("link", name="Alpha Works")).to_be_visible()

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("approve")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/desk/{first['id']}/")
    page.keyboard.press("j")
    page.wait_for_url(f"**/desk/{second['id']}/")
    page.keyboard.press("k")
    page.wait_for_url(f"**/desk/{first['id']}/")
    page.keyboard.press("a")
    expect(page.get_by_label("Amount received, USD")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("88.50")
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/desk/{second['id']}/")
    expect(page.get_by_role("status").first).to_contain_text("Approved 88.50 USD of Alpha Works. Only a reversal")
    page.keyboard.press("r")
    expect(page.get_by_label("Reason, as the customer reads it")).to_be_focused()
    page.keyboard.type("Amount")
    page.keyboard.press("Tab")
    page.keyboard.type("Only 80 came.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Has a part of it arrived?")).to_be_visible()
    page.get_by_role("button", name="Reject").click()
    page.wait_for_url("**/desk/")

    staff = api.signed_in(APPROVER)

    def row(payment):
        return staff.get(f"billing/payments/{payment['id']}/").json()

    eventually(lambda: row(first)["status"] == "succeeded")
    assert row(first)["amount_received"] == "88.50"
    assert (row(second)["status"], row(second)["reason_code"]) == ("failed", "amount_short")


def test_consequences_are_shown_before_the_decision(page_as, claim, empty_queue):
    payment, other = claim("Preview Works"), claim("Further Works")
    page = page_as(APPROVER)
    page.goto(f"/desk/{payment['id']}/")

    page.keyboard.press("a")
    told = page.get_by_role("dialog").get_by_role("status")
    expect(told).to_contain_text("What follows: 1 invoice paid, subscription active until ")
    page.keyboard.type("50.00")
    page.keyboard.press("Tab")
    expect(told).to_contain_text("What follows: 1 invoice paid in part, ")
    page.keyboard.press("Escape")

    page.goto(f"/desk/{other['id']}/approve/")
    expect(page.get_by_role("status").filter(has_text="What follows: 1 invoice paid")).to_be_visible()
    page.goto("/desk/")
    page.get_by_label("All shown").check()
    page.get_by_role("button", name="Approve chosen").click()
    expect(page.get_by_text("What follows: 2 payments settled, 2 invoices paid")).to_be_visible()


def test_colleague_s_decision_shows_at_once(page_as, api, claim, empty_queue):
    one, other = claim("Gamma Works"), claim("Delta Works")
    queue, open_page = page_as(REVIEWER), page_as(APPROVER)
    open_page.goto(f"/desk/{one['id']}/")
    expect(queue.get_by_role("link", name="Gamma Works")).to_be_visible()

    api.signed_in(APPROVER).post(f"billing/admin/payments/{one['id']}/reject/", {"reason_code": "other"})

    expect(queue.locator(".meanwhile")).to_contain_text("by approver@demo.test")
    expect(queue.locator("tbody")).not_to_contain_text("Gamma Works")
    expect(open_page.locator("#state")).to_contain_text("decided by approver@demo.test")
    expect(open_page.locator(".verbs")).to_have_count(0)
    assert queue.get_by_role("link", name="Delta Works").is_visible(), other


def test_an_open_queue_asks_every_three_seconds_and_not_more_often(page_as, claim, empty_queue):
    claim("Patient Works")
    page = page_as(REVIEWER, once=True)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/desk/rows/" in request.url else None)
    page.clock.install(time=0)
    page.clock.pause_at(1_000)  # from here on no time passes but what the test lets pass
    page.goto("/desk/")

    for times in range(3):  # from the second on by what an answer has put in the place of what asked
        page.clock.run_for(1_800)
        assert len(asked) == times
        claim(f"Patient Works {times}")
        with page.expect_response("**/desk/rows/**"):
            page.clock.run_for(1_900)
        page.clock.run_for(100)
        expect(page.get_by_role("link", name=f"Patient Works {times}")).to_be_visible()


def test_a_decision_on_a_stale_page_says_who_was_faster(page_as, api, claim, empty_queue):
    payment = claim("Epsilon Works")
    page = page_as(APPROVER, scripts=False)
    page.watch.allow(409)
    page.goto(f"/desk/{payment['id']}/approve/")
    api.signed_in(APPROVER).post(f"billing/admin/payments/{payment['id']}/reject/", {"reason_code": "other"})

    page.locator("main form button").click()

    expect(page.get_by_role("alert")).to_contain_text("Cannot approve this payment: it is failed.")
    expect(page.get_by_role("link", name="Back to the queue")).to_be_visible()


def test_fifty_are_approved_with_a_result_for_each(page_as, api, claim, empty_queue):
    with ThreadPoolExecutor(4) as customers:
        payments = list(customers.map(claim, [f"Bulk {n:02}" for n in range(50)]))
    page = page_as(APPROVER)
    page.get_by_label("All 50 that match").check()
    page.get_by_role("button", name="Approve chosen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Approve 50 claims?")
    api.signed_in(APPROVER).post(f"billing/admin/payments/{payments[7]['id']}/reject/", {"reason_code": "other"})

    page.get_by_role("button", name="Approve all 50").click()

    expect(page.locator("[data-count]")).to_have_text("49 approved, 1 left alone", timeout=30_000)
    assert page.locator("progress").evaluate("bar => bar.value") == 50
    expect(page.locator("tbody tr")).to_have_count(50)
    expect(page.locator("tbody tr .badge")).to_have_count(49)
    expect(page.locator("tr.left")).to_contain_text("it is failed")
    expect(page.locator(".nav-count")).to_have_text("0", timeout=3_000)  # at once, and not when it asks next


def test_without_scripts_many_are_decided_too(page_as, claim, empty_queue):
    claim("Zeta Works")
    claim("Eta Works")
    page = page_as(APPROVER, scripts=False)
    for box in page.locator("[name=id]").all():
        box.check()

    page.get_by_role("button", name="Reject chosen").click()
    page.get_by_label("Reason").select_option("not_received")
    page.get_by_role("button", name="Reject all 2").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("2 rejected")


@pytest.mark.parametrize("scripts", [True, False])
def test_one_is_approved_with_and_without_scripts(page_as, api, claim, empty_queue, scripts):
    payment = claim("Theta Works")
    page = page_as(APPROVER, scripts=scripts)
    page.get_by_role("link", name="Theta Works").click()

    page.locator("main").get_by_role("link", name="Approve").click()
    page.get_by_role("button", name="Approve").click()

    page.wait_for_url("**/desk/")
    staff = api.signed_in(APPROVER)
    eventually(lambda: staff.get(f"billing/payments/{payment['id']}/").json()["status"] == "succeeded")


def test_a_choice_outlives_the_renewal_of_the_list(page_as, claim, empty_queue):
    claim("Iota Works")
    page = page_as(APPROVER)
    page.keyboard.press("j")
    page.keyboard.press("x")

    claim("Kappa Works")
    expect(page.get_by_role("link", name="Kappa Works")).to_be_visible()

    expect(page.get_by_label("Choose Iota Works")).to_be_checked()
    expect(page.get_by_role("link", name="Iota Works")).to_be_focused()


def test_a_dead_effect_is_tried_again_from_the_workflow_room(page_as, dead_effect, api):
    page = page_as(OPERATOR)
    page.get_by_role("link", name="Effects").click()
    page.get_by_role("link", name="Dead").click()
    page.locator(f"a[href*='{dead_effect}']").click()
    page.wait_for_url(f"**{dead_effect}**")  # with its scripts: until then the link leads to a page of its own
    expect(page.get_by_text("OSError: refused")).to_be_visible()

    page.get_by_role("link", name="Try again").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("The server is back.")
    dialog.get_by_role("button", name="Try again").click()

    expect(page.get_by_text("It will be tried again.")).to_be_visible()

    def is_done():
        page.reload()
        return page.locator("h1 .badge").inner_text() == "done"

    eventually(is_done)
    expect(page.locator(".timeline")).to_contain_text("The server is back.")


def test_state_diagrams_refresh_their_counts_while_open(page_as, claim, empty_queue):
    page = page_as(OPERATOR, once=True)
    page.clock.install()
    page.goto("/desk/workflows/")
    page.get_by_role("link", name="Pending approval: 0").focus()
    page.evaluate("window.isTheSamePage = true")
    claim("Sigma Works")

    with page.expect_response("**/desk/workflows/"):
        page.clock.run_for(11_000)
    page.clock.run_for(100)

    expect(page.get_by_role("link", name="Pending approval: 1")).to_be_focused()
    assert page.evaluate("window.isTheSamePage")


def test_staff_pages_are_accessible(page_as, api, claim, dead_effect):
    payment = claim("Lambda Works", manual_notes="Sent this morning.", proof_url="https://files.example.com/1.pdf")
    keys = {"payment": payment["id"], "account": payment["account_id"], "invoice": payment["invoice_id"]}
    papers = f"billing/admin/documents/?account={payment['account_id']}"
    keys["document"] = eventually(lambda: api.signed_in(APPROVER).get(papers).json()["results"])[0]["id"]
    found = []
    page = page_as(APPROVER, at="/desk/")
    for path in pages.APPROVER:
        page.goto(path.format(**keys))
        found += check_everywhere(page) + check_mirrored(page)
    page.goto("/desk/")
    page.locator(f"[name=id][value='{payment['id']}']").check()
    page.get_by_role("button", name="Reject chosen").click()
    page.get_by_label("Reason").select_option("not_received")
    found += check_everywhere(page) + check_mirrored(page)
    page.get_by_role("button", name="Reject all 1").click()
    page.get_by_role("link", name="Back to the queue").wait_for()
    found += check_everywhere(page)
    page = page_as(OPERATOR, at="/desk/workflows/")
    for path in pages.OPERATOR:
        page.goto(path.format(**keys, effect=dead_effect))
        found += check_everywhere(page) + check_mirrored(page)
    page.goto("/desk/effects/?state=dead")
    page.get_by_role("button", name="Try all of these again").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("again?")
    found += check_everywhere(page) + check_mirrored(page)

    assert found == []
