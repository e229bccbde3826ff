from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.money import minor_units
from tests.hypothesis_profile import deterministic
from workflows.tax import Calculation, Item, Tax, calculate, check
from workflows.tax.arithmetic import CalculatedLine, shared

RATES = (5, 10, 15, 17, 18, 19, 20, 21, 25)
OUTSIDE = Tax(category="O", reason="Outside the scope of VAT")
EXPORT = Tax(category="G", reason="Export", reason_code="VATEX-EU-G")
CGST_SGST = Tax(category="S", rate=Decimal(18), label="GST", parts=(("CGST", Decimal(9)), ("SGST", Decimal(9))))
MANY = settings(deterministic, max_examples=400)


def vat(rate: int | str) -> Tax:
    return Tax(category="S", rate=Decimal(rate))


def item(amount: str | Decimal, tax: Tax, *, quantity: str | Decimal = "1", unit: str = "C62") -> Item:
    return Item(description="Growth", amount=Decimal(amount), tax=tax, quantity=Decimal(quantity), unit=unit)


def gross(*items: Item, currency: str = "EUR") -> Calculation:
    return calculate(items, currency=currency, includes_tax=True)


def net(*items: Item, currency: str = "EUR") -> Calculation:
    return calculate(items, currency=currency, includes_tax=False)


def sums(found: Calculation) -> tuple[str, str, str]:
    return str(found.net), str(found.tax), str(found.total)


def nets(found: Calculation) -> list[str]:
    return [str(line.net) for line in found.lines]


def parts(found: Calculation) -> list[tuple[str, str]]:
    return [(label, str(amount)) for total in found.taxes for label, amount in total.parts]


@given(cents=st.integers(1, 50_000), rate=st.sampled_from(RATES))
@example(cents=50_000, rate=10)  # no net price reaches these
@example(cents=44_900, rate=21)
@example(cents=1, rate=25)
@MANY
def test_promised_gross_price_is_always_reached(cents, rate):
    found = gross(item(Decimal(cents) / 100, vat(rate)))

    assert found.total == Decimal(cents) / 100
    assert abs(found.tax - found.net * rate / 100) <= Decimal("0.01")
    assert check(found) == []


@given(cents=st.integers(-50_000, 50_000), rate=st.sampled_from(RATES), currency=st.sampled_from(["EUR", "KWD", "JPY"]))
@MANY
def test_tax_on_a_net_price_is_off_by_half_a_minor_unit_at_most(cents, rate, currency):
    unit = Decimal(1).scaleb(-minor_units(currency))

    found = net(item(cents * unit, vat(rate)), currency=currency)

    assert found.net == cents * unit
    assert abs(found.tax - found.net * rate / 100) <= unit / 2
    assert check(found) == []


taxes = st.one_of(st.sampled_from(RATES).map(vat), st.sampled_from([CGST_SGST, EXPORT, OUTSIDE]))
quantities = st.decimals("0.25", 2_000, places=2) | st.integers(1, 50).map(Decimal)


@given(
    rows=st.lists(st.tuples(st.integers(-90_000, 90_000), taxes, quantities), max_size=12),
    currency=st.sampled_from(["EUR", "KWD", "JPY"]),
    includes_tax=st.booleans(),
)
@MANY
def test_many_lines_of_many_taxes_add_up_exactly(rows, currency, includes_tax):
    unit = Decimal(1).scaleb(-minor_units(currency))
    items = [item(count * unit, tax, quantity=quantity) for count, tax, quantity in rows]

    found = calculate(items, currency=currency, includes_tax=includes_tax)

    assert check(found) == []
    assert found.net == sum(line.net for line in found.lines) == sum(total.base for total in found.taxes)
    assert found.tax == sum(total.amount for total in found.taxes)
    assert found.net + found.tax == found.total
    if includes_tax:
        assert found.total == sum(each.amount for each in items)
    for line in found.lines:
        exact = line.item.amount / (1 + line.item.tax.rate / 100) if includes_tax else line.item.amount
        assert abs(line.net - exact) < unit * max(len(line.item.tax.parts), 1)
    numbers = [found.net, found.tax, found.total, *(line.net for line in found.lines)]
    numbers += [amount for total in found.taxes for amount in (total.base, total.amount, *dict(total.parts).values())]
    assert not [each for each in numbers if str(each).startswith("-0") and not each]
    assert {each.as_tuple().exponent for each in numbers} == {-minor_units(currency)}


@given(amount=st.integers(1, 90_000), tax=taxes, includes_tax=st.booleans())
@MANY
def test_what_is_taken_back_whole_leaves_nothing(amount, tax, includes_tax):
    sold = item(Decimal(amount) / 100, tax)
    back = item(-Decimal(amount) / 100, tax, quantity="-1")

    found = calculate([sold, back], currency="EUR", includes_tax=includes_tax)

    assert sums(found) == ("0.00", "0.00", "0.00")
    assert found.lines[0].net == -found.lines[1].net


def test_what_is_shared_among_nothing_is_nothing():
    assert shared(Decimal("0.01"), [Decimal(0), Decimal(0)], "USD") == [0, 0]


def test_tax_is_rounded_once_for_all_lines_of_a_rate():
    found = net(*[item("0.33", vat(19))] * 3)

    assert sums(found) == ("0.99", "0.19", "1.18")  # each by itself 0.06, together 0.18


def test_gross_prices_share_one_net_by_largest_remainder():
    found = gross(item("10.00", vat(19)), item("10.00", vat(19)), item("10.00", vat(19)))

    assert sums(found) == ("25.21", "4.79", "30.00")
    assert nets(found) == ["8.41", "8.40", "8.40"]


def test_gross_price_that_no_net_price_reaches_is_kept():
    found = gross(item("500.00", vat(10)))

    assert sums(found) == ("454.55", "45.45", "500.00")


def test_halves_go_away_from_zero_on_both_sides():
    assert sums(net(item("0.10", vat(5)))) == ("0.10", "0.01", "0.11")
    assert sums(net(item("-0.10", vat(5)))) == ("-0.10", "-0.01", "-0.11")
    assert sums(gross(item("-119.00", vat(19)))) == ("-100.00", "-19.00", "-119.00")


def test_upgrade_is_the_new_plan_and_the_unused_rest_of_the_old_one():
    found = gross(item("189.00", vat(19)), item("-44.50", vat(19), quantity="-1", unit="MON"))

    assert sums(found) == ("121.43", "23.07", "144.50")
    assert nets(found) == ["158.82", "-37.39"]
    assert [(str(line.quantity), str(line.unit_price)) for line in found.lines] == [("1", "158.82"), ("-1", "37.39")]


def test_minus_sign_of_an_amount_moves_to_the_quantity():
    line = net(item("-30.00", vat(19), quantity="3")).lines[0]

    assert (str(line.quantity), str(line.unit_price), str(line.net)) == ("-3", "10.00", "-30.00")


@pytest.mark.parametrize(
    ("currency", "amount", "expected"),
    [
        ("JPY", "1000", ("909", "91", "1000")),
        ("KWD", "9.500", ("8.636", "0.864", "9.500")),
        ("EUR", "9.50", ("8.64", "0.86", "9.50")),
    ],
)
def test_currency_decides_the_minor_units(currency, amount, expected):
    assert sums(gross(item(amount, vat(10)), currency=currency)) == expected


@pytest.mark.parametrize(
    ("amount", "quantity", "price"),
    [("89.00", "1", "89.00"), ("100.00", "3", "33.333"), ("0.70", "1000", "0.0007"), ("100.00", "7000", "0.014286")],
)
def test_unit_price_has_the_fewest_decimals_that_lead_to_the_net(amount, quantity, price):
    line = net(item(amount, OUTSIDE, quantity=quantity)).lines[0]

    assert (str(line.unit_price), str(line.quantity), str(line.net)) == (price, quantity, amount)


def test_whole_is_one_unit_where_six_decimals_do_not_lead_to_the_net():
    line = net(item("1234.56", OUTSIDE, quantity="1000000.5", unit="MON")).lines[0]

    assert (str(line.quantity), line.unit, str(line.unit_price)) == ("1", "C62", "1234.56")


def test_split_labels_are_equal_and_make_the_tax():
    on_top, within = net(item("100.05", CGST_SGST), currency="INR"), gross(item("100.00", CGST_SGST), currency="INR")

    assert parts(on_top) == [("CGST", "9.00"), ("SGST", "9.00")]
    assert sums(on_top) == ("100.05", "18.00", "118.05")
    assert parts(within) == [("CGST", "7.63"), ("SGST", "7.63")]
    assert sums(within) == ("84.74", "15.26", "100.00")


def test_free_line_stays_free_beside_a_rounded_one():
    found = gross(item("0.00", CGST_SGST), item("0.59", CGST_SGST), item("0.00", CGST_SGST), currency="INR")

    assert nets(found) == ["0.00", "0.49", "0.00"]  # 0.50, less half a paisa for each label


def test_rows_of_one_category_and_rate_become_one_with_all_reasons():
    one = replace(OUTSIDE, reason_code="VATEX-EU-O")
    other = replace(OUTSIDE, reason="Not a supply", reason_code="VATEX-EU-AE")

    found = gross(item("5.00", one), item("7.00", other), item("1.00", one))

    assert [(str(each.base), each.tax.reason, each.tax.reason_code) for each in found.taxes] == [
        ("13.00", "Outside the scope of VAT; Not a supply", "")
    ]


def test_invoice_without_lines_is_nothing():
    assert sums(net()) == ("0.00", "0.00", "0.00")


@pytest.mark.parametrize(
    ("amount", "quantity"), [("NaN", "1"), ("Infinity", "1"), ("1E+12", "1"), ("1", "0"), ("1", "NaN"), ("1", "1E-9")]
)
def test_number_that_is_none_is_refused(amount, quantity):
    with pytest.raises(ValueError, match="cannot stand on an invoice"):
        net(item(amount, OUTSIDE, quantity=quantity))


@pytest.mark.parametrize(
    "wrong",
    [
        {"category": "X"},
        {"category": "S", "rate": Decimal(101)},
        {"category": "S", "rate": Decimal("NaN")},
        {"category": "S", "rate": Decimal(-1)},
        {"category": "O", "rate": Decimal(19)},
        {"category": "S", "rate": Decimal(18), "parts": (("CGST", Decimal(9)),)},
    ],
)
def test_tax_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError):
        Tax(**wrong)


def changed(found: Calculation, **facts) -> Calculation:
    return replace(found, **facts)


def first_line(found: Calculation, **facts) -> tuple[CalculatedLine, ...]:
    return (replace(found.lines[0], **facts), *found.lines[1:])


CENT = Decimal("0.01")
RIGHT = gross(item("250.00", vat(19), quantity="3"), item("99.99", vat(19)))
ON_TOP = net(item("250.00", CGST_SGST), currency="INR")
SPLIT = ON_TOP.taxes[0]
WRONG = {
    "a tax that is a cent too high": (
        changed(
            RIGHT,
            taxes=(replace(RIGHT.taxes[0], amount=RIGHT.tax + CENT),),
            tax=RIGHT.tax + CENT,
            total=RIGHT.total + CENT,
        ),
        "which was promised",
    ),
    "a tax that is of another rate": (
        changed(RIGHT, taxes=(replace(RIGHT.taxes[0], base=RIGHT.net + CENT, amount=RIGHT.tax - CENT),)),
        "is not the tax of",
    ),
    "a line that is a cent off": (changed(RIGHT, lines=first_line(RIGHT, net=RIGHT.lines[0].net + CENT)), "is not"),
    "a unit price below zero": (
        changed(
            RIGHT,
            lines=first_line(RIGHT, quantity=-RIGHT.lines[0].quantity, unit_price=-RIGHT.lines[0].unit_price),
        ),
        "below zero",
    ),
    "a net price that was changed": (
        changed(ON_TOP, lines=first_line(ON_TOP, net=Decimal(251), unit_price=Decimal(251))),
        "the net price is",
    ),
    "a total that is no sum": (changed(RIGHT, total=RIGHT.total + CENT), "total:"),
    "a net that is no sum": (changed(RIGHT, net=RIGHT.net + CENT), "net:"),
    "a tax that is no sum": (changed(RIGHT, tax=RIGHT.tax + CENT), "tax:"),
    "a rate without a total": (changed(RIGHT, taxes=()), "has one total"),
    "two totals of one rate": (changed(RIGHT, taxes=RIGHT.taxes * 2), "has one total"),
    "half a cent": (
        changed(RIGHT, lines=first_line(RIGHT, net=RIGHT.lines[0].net + CENT / 2)),
        "cannot be paid",
    ),
    "a tax where there is none": (
        changed(gross(item("5.00", OUTSIDE)), taxes=(replace(gross(item("5.00", OUTSIDE)).taxes[0], amount=CENT),)),
        "there is a tax of",
    ),
    "parts that are no sum": (
        changed(ON_TOP, taxes=(replace(SPLIT, parts=(("CGST", Decimal(22)), ("SGST", Decimal(22)))),)),
        "the parts make",
    ),
    "parts that differ": (
        changed(ON_TOP, taxes=(replace(SPLIT, parts=(("CGST", Decimal(22)), ("SGST", Decimal(23)))),)),
        "parts of one rate differ",
    ),
    "parts that are missing": (changed(ON_TOP, taxes=(replace(SPLIT, parts=()),)), "the parts are"),
}


@pytest.mark.parametrize("case", WRONG)
def test_check_names_what_is_wrong(case):
    calculation, words = WRONG[case]

    assert [fault for fault in check(calculation) if words in fault]


def test_check_finds_nothing_in_what_was_calculated():
    assert check(RIGHT) == check(ON_TOP) == []
