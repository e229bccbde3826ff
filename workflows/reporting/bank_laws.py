"""Invariants of bank lines and references as SQL."""

from __future__ import annotations

from core.models.user import MATCHING_USER
from core.payees.references import ALPHABET

BANK = {
    "what stands for a bank line is no more than the line": """
        SELECT line.id AS line, line.amount, sum(part.amount) AS payments
        FROM audit.bank_lines AS line JOIN audit.line_payments AS part ON part.line_id = line.id
        GROUP BY line.id, line.amount HAVING sum(part.amount) NOT BETWEEN 0 AND abs(line.amount)""",
    "a bank line that is matched or returned has payments or refunds, and no other has": """
        SELECT line.id AS line, line.status, coalesce(sum(part.amount), 0) AS payments
        FROM audit.bank_lines AS line LEFT JOIN audit.line_payments AS part ON part.line_id = line.id
        GROUP BY line.id, line.status
        HAVING (line.status IN ('matched', 'returned')) <> (coalesce(sum(part.amount), 0) > 0
            OR EXISTS (SELECT FROM audit.refunds WHERE line_id = line.id))""",
    "a bank line that no person decided on names its rule, and no other does": f"""
        SELECT line.id AS line, line.rule, person.email_canonical AS decided_by
        FROM core_statementline AS line LEFT JOIN core_user AS person ON person.id = line.decided_by_id
        WHERE (line.rule <> '') <> (person.email_canonical IS NOT DISTINCT FROM '{MATCHING_USER}')
        UNION ALL
        SELECT part.line_id, part.rule, person.email_canonical
        FROM core_linepayment AS part JOIN core_user AS person ON person.id = part.decided_by_id
        WHERE (part.rule <> '') <> (person.email_canonical = '{MATCHING_USER}')""",  # noqa: S608 - our own words
    "a payment that a bank line brought is one of the line's, in its currency": """
        SELECT payment.id AS payment, payment.currency, line.id AS line, line.currency AS line_currency
        FROM core_payment AS payment JOIN audit.bank_lines AS line ON line.id = payment.bank_line_id
        WHERE payment.currency <> line.currency OR NOT EXISTS (
            SELECT FROM audit.line_payments AS part WHERE part.line_id = line.id AND part.payment_id = payment.id)""",
    "bank lines took back no more of a payment than was received": """
        SELECT payment.id AS payment, payment.received, sum(part.amount) AS taken_back
        FROM audit.payments AS payment JOIN audit.line_payments AS part ON part.payment_id = payment.id
        JOIN audit.bank_lines AS line ON line.id = part.line_id AND line.status = 'returned'
        GROUP BY payment.id, payment.received HAVING sum(part.amount) > payment.received""",
    "a statement counts the lines that it brought": """
        SELECT statement.id AS statement, statement.lines_new, count(line.id) AS found
        FROM core_statement AS statement LEFT JOIN core_statementline AS line ON line.statement_id = statement.id
        GROUP BY statement.id HAVING count(line.id) <> statement.lines_new""",
    # ISO 7064's hybrid system (29, 28), as `core.payees.references` computes it.
    "a payment reference has the right check character": f"""
        WITH RECURSIVE walk(invoice, reference, place, product) AS (
            SELECT id, payment_reference::text, 1, 28 FROM core_invoice
            UNION ALL
            SELECT invoice, reference, place + 1, 2 * coalesce(nullif(
                (product + strpos('{ALPHABET}', substr(reference, place, 1)) - 1) % 28, 0), 28) % 29
            FROM walk WHERE place < 10)
        SELECT invoice, reference FROM walk
        WHERE place = 10 AND (product + strpos('{ALPHABET}', substr(reference, 10, 1)) - 1) % 28 <> 1""",  # noqa: S608 - our own words
}
