from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from core.models import Account, BankAccount, Invoice, Payment, PaymentMethod, PlanPrice, Refund
from core.models.credit_note import LONGEST_REASON
from core.models.payment import PlannedAllocation
from core.money import money_text
from web.forms.base import PageForm
from web.forms.fields import Amount, Choice, Day, Line, Lines
from web.status_labels import canned_reasons
from workflows.tax.crediting import LineLeft


class ApproveForm(PageForm):
    """Nothing is filled in that the reviewer is to look up on a statement. No amount: as claimed."""

    received = Amount(required=False, label="Amount received")
    value_date = Day(required=False, label="Value date")
    admin_notes = Lines(required=False, max_length=2000, label="Note for staff")
    is_short = forms.BooleanField(required=False, widget=forms.HiddenInput)  # less than claimed

    def __init__(
        self,
        data: Any = None,
        *,
        payment: Payment,
        invoices: list[Invoice] | None = None,
        is_short: bool = False,
        admin_notes: str = "",
    ) -> None:
        self.payment = payment
        first = {"is_short": is_short, "admin_notes": admin_notes}
        super().__init__(data, initial=first, auto_id="approve_%s")
        if not is_short:
            claimed = money_text(payment.amount, payment.currency)
            self.fields["received"].help_text = f"As the statement has it. Empty: as claimed, {claimed}."
        self.fields["received"].currency = payment.currency  # type: ignore[attr-defined]
        self.fields["received"].confirms = True  # type: ignore[attr-defined]
        self.fields["received"].label = f"Amount received, {payment.currency}"
        self.fields["received"].widget.attrs["autofocus"] = True
        self.rows: dict[str, Invoice] = {}
        for invoice in invoices or []:
            name = f"to_{invoice.pk.hex}"
            self.rows[name] = invoice
            field = Amount(
                required=False, label=f"To {invoice}, {money_text(invoice.outstanding, invoice.currency)} open"
            )
            field.currency = payment.currency
            field.confirms = True
            self.fields[name] = field

    @property
    def money_fields(self) -> list[Any]:
        return [self[name] for name in self.fields if name not in self.rows]

    @property
    def row_fields(self) -> list[Any]:
        return [self[name] for name in self.rows]

    @property
    def has_split(self) -> bool:
        return any(self[name].value() for name in self.rows)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("received") and "received" not in self.errors:
            if data.get("is_short"):
                self.add_error("received", "Say how much has arrived.")
            else:
                data["received"] = self.payment.amount
        return data

    @property
    def inputs(self) -> dict[str, Any]:
        data = self.cleaned_data
        parts = [PlannedAllocation(invoice.pk, data[name]) for name, invoice in self.rows.items() if data.get(name)]
        return {
            "received": data["received"],
            "value_date": data["value_date"],
            "admin_notes": data["admin_notes"],
            "allocations": parts,
        }


class RejectForm(PageForm):
    reason_code = Choice(
        label="Reason, as the customer reads it",
        choices=lambda: [("", "Choose a reason"), *canned_reasons()],
        css="full",
    )
    admin_notes = Lines(required=False, max_length=2000, label="Note for the customer")
    all_the_same = forms.BooleanField(required=False, widget=forms.HiddenInput)  # reject although a part arrived

    def __init__(
        self, data: Any = None, *, payment: Payment | None = None, initial: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=initial, auto_id="reject_%s")
        self.fields["reason_code"].widget.attrs["autofocus"] = True

    @property
    def is_short(self) -> bool:
        """Approving may be better, because some money arrived."""
        return self.cleaned_data["reason_code"] == Payment.Reason.AMOUNT_SHORT and not self.cleaned_data["all_the_same"]

    @property
    def inputs(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("reason_code", "admin_notes")}


class BulkRejectForm(RejectForm):
    """Without "less arrived": those are decided one by one, for what came can be approved."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        reason: Any = self.fields["reason_code"]
        reason.choices = [row for row in reason.choices if row[0] != Payment.Reason.AMOUNT_SHORT]


class ReverseForm(PageForm):
    reason_given = Line(label="Why it went back", max_length=500, css="full")
    amount = Amount(required=False)

    def __init__(self, data: Any = None, *, payment: Payment) -> None:
        super().__init__(data, auto_id="reverse_%s")
        self.fields["reason_given"].widget.attrs["autofocus"] = True
        self.fields["amount"].currency = payment.currency  # type: ignore[attr-defined]
        self.fields["amount"].label = f"How much went back, {payment.currency}"
        left = money_text(payment.kept, payment.currency)
        self.fields["amount"].help_text = f"Empty: all that is left of it, {left}."

    @property
    def inputs(self) -> dict[str, Any]:
        return self.cleaned_data


class ReturnForm(PageForm):
    """What a bank line took back of a payment; no amount: all that is left of it."""

    amount = Amount(required=False)

    def __init__(self, data: Any = None, *, currency: str, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["amount"].currency = currency  # type: ignore[attr-defined]


class BulkApproveForm(PageForm):
    """Claims that arrived in full on one day's statement."""

    value_date = Day(required=False, label="Value date of all of them")
    admin_notes = Lines(required=False, max_length=2000, label="Note for staff")

    @property
    def inputs(self) -> dict[str, Any]:
        return self.cleaned_data


class RecordForm(PageForm):
    """No field is filled in: staff copy a bank statement."""

    method = Choice(label="How it came")
    received = Amount(label="Amount")
    reference = Line(max_length=140, label="Reference on the statement")
    paid_on = Day(required=False, label="Paid on")
    payer_name = Line(required=False, max_length=140, label="Payer")
    notes = Lines(required=False, max_length=2000, label="Notes")

    def __init__(self, data: Any = None, *, invoice: Invoice, methods: list[PaymentMethod]) -> None:
        self.methods = {method.code: method for method in methods}
        super().__init__(data)
        self.fields["method"].choices = [("", "Choose"), *((code, row.name) for code, row in self.methods.items())]  # type: ignore[attr-defined]
        self.fields["received"].currency = invoice.currency  # type: ignore[attr-defined]
        self.fields["received"].label = f"Amount, {invoice.currency}"


class ReasonForm(PageForm):
    reason = Line(label="Reason, kept in the history", max_length=500, css="full")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].widget.attrs["autofocus"] = True


class EndRefundForm(PageForm):
    ended_because = Line(label="Reason, kept in the history", max_length=200, css="full")


class IgnoreForm(PageForm):
    """Why a bank line is no customer's money. is_first: the page is asked for to ignore it."""

    reason = Line(label="Reason, kept in the history", max_length=200, css="full")

    def __init__(self, *args: Any, is_first: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_first or self.is_bound:
            self.fields["reason"].widget.attrs["autofocus"] = True


class CloseAccountForm(ReasonForm):
    account_name = Line(label="Name of the account, to confirm", max_length=150, css="full")

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account_name"].help_text = account.name
        self.fields["account_name"].widget.attrs["autocomplete"] = "off"


class AdjustForm(PageForm):
    amount = forms.IntegerField(
        label="Credits to give; with a minus to take",
        min_value=-1_000_000_000,
        max_value=1_000_000_000,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "dir": "ltr", "autocomplete": "off", "autofocus": True}),
    )
    reason = Line(label="Reason, as the customer reads it", max_length=200, css="full")
    token = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)


class RefundForm(PageForm):
    """To whom it goes is typed as the customer gave it: nothing is filled in."""

    currency = Choice(label="Of the balance in")
    amount = Amount(label="Amount")
    reason = Choice(label="Why", choices=lambda: [("", "Choose"), *Refund.Reason.choices])
    bank_account = Choice(required=False, label="Paid from")
    payee_name = Line(max_length=70, label="Payee, as the bank has the name")
    payee_account = Line(required=False, max_length=42, label="IBAN or number of the payee's account")
    payee_bank = Line(required=False, max_length=20, label="BIC or bank code, where the number needs it")
    note = Line(required=False, max_length=500, label="Note for staff", css="full")

    def __init__(self, data: Any = None, *, balances: dict[str, Decimal], accounts: list[BankAccount]) -> None:
        self.accounts = {str(account.pk): account for account in accounts}
        super().__init__(data)
        self.fields["currency"].choices = [  # type: ignore[attr-defined]
            (code, f"{code}, {money_text(sum_, code)}") for code, sum_ in balances.items()
        ]
        rows = [
            ("", "By hand: cash, or a wallet"),
            *((key, f"{row}, {row.currency}") for key, row in self.accounts.items()),
        ]
        self.fields["bank_account"].choices = rows  # type: ignore[attr-defined]
        if len(balances) == 1:
            self.fields["amount"].currency = next(iter(balances))  # type: ignore[attr-defined]

    @property
    def chosen(self) -> BankAccount | None:
        return self.accounts.get(self.cleaned_data["bank_account"])


class CreditNoteForm(PageForm):
    """An amount with tax, over all lines; where there are several, also an amount of each instead."""

    amount = Amount(required=False)
    reason = Line(max_length=LONGEST_REASON, label="Reason, which the customer reads", css="full")

    def __init__(self, data: Any = None, *, invoice: Invoice, left: list[LineLeft]) -> None:
        super().__init__(data)
        rest = sum((each.gross for each in left), Decimal(0))
        self.by_line = [each for each in left if each.gross > 0] if len(left) > 1 else []
        self.fields["amount"].required = not self.by_line
        label = "Amount, spread over all lines" if self.by_line else "Amount"
        self._name("amount", f"{label}: {money_text(rest, invoice.currency)} {invoice.currency} is left", invoice)
        for each in self.by_line:
            words = f"{each.line.description}: {money_text(each.gross, invoice.currency)} {invoice.currency} is left"
            self.fields[f"line_{each.line.position}"] = Amount(required=False)
            self._name(f"line_{each.line.position}", words, invoice)
        self.order_fields(["amount", *(f"line_{each.line.position}" for each in self.by_line), "reason"])

    def _name(self, field: str, label: str, invoice: Invoice) -> None:
        self.fields[field].label = label
        self.fields[field].currency = invoice.currency  # type: ignore[attr-defined]

    @property
    def amounts(self) -> dict[str, Any]:
        """As `write_credit_note` takes them."""
        found = ((each.line.position, self.cleaned_data[f"line_{each.line.position}"]) for each in self.by_line)
        lines = {position: amount for position, amount in found if amount is not None}
        return {"amount": self.cleaned_data["amount"], "lines": lines or None}


class CancelCreditNoteForm(PageForm):
    ended_because = Line(max_length=LONGEST_REASON, label="Why it is cancelled", css="full")


class SentForm(PageForm):
    sent_on = Day(label="Day on which the bank got the order")


class UploadForm(PageForm):
    file = forms.FileField(label="File of the bank", allow_empty_file=True)
    bank_account = Choice(required=False, label="Account, where the file does not say it")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.accounts = {str(account.pk): account for account in BankAccount.objects.all()}
        rows = [("", "As the file says"), *((key, account.name) for key, account in self.accounts.items())]
        self.fields["bank_account"].choices = rows  # type: ignore[attr-defined]

    @property
    def chosen(self) -> BankAccount | None:
        return self.accounts.get(self.cleaned_data["bank_account"])


FORMS = {"approve": ApproveForm, "reject": RejectForm, "reverse": ReverseForm}


def form_of(verb: str, payment: Payment, data: Any = None) -> Any:
    if verb != "approve":
        return FORMS[verb](data, payment=payment)
    return ApproveForm(data, payment=payment, invoices=open_invoices(payment))


def open_invoices(payment: Payment) -> list[Invoice]:
    """The claimed one first."""
    wanted = Invoice.objects.filter(account=payment.account_id, currency=payment.currency, status__in=Invoice.OPEN)
    return sorted(wanted.order_by("due_on", "pk")[:20], key=lambda invoice: invoice.pk != payment.invoice_id)


class ProformaForm(PageForm):
    plan = Choice(label="Plan and price", css="full")
    token = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = PlanPrice.objects.offered().filter(amount__gt=0).select_related("plan")
        own_first = sorted(
            offered, key=lambda price: (price.currency != account.currency, price.currency, price.amount)
        )
        self.prices = {str(price.pk): price for price in own_first}
        choices = [(key, _price_words(price)) for key, price in self.prices.items()]
        self.fields["plan"].choices = choices  # type: ignore[attr-defined]

    @property
    def price(self) -> PlanPrice:
        return self.prices[self.cleaned_data["plan"]]


def _price_words(price: PlanPrice) -> str:
    return f"{price.plan}, {money_text(price.amount, price.currency)} {price.currency} a {price.interval}"
