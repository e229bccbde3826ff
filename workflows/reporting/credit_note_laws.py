"""Invariants of credit notes as SQL."""

from __future__ import annotations

CREDIT_NOTES = {
    "an invoice is credited what its credit notes say": """
        SELECT invoice.id AS invoice, invoice.credited, coalesce(sum(note.total), 0) AS notes
        FROM core_invoice AS invoice
        LEFT JOIN core_creditnote AS note ON note.invoice_id = invoice.id AND note.status IN ('issued', 'applied')
        GROUP BY invoice.id, invoice.credited HAVING invoice.credited <> coalesce(sum(note.total), 0)""",
    "a credit note is the sum of its lines, and its tax that of its categories": """
        SELECT note.id AS credit_note, note.net, note.tax, note.total, parts.net AS lines, taxes.tax AS taxes
        FROM core_creditnote AS note,
        LATERAL (SELECT sum(net) AS net, sum(amount) AS total FROM core_creditnoteline
            WHERE credit_note_id = note.id) AS parts,
        LATERAL (SELECT sum((part ->> 'amount')::numeric) AS tax, sum((part ->> 'base')::numeric) AS base
            FROM jsonb_array_elements(note.tax_details -> 'taxes') AS part) AS taxes
        WHERE (parts.net, parts.total, taxes.base, taxes.tax)
            IS DISTINCT FROM (note.net, note.total, note.net, note.tax)""",
    "of no line of an invoice more is credited than it has": """
        SELECT line.id AS line, line.net, sum(part.net) AS credited
        FROM core_creditnote AS note JOIN core_creditnoteline AS part ON part.credit_note_id = note.id
        JOIN core_invoiceline AS line ON line.id = part.invoice_line_id
        WHERE note.status IN ('issued', 'applied')
        GROUP BY line.id, line.net, line.invoice_id
        HAVING sum(part.net) NOT BETWEEN least(line.net, 0) AND greatest(line.net, 0)
            OR bool_or(note.invoice_id <> line.invoice_id)""",
    "an invoice that is credited whole has given back all its tax": """
        SELECT invoice.id AS invoice, invoice.tax, sum(note.tax) AS credited
        FROM core_invoice AS invoice JOIN core_creditnote AS note ON note.invoice_id = invoice.id
        WHERE note.status IN ('issued', 'applied') AND invoice.tax IS NOT NULL
        GROUP BY invoice.id, invoice.tax, invoice.total, invoice.credited
        HAVING sum(note.tax) > invoice.tax OR invoice.credited = invoice.total AND sum(note.tax) <> invoice.tax""",
    "a credit note of money that was paid was issued by another person than who wrote it": """
        SELECT note.id AS credit_note, note.requested_by_id AS requested_by, birth.actor_id AS began_by,
            note.issued_by_id AS issued_by, issued.actor_id AS performed_by
        FROM core_creditnote AS note
        JOIN engine_transition AS birth ON birth.machine = 'creditnote' AND birth.object_id = note.id AND birth.seq = 1
        LEFT JOIN engine_transition AS issued ON issued.machine = 'creditnote' AND issued.object_id = note.id
            AND issued.name = 'issue'
        WHERE note.requested_by_id IS DISTINCT FROM birth.actor_id
            OR note.issued_by_id IS DISTINCT FROM issued.actor_id
            OR note.to_balance > 0 AND note.issued_by_id = note.requested_by_id""",
    "a credit note that is issued is applied": """
        SELECT id AS credit_note, status FROM core_creditnote WHERE status = 'issued'""",
    "no draft of a credit note waits for an invoice that is demanded no more": """
        SELECT note.id AS credit_note, invoice.status AS invoice_status
        FROM core_creditnote AS note JOIN core_invoice AS invoice ON invoice.id = note.invoice_id
        WHERE note.status = 'draft' AND invoice.status IN ('draft', 'void', 'uncollectible')
            AND NOT EXISTS (SELECT FROM engine_effect WHERE object_id = invoice.id AND kind = 'credit_note.drop'
                AND state IN ('waiting', 'leased'))""",
}
