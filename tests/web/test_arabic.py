from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from core import problems
from core.models import Industry, Membership, Payment, PaymentMethod, Plan
from core.problems import Problem
from engine import perform
from tests.factories import AccountFactory, InvoiceFactory, MembershipFactory, PaymentFactory, StaffFactory
from workflows.actions.sites import open_site

ROOT = Path(__file__).parents[2]

# What only staff read is in English, as their pages are (docs/translations.md).
OF_STAFF = {
    "api/bank_lines.py",
    "api/credit_notes.py",
    "api/refunds.py",
    "api/statements.py",
    "core/models/bank_account.py",
    "core/models/payment_method.py",
    "core/models/credit_note.py",
    "core/models/refund.py",
    "core/models/seller.py",
    "core/models/tax_rule.py",
    "core/models/statement_line.py",
    "core/security/database_roles.py",
    "web/admin.py",
    "web/billing_admin.py",
    "web/engine_admin.py",
    "web/forms/payload.py",
    "web/mails.py",
    "web/payment_methods.py",
    "web/staff",
    "web/staff_settings",
    "workflows/actions/decisions.py",
    "workflows/actions/duties.py",
    "workflows/actions/payment_methods.py",
    "workflows/actions/personal.py",
    "workflows/actions/plans.py",
    "workflows/actions/seller.py",
    "workflows/actions/trials.py",
    "workflows/bank",
    "workflows/mail/mail_check.py",
    "workflows/security/rights.py",
    "engine",  # what it refuses to customers is said by web/problem_messages.py
    "workflows/management",
    "workflows/actions/credit_notes.py",
    "workflows/refunds",
    "workflows/tax/crediting.py",
    "workflows/seed",
}
SAID_TO_STAFF = {
    "Somebody has this e-mail address already.",  # of a person who is added
    "You may not record payments of this account.",
    "You may not adjust the credits of this account.",
    "The account has  credits.",
    "Nothing would change.",
    " is not a currency of today.",
    "Somebody else signs in with the address of this person now.",
    "Use at most  characters.",  # of a reason why credits are adjusted
    "This address is too long.",  # of a person, in the admin
    "Somebody has this e-mail address already, perhaps spelled in another way.",
    "An account keeps at least one owner: make somebody else one first.",
    "Write each day once.",
    "At most  reminders.",
    "This is nobody of the site's account: invite them first.",
    "You may not void this invoice.",
    "You may not write to this account.",
    "Nothing is asked for by this invoice any more.",
    "The file is too large for a mail. The customer finds it on the page of documents.",
    "The account has no billing address.",
    "You may not make documents of this account.",
    "It is made, and its file stays as it is.",
    "Nobody has named the company yet: Settings, Company.",
    "It is being made.",
    "There is no such reason.",
    "Say why.",
    " are left: a part is less than that.",
    "Write whole numbers of days with commas between them, such as -7, 0, 3.",
    "There are two new prices of this currency and interval.",
    "Somebody of the staff cannot belong to an account: they decide on them.",  # a member, in the admin
    "They belong to an account: who decides must not be of one.",
    "One person alone waits at least as long as two.",
    "You may not change payment methods.",
    "Another change of where this method's money is sent waits already. Withdraw it first.",
    "Somebody else confirms what you asked for.",
    "Name each invoice once.",
    "Name invoices of this account and currency.",
    "The parts are more than what was received.",
    "The address of a service stays.",  # of a user that is no person, in the admin
}

REFUSALS = {name for name, kind in vars(problems).items() if isinstance(kind, type) and issubclass(kind, Problem)}
SAYING = (REFUSALS - {"WrongState"}) | {"add_error"}  # WrongState: as the engine
TRANSLATING = {"_", "gettext", "gettext_lazy", "ngettext"}


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """A request leaves its language active in this thread, which others use too."""
    yield
    translation.deactivate()


def test_no_refusal_that_a_customer_may_read_is_in_english_only():
    found = [f"{path}: {words}" for path in sources() for words in untranslated(ast.parse((ROOT / path).read_text()))]

    assert [line for line in found if line.partition(": ")[2] not in SAID_TO_STAFF] == []


def test_a_refusal_in_english_only_would_be_found():
    bad = """
raise Conflict("Not now.")
raise ValidationError({"plan": [f"No {plan} here."]})
form.add_error("plan", "Not this one.")
messages.info(request, "Done it.")
log.warning("Not for customers.")
raise Conflict(_("Said well.") % {"name": "two words"}, limit=limit)
"""

    assert list(untranslated(ast.parse(bad))) == ["Not now.", "No  here.", "Not this one.", "Done it."]


def sources() -> list[str]:
    files = [path.relative_to(ROOT).as_posix() for room in ("core", "workflows", "web") for path in room_files(room)]
    return [path for path in files if not any(path == mine or path.startswith(f"{mine}/") for mine in OF_STAFF)]


def room_files(room: str) -> list[Path]:
    return sorted(path for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts)


def untranslated(tree: ast.AST) -> Iterator[str]:
    """The sentences that are given to a refusal or a message as they are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name_of(node.func) in SAYING or is_message(node.func)):
            for argument in node.args:
                yield from sentences(argument)


def sentences(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and name_of(node.func) in TRANSLATING:
        return
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):  # what is filled in is no sentence
        yield from sentences(node.left)
        return
    if isinstance(node, ast.JoinedStr):
        words = "".join(part.value for part in node.values if isinstance(part, ast.Constant))
        if " " in words.strip():
            yield words
        return
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and " " in node.value:
            yield node.value
        return
    for child in ast.iter_child_nodes(node):
        yield from sentences(child)


def is_message(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and name_of(node.value) == "messages"


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("kind", Problem.__subclasses__(), ids=lambda kind: kind.slug)
def test_the_title_of_every_problem_is_translated(kind):
    with translation.override("ar"):
        assert re.search(r"[\u0600-\u06ff]", kind.__new__(kind).title)


# What is on the pages

LATIN = re.compile(r"[A-Za-z]*[a-z][A-Za-z]*")  # words: not abbreviations such as IBAN
DATA = re.compile(r"\S+@\S+|T-[0-9a-f]{12}")  # addresses and the numbers of invoices
# Names, and what is written so in Arabic too.
NAMES = {"Countersign", "Example", "Software", "English", "Idempotency", "Key", "application", "json", "token", "https"}
SILENT = {"script", "style", "bdi", "code", "q", "textarea", "option"}  # option: countries and the operator's own words
ATTRIBUTES = ("aria-label", "title", "placeholder", "alt", "value")
EMPTY = {"area", "br", "col", "hr", "img", "input", "link", "meta"}


class CompiledQuery(HTMLParser):
    """The words of a page that are its own: not those in another language, not what somebody typed."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.within: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in EMPTY:
            foreign = tag != "html" and given.get("lang", "ar") != "ar"
            self.within.append(tag in SILENT or foreign or any(self.within[-1:]))
        if any(self.within[-1:]):
            return
        is_data = tag == "input" and given.get("type") not in ("submit", "button")
        names = [name for name in ATTRIBUTES if not (name == "value" and (is_data or tag != "input"))]
        self.words += [str(given[name]) for name in names if given.get(name)]

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY:
            self.within.pop()

    def handle_data(self, data: str) -> None:
        if not any(self.within[-1:]):
            self.words.append(data)


def english_on(answer, known: set[str]) -> list[str]:
    assert answer.status_code in (200, 403, 404, 429), answer.status_code
    page = answer.content.decode()
    assert 'lang="ar"' in page or "<html" not in page
    reader = CompiledQuery()
    reader.feed(page)
    text = [line.strip() for line in reader.words if line.strip()]
    return [line for line in text if set(LATIN.findall(DATA.sub("", line))) - NAMES - known]


@pytest.fixture
def known(shop) -> set[str]:
    """Words of the operator and of the customer."""
    data = [
        *Plan.objects.values_list("name", flat=True),
        *PaymentMethod.objects.values_list("name", flat=True),
        *(price.currency for plan in Plan.objects.all() for price in plan.prices.all()),
        *Industry.objects.values_list("name", flat=True),
        *(line.value for method in PaymentMethod.objects.all() for line in method.payee()),
        "Demo Ltd", "Shop", "king", "xx",
    ]  # fmt: skip
    return {word for words in data for word in LATIN.findall(words)}


@pytest.fixture
def owner(shop) -> Membership:
    """Of an account that has one of everything: an open invoice, payments in review, rejected and withdrawn, a site."""
    membership = MembershipFactory(account=AccountFactory(language="ar"))
    MembershipFactory(account=membership.account, role="viewer")
    invoice = InvoiceFactory(subscription__account=membership.account)
    for verb in ("reject", "withdraw", ""):
        payment = PaymentFactory(invoice=invoice, submitted_by=membership.user, reference_key=verb)
        if verb == "reject":
            perform(payment.reject, by=StaffFactory(), reason_code="amount_short", admin_notes="80")
        elif verb:
            perform(payment.withdraw, by=membership.user)
    open_site(membership.account, name="Shop", industry=Industry.objects.first(), by=membership.user)
    return membership


def arabic(membership: Membership | None = None) -> Client:
    client = Client(headers={"accept-language": "ar"})
    if membership is not None:
        client.force_login(membership.user)
    return client


@pytest.mark.django_db
def test_pages_for_strangers_have_no_english_word(known):
    client = arabic()
    paths = ["/", "/login/", "/signup/", "/signup/?plan=growth&country=AE&currency=AED", "/password/reset/",
             "/password/reset/nonsense/", "/verify/nonsense/", "/problems/", "/nowhere/"]  # fmt: skip

    found = {path: english_on(client.get(path), known) for path in paths}
    found["forms"] = [
        line
        for path in ("/login/", "/signup/", "/password/reset/", "/password/reset/nonsense/", "/verify/nonsense/")
        for line in english_on(client.post(path, {"plan": "starter", "password": "demo-demo-demo"}), known)
    ]

    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.django_db
def test_pages_of_an_account_have_no_english_word(known, owner):
    client = arabic(owner)
    invoice, site = owner.account.invoices.first(), owner.account.sites.get()
    names = ["dashboard", "invoices", "payments", "credits", "balance", "plan", "members", "sites", "billing",
             "security", "banner"]  # fmt: skip
    paths = [
        *map(reverse, names),
        *(reverse(name, args=[invoice.pk]) for name in ("invoice", "document", "claim")),
        *(reverse("payment", args=[payment.pk]) for payment in Payment.objects.all()),
        reverse("site", args=[site.pk]),
    ]

    found = {path: english_on(client.get(path), known) for path in paths}

    assert {path: lines for path, lines in found.items() if lines} == {}


NOTHING: dict[str, str] = {}
WRONG = {"amount": "x", "paid_on": "2999-01-01", "proof_url": "http://a", "email": "a", "role": "king", "name": "a\tb",
         "country": "US", "postal_code": "x", "tax_id": "x", "billing_email": "x", "old_password": "x" * 10,
         "new_password": "123", "method": "us_bank", "description": "x" * 300, "language": "xx",
         "industry": "X"}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("data", [NOTHING, WRONG], ids=["nothing", "wrong"])
def test_forms_that_cannot_be_accepted_say_so_in_arabic(known, owner, data):
    client = arabic(owner)
    invoice, site = owner.account.invoices.first(), owner.account.sites.get()
    forms = {
        reverse("claim", args=[invoice.pk]): data,
        reverse("billing"): data or {"x": "y"},
        reverse("members"): data or {"x": "y"},
        reverse("sites"): data or {"x": "y"},
        reverse("security"): data or {"x": "y"},
    } | {f"{reverse('site', args=[site.pk])}?{verb}": {**data, "do": verb} for verb in ("use", "access", "change")}

    found = {path: english_on(client.post(path, form), known) for path, form in forms.items()}

    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.django_db
def test_refusals_of_rules_are_in_arabic(known, owner):
    client = arabic(owner)
    account = owner.account
    payment = Payment.objects.get(status="failed")
    other = account.memberships.get(role="viewer")
    closed = InvoiceFactory(subscription__account=account)
    perform(closed.lapse)
    site = account.sites.get()

    answers = {
        "withdraw": client.post(reverse("withdraw", args=[payment.pk]), follow=True),
        "no plan": client.post(reverse("change_plan"), {"plan": "nope"}, follow=True),
        "in review": client.post(reverse("change_plan"), {"plan": "growth"}, follow=True),
        "no such role": client.post(reverse("member", args=[other.pk]), {"role": "king"}, follow=True),
        "last owner": client.post(reverse("member", args=[owner.pk]), {"role": "viewer"}, follow=True),
        "an address that is taken": client.post(reverse("members"), {"email": other.user.email, "role": "member"}),
        "the name again": client.post(reverse("sites"), {"name": "Shop", "industry": site.industry_id}),
        "a closed invoice": client.post(
            reverse("claim", args=[closed.pk]),
            {"method": "us_bank", "amount": "1", "reference": "1", "paid_on": "2026-01-01"},
        ),
        "credits": client.post(
            reverse("site", args=[site.pk]), {"do": "use", "amount": "10", "token": "a" * 32, "description": "x"}
        ),
        "not for viewers": arabic(other).get(reverse("claim", args=[closed.pk])),
        "no viewer opens": arabic(other).post(reverse("sites"), {"name": "2", "industry": site.industry_id}),
        "no account": arabic_stranger(),
    }

    assert {name: lines for name, answer in answers.items() if (lines := english_on(answer, known))} == {}
    for name, answer in answers.items():
        assert re.search('class="message|role="alert"|errorlist|<h1>', answer.content.decode()), name


def arabic_stranger():
    gone = MembershipFactory(role="viewer")
    client = arabic(gone)
    gone.delete()
    return client.get(reverse("dashboard"))
