"""Invariants of numbers, lines, tax and documents as SQL."""

from __future__ import annotations

from core.models.base import FOUR_DIGITS, NO_DIGITS, THREE_DIGITS

CENT = f"""CASE WHEN invoice.currency IN {NO_DIGITS} THEN 1 WHEN invoice.currency IN {THREE_DIGITS} THEN 0.001
                    WHEN invoice.currency IN {FOUR_DIGITS} THEN 0.0001 ELSE 0.01 END"""
# The oldest invoices do not say their series.
NUMBERED = """SELECT coalesce(series, 'INV') AS series,
                coalesce(series_count, substring(number FROM '[0-9]+$')::bigint) AS place
            FROM core_invoice WHERE series IS NOT NULL OR number ~ '^INV-[0-9]+$'
            UNION ALL SELECT series, series_count FROM core_document WHERE series IS NOT NULL"""

DOCUMENTS = {
    "the numbers of a series have no gap": f"""
        SELECT series.code AS series, series.next - 1 AS given, count(placed.place) AS found
        FROM core_numberseries AS series LEFT JOIN ({NUMBERED}) AS placed ON placed.series = series.code
        GROUP BY series.code, series.next
        HAVING count(placed.place) <> series.next - 1 OR count(DISTINCT placed.place) <> series.next - 1
            OR max(placed.place) <> series.next - 1""",  # noqa: S608 - our own words
    "an invoice with lines is their net and its tax": """
        SELECT invoice.id AS invoice, invoice.net, invoice.tax, invoice.total, sum(line.net) AS lines
        FROM core_invoice AS invoice LEFT JOIN core_invoiceline AS line ON line.invoice_id = invoice.id
        WHERE invoice.status <> 'draft' GROUP BY invoice.id, invoice.net, invoice.tax, invoice.total
        HAVING sum(line.net) IS DISTINCT FROM invoice.net OR invoice.net + invoice.tax <> invoice.total""",
    # The official rules of EN 16931 let a tax pass that is 0.99 off.
    "the tax of an invoice is that of its categories, to the cent": f"""
        SELECT invoice.id AS invoice, invoice.tax, sum((part ->> 'amount')::numeric) AS taxes
        FROM core_invoice AS invoice
        LEFT JOIN LATERAL jsonb_array_elements(invoice.tax_details -> 'taxes') AS part ON true
        WHERE invoice.net IS NOT NULL
        GROUP BY invoice.id, invoice.net, invoice.tax, invoice.currency, invoice.tax_details
        HAVING coalesce(sum((part ->> 'amount')::numeric), 0) <> invoice.tax
            OR coalesce(sum((part ->> 'base')::numeric), 0) <> invoice.net
            OR bool_or(abs((part ->> 'base')::numeric * (part ->> 'rate')::numeric / 100 - (part ->> 'amount')::numeric)
                > {CENT} / 2 * greatest(jsonb_array_length(part -> 'parts'), 1)
                    * (1 + (invoice.tax_details -> 'includes_tax')::bool::int * (part ->> 'rate')::numeric / 100))""",  # noqa: S608 - our own words
    "a document that is made has its bytes, and no other has": """
        SELECT document.id AS document, document.status, document.sha256
        FROM core_document AS document LEFT JOIN core_documentfile AS file ON file.document_id = document.id
        WHERE (document.status = 'made') <> (file.document_id IS NOT NULL)
            OR document.sha256 <> encode(sha256(file.content), 'hex') OR document.size <> length(file.content)""",
    "each document holds the digest of the one before it": """
        SELECT place, id AS document, previous_sha256, before FROM (
            SELECT document.id, document.place, document.previous_sha256,
                lag(document.sha256, 1, '') OVER chain AS before, row_number() OVER chain AS expected
            FROM core_document AS document JOIN core_sellerversion AS version ON version.id = document.seller_id
            WHERE document.status = 'made' WINDOW chain AS (PARTITION BY version.seller_id ORDER BY document.place)
        ) AS linked
        WHERE previous_sha256 <> before OR place <> expected
        UNION ALL
        SELECT chain.place, NULL, chain.sha256, last.sha256 FROM core_documentchain AS chain
        LEFT JOIN core_document AS last ON last.place = chain.place
        WHERE chain.sha256 IS DISTINCT FROM coalesce(last.sha256, '')""",
    # That there is one at most, the database sees to by its key.
    "what was written has its document": """
        SELECT effect.id AS effect, effect.kind, effect.object_id FROM engine_effect AS effect
        WHERE effect.state = 'done' AND (
            effect.kind = 'document.write_invoice'
                AND NOT EXISTS (SELECT FROM core_document WHERE key = 'invoice:' || effect.object_id)
            OR effect.kind = 'document.write_receipt'
                AND NOT EXISTS (SELECT FROM core_document WHERE key = 'receipt:' || effect.object_id)
            OR effect.kind = 'document.write_credit_note'
                AND NOT EXISTS (SELECT FROM core_document WHERE key = 'credit_note:' || effect.object_id)
            OR effect.kind = 'document.write_reversal'
                AND NOT EXISTS (SELECT FROM core_document WHERE key LIKE 'reversal:' || effect.object_id || ':%%'))""",
    "a document is of the account of what it tells, and has its number": """
        SELECT document.id AS document, document.number, invoice.number AS of_invoice
        FROM core_document AS document
        LEFT JOIN core_invoice AS invoice ON invoice.id = document.subject_id AND document.kind = 'invoice'
        LEFT JOIN core_payment AS payment ON payment.id = document.subject_id AND document.kind = 'receipt'
        LEFT JOIN core_creditnote AS note ON note.id = document.subject_id AND document.kind = 'credit_note'
        WHERE document.kind = 'invoice' AND document.number IS DISTINCT FROM invoice.number
            OR document.account_id <> coalesce(
                invoice.account_id, payment.account_id, note.account_id, document.account_id)""",
}
