"""Documents as a business sends them, in three languages."""

# ruff: noqa: RUF001 - letters of other scripts are meant

from __future__ import annotations

from typing import Any

from core.payees.code_drawings import drawn_code
from workflows.documents.rendering.data import DocumentData, Section, Seller

CODE = drawn_code(
    "BCD\n002\n1\nSCT\nCOBADEFFXXX\nNorthwind Cloud Services GmbH\nDE89370400440532013000\nEUR250.00\n\n\n7K4M9P2X3B"
)


def seller(**changes: Any) -> Seller:
    made: Seller = {
        "name": "Northwind Cloud Services GmbH",
        "lines": ["Torstraße 140", "10119 Berlin", "Germany"],
        "ids": [{"label": "VAT ID", "value": "DE123456789"}, {"label": "Register", "value": "HRB 123456 B"}],
        "contact": ["billing@northwind.example", "+49 30 1234 5678"],
        "bank": ["Berliner Volksbank", "DE89 3704 0044 0532 0130 00"],
        "logo": None,
        "colour": "#0f766e",
        "footer": "Northwind Cloud Services GmbH · Charlottenburg HRB 123456 B · Managing director: Anna Weber",
        "mark": "Made with Countersign",
    }
    return {**made, **changes}  # type: ignore[typeddict-item]


def invoice(**changes: Any) -> DocumentData:
    made: DocumentData = {
        "kind": "invoice",
        "language": "en",
        "direction": "ltr",
        "paper": "a4",
        "title": "Invoice",
        "number": "INV-2026-000001",
        "made_on": "2026-05-03",
        "sign": "",
        "seller": seller(),
        "recipient": {
            "heading": "Billed to",
            "name": "Alpha Trading Ltd",
            "lines": ["Attn: Accounts Payable", "22 Merchant Road", "Nairobi 00100", "Kenya"],
            "ids": [{"label": "PIN", "value": "P051234567X"}],
        },
        "facts": [
            {"label": "Invoice date", "value": "3 May 2026"},
            {"label": "Due", "value": "17 May 2026"},
            {"label": "Period", "value": "1 to 31 May 2026"},
            {"label": "Payment reference", "value": "7K4M-9P2X-3B"},
        ],
        "sections": [
            {
                "heading": "",
                "columns": [
                    {"label": "Description", "align": "start"},
                    {"label": "Quantity", "align": "end"},
                    {"label": "Unit price", "align": "end"},
                    {"label": "Tax", "align": "end"},
                    {"label": "Amount", "align": "end"},
                ],
                "rows": [
                    ["Growth plan, 1 to 31 May 2026", "1", "149.00", "19 %", "149.00"],
                    ["Additional credits, package of 10,000", "3", "25.00", "19 %", "75.00"],
                ],
                "strong_rows": [],
            },
            {
                "heading": "Tax",
                "columns": [
                    {"label": "Category", "align": "start"},
                    {"label": "Rate", "align": "end"},
                    {"label": "Net", "align": "end"},
                    {"label": "Tax", "align": "end"},
                ],
                "rows": [["Standard rate", "19 %", "224.00", "42.56"]],
                "strong_rows": [],
            },
        ],
        "totals": [
            {"label": "Net", "value": "224.00 EUR", "strong": False},
            {"label": "VAT 19 %", "value": "42.56 EUR", "strong": False},
            {"label": "Total", "value": "266.56 EUR", "strong": True},
            {"label": "Paid from balance", "value": "-16.56 EUR", "strong": False},
            {"label": "To pay", "value": "250.00 EUR", "strong": True},
        ],
        "notes": ["Please give the payment reference with your transfer, so that we can find it at once."],
        "payment": {
            "heading": "How to pay",
            "facts": [
                {"label": "Bank", "value": "Berliner Volksbank"},
                {"label": "Account holder", "value": "Northwind Cloud Services GmbH"},
                {"label": "IBAN", "value": "DE89 3704 0044 0532 0130 00"},
                {"label": "BIC", "value": "COBADEFFXXX"},
                {"label": "Reference", "value": "7K4M-9P2X-3B"},
                {"label": "Amount", "value": "250.00 EUR"},
            ],
            "text": ["Transfers from other banks arrive within one or two working days."],
            "code": {
                "svg": CODE,
                "alternative": "QR code with the same bank details",
                "caption": "Scan with your banking app",
            },
        },
        "labels": {"page": "Page {page} of {pages}"},
    }
    return {**made, **changes}  # type: ignore[typeddict-item]


def long_invoice(count: int = 36) -> DocumentData:
    made = invoice()
    lines, taxes = made["sections"]
    rows = [[f"Additional credits, package {number}", "3", "25.00", "19 %", "75.00"] for number in range(count)]
    return {**made, "sections": [{**lines, "rows": rows}, taxes]}


def statement(count: int = 60, **changes: Any) -> DocumentData:
    rows = [["1 January 2026", "", "Opening balance", "", "", "1,240.00"]]
    for number in range(1, count - 1):
        document = f"INV-2026-{number:06}" if number % 2 else f"RC-2026-{number:06}"
        told = "Growth plan, monthly" if number % 2 else "Transfer received, Berliner Volksbank"
        amounts = ["149.00", ""] if number % 2 else ["", "149.00"]
        rows.append([f"{number % 28 + 1} May 2026", document, told, *amounts, "1,389.00" if number % 2 else "1,240.00"])
    rows.append(["31 May 2026", "", "Closing balance", "", "", "1,240.00"])
    section: Section = {
        "heading": "Movements",
        "columns": [
            {"label": "Date", "align": "start"},
            {"label": "Document", "align": "start"},
            {"label": "Description", "align": "start"},
            {"label": "Charged", "align": "end"},
            {"label": "Paid", "align": "end"},
            {"label": "Balance", "align": "end"},
        ],
        "rows": rows[:count],
        "strong_rows": [0, count - 1] if count > 1 else [],
    }
    made = invoice(
        kind="statement",
        title="Statement of account",
        number="",
        facts=[
            {"label": "Period", "value": "1 January to 31 May 2026"},
            {"label": "Currency", "value": "EUR"},
            {"label": "Made on", "value": "3 June 2026"},
        ],
        sections=[section],
        totals=[{"label": "To pay on 31 May 2026", "value": "1,240.00 EUR", "strong": True}],
        notes=[],
        payment=None,
    )
    return {**made, **changes}  # type: ignore[typeddict-item]


def receipt(**changes: Any) -> DocumentData:
    made = invoice(
        kind="receipt",
        title="Receipt",
        number="RC-2026-000042",
        facts=[
            {"label": "Value date", "value": "12 May 2026"},
            {"label": "Payer", "value": "Alpha Trading Ltd"},
            {"label": "Method", "value": "Bank transfer"},
            {"label": "Bank reference", "value": "2026051200417"},
            {"label": "Approved by", "value": "R. Okafor"},
        ],
        sections=[
            {
                "heading": "What it paid",
                "columns": [
                    {"label": "Invoice", "align": "start"},
                    {"label": "Invoice total", "align": "end"},
                    {"label": "Paid now", "align": "end"},
                    {"label": "Still to pay", "align": "end"},
                ],
                "rows": [
                    ["INV-2026-000001", "266.56", "250.00", "0.00"],
                    ["INV-2026-000009", "149.00", "50.00", "99.00"],
                ],
                "strong_rows": [],
            }
        ],
        totals=[{"label": "Received", "value": "300.00 EUR", "strong": True}],
        notes=["Thank you for your payment."],
        payment=None,
    )
    return {**made, **changes}  # type: ignore[typeddict-item]


def credit_note(**changes: Any) -> DocumentData:
    made = invoice(
        kind="credit_note",
        title="Credit note",
        number="CN-2026-000007",
        facts=[
            {"label": "Date", "value": "20 May 2026"},
            {"label": "For invoice", "value": "INV-2026-000001"},
            {"label": "Of", "value": "3 May 2026"},
        ],
        totals=[
            {"label": "Net", "value": "75.00 EUR", "strong": False},
            {"label": "VAT 19 %", "value": "14.25 EUR", "strong": False},
            {"label": "Credited", "value": "89.25 EUR", "strong": True},
        ],
        notes=["Reason: the additional credits were ordered twice.", "The amount was added to your balance."],
        payment=None,
    )
    made["sections"][0]["rows"] = [["Additional credits, package of 10,000", "3", "25.00", "19 %", "75.00"]]
    made["sections"][1]["rows"] = [["Standard rate", "19 %", "75.00", "14.25"]]
    return {**made, **changes}  # type: ignore[typeddict-item]


def arabic(**changes: Any) -> DocumentData:
    made = invoice(
        language="ar",
        direction="rtl",
        title="فاتورة",
        number="INV-2026-000001",
        seller=seller(
            name="شركة الأفق للخدمات السحابية",
            lines=["برج الأعمال، الطابق 14", "شارع الشيخ زايد", "دبي، الإمارات العربية المتحدة"],
            ids=[{"label": "رقم التسجيل الضريبي", "value": "100123456700003"}],
            contact=["billing@horizon.example", "+971 4 123 4567"],
            colour="#1d4ed8",
            footer="شركة الأفق للخدمات السحابية ذ.م.م، رخصة تجارية رقم 745812، دبي",
            mark="أُعدّ بواسطة Countersign",
        ),
        recipient={
            "heading": "الفاتورة إلى",
            "name": "مؤسسة النور للتجارة (فرع 2)",
            "lines": ["عناية: قسم الحسابات", "Müller & Söhne GmbH (Berlin)", "شارع الملك فهد 120", "الرياض 11564"],
            "ids": [{"label": "الرقم الضريبي", "value": "310122393500003"}],
        },
        facts=[
            {"label": "تاريخ الفاتورة", "value": "3 مايو 2026"},
            {"label": "تاريخ الاستحقاق", "value": "2026-05-17"},
            {"label": "الفترة", "value": "من 2026-05-01 إلى 2026-05-31"},
            {"label": "الرقم المرجعي", "value": "7K4M-9P2X-3B"},
        ],
        sections=[
            {
                "heading": "",
                "columns": [
                    {"label": "الوصف", "align": "start"},
                    {"label": "الكمية", "align": "end"},
                    {"label": "سعر الوحدة", "align": "end"},
                    {"label": "الضريبة", "align": "end"},
                    {"label": "المبلغ", "align": "end"},
                ],
                "rows": [
                    ["خطة النمو، من 1 إلى 31 مايو 2026", "1", "149.00", "5 %", "149.00"],
                    ["رصيد استخدام إضافي، باقة 10,000", "3", "25.00", "5 %", "75.00"],
                ],
                "strong_rows": [],
            },
            {
                "heading": "الضريبة",
                "columns": [
                    {"label": "الفئة", "align": "start"},
                    {"label": "النسبة", "align": "end"},
                    {"label": "الصافي", "align": "end"},
                    {"label": "الضريبة", "align": "end"},
                ],
                "rows": [["النسبة الأساسية", "5 %", "224.00", "11.20"]],
                "strong_rows": [],
            },
        ],
        totals=[
            {"label": "الصافي", "value": "224.00 AED", "strong": False},
            {"label": "ضريبة القيمة المضافة 5 %", "value": "11.20 AED", "strong": False},
            {"label": "الإجمالي", "value": "235.20 AED", "strong": True},
            {"label": "مدفوع من الرصيد النقدي", "value": "-35.20 AED", "strong": False},
            {"label": "المبلغ المستحق", "value": "200.00 AED", "strong": True},
        ],
        notes=["يرجى ذكر الرقم المرجعي 7K4M-9P2X-3B مع التحويل، حتى نجده فورًا. للاستفسار: +971 4 123 4567."],
        payment={
            "heading": "كيفية الدفع",
            "facts": [
                {"label": "البنك", "value": "بنك الإمارات دبي الوطني"},
                {"label": "صاحب الحساب", "value": "شركة الأفق للخدمات السحابية"},
                {"label": "رقم الآيبان", "value": "AE07 0331 2345 6789 0123 456"},
                {"label": "الرقم المرجعي", "value": "7K4M-9P2X-3B"},
                {"label": "المبلغ", "value": "200.00 AED"},
            ],
            "text": ["تصل التحويلات من البنوك الأخرى خلال يوم أو يومي عمل."],
            "code": {"svg": CODE, "alternative": "رمز QR بنفس بيانات الحساب", "caption": "امسح الرمز بتطبيق البنك"},
        },
        labels={"page": "صفحة {page} من {pages}"},
    )
    return {**made, **changes}  # type: ignore[typeddict-item]


def urdu(**changes: Any) -> DocumentData:
    made = arabic(
        language="ur",
        title="رسید بل",
        seller=seller(
            name="افق کلاؤڈ سروسز",
            lines=["شاہراہِ فیصل، دفتر 14", "کراچی 75350", "پاکستان"],
            ids=[{"label": "این ٹی این", "value": "1234567-8"}],
            contact=["billing@ufaq.example", "+92 21 3456 7890"],
            colour="#166534",
            footer="افق کلاؤڈ سروسز پرائیویٹ لمیٹڈ، رجسٹریشن نمبر 0074581",
            mark="Countersign کے ذریعے بنایا گیا",
        ),
        recipient={
            "heading": "بنام",
            "name": "النور ٹریڈنگ کمپنی",
            "lines": ["شعبہ حسابات", "مال روڈ 22", "لاہور 54000"],
            "ids": [{"label": "این ٹی این", "value": "7654321-0"}],
        },
        facts=[
            {"label": "تاریخ", "value": "3 مئی 2026"},
            {"label": "آخری تاریخ", "value": "17 مئی 2026"},
            {"label": "مدت", "value": "1 تا 31 مئی 2026"},
            {"label": "حوالہ نمبر", "value": "7K4M-9P2X-3B"},
        ],
        sections=[
            {
                "heading": "",
                "columns": [
                    {"label": "تفصیل", "align": "start"},
                    {"label": "تعداد", "align": "end"},
                    {"label": "فی اکائی قیمت", "align": "end"},
                    {"label": "ٹیکس", "align": "end"},
                    {"label": "رقم", "align": "end"},
                ],
                "rows": [
                    ["گروتھ پلان، 1 تا 31 مئی 2026", "1", "14,900.00", "16 %", "14,900.00"],
                    ["اضافی کریڈٹس، 10,000 کا پیکج", "3", "2,500.00", "16 %", "7,500.00"],
                ],
                "strong_rows": [],
            }
        ],
        totals=[
            {"label": "ٹیکس سے پہلے", "value": "22,400.00 PKR", "strong": False},
            {"label": "سیلز ٹیکس 16 %", "value": "3,584.00 PKR", "strong": False},
            {"label": "قابلِ ادائیگی", "value": "25,984.00 PKR", "strong": True},
        ],
        notes=["براہِ کرم رقم بھیجتے وقت حوالہ نمبر 7K4M-9P2X-3B ضرور لکھیں تاکہ ہم اسے فوراً پہچان سکیں۔"],
        payment={
            "heading": "ادائیگی کا طریقہ",
            "facts": [
                {"label": "بینک", "value": "حبیب بینک لمیٹڈ"},
                {"label": "آئی بی اے این", "value": "PK36 SCBL 0000 0011 2345 6702"},
                {"label": "حوالہ نمبر", "value": "7K4M-9P2X-3B"},
            ],
            "text": ["دوسرے بینکوں سے رقم ایک یا دو دن میں پہنچتی ہے۔"],
            "code": {"svg": CODE, "alternative": "کیو آر کوڈ", "caption": "بینک کی ایپ سے اسکین کریں"},
        },
        labels={"page": "صفحہ {page} از {pages}"},
    )
    return {**made, **changes}  # type: ignore[typeddict-item]
