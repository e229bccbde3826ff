-- Claims %(first)s to %(last)s, each approved, settled, notified and planned for, once. Every row must say 0.
WITH claim AS (
  SELECT n, bench_payment(n) AS payment, bench_subscription(n) AS subscription, bench_account(n) AS account,
    bench_invoice(n) AS invoice
  FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
)
SELECT 'payment not succeeded', count(*) FROM claim LEFT JOIN core_payment AS p ON p.id = payment AND status = 'succeeded' AND received = amount WHERE p.id IS NULL
UNION ALL SELECT 'invoice not paid', count(*) FROM claim LEFT JOIN core_invoice AS i ON i.id = invoice AND status = 'paid' AND allocated = total WHERE i.id IS NULL
UNION ALL SELECT 'subscription not active', count(*) FROM claim LEFT JOIN core_subscription AS s ON s.id = subscription AND status = 'active' AND period_end > period_start WHERE s.id IS NULL
UNION ALL SELECT 'account not active', count(*) FROM claim LEFT JOIN core_account AS a ON a.id = account AND status = 'active' AND credits = 1000 WHERE a.id IS NULL
UNION ALL SELECT 'not granted once', count(*) FROM claim WHERE (SELECT count(*) FROM core_creditentry AS c WHERE c.account_id = account AND amount = 1000 AND balance_after = 1000) <> 1
UNION ALL SELECT 'not allocated once', count(*) FROM claim WHERE (SELECT count(*) FROM core_allocation AS a WHERE a.payment_id = payment AND a.invoice_id = invoice) <> 1
UNION ALL SELECT 'history of the payment', count(*) FROM claim WHERE (SELECT string_agg(name, ' ' ORDER BY seq) FROM engine_transition AS t WHERE machine = 'payment' AND object_id = payment) <> 'begin approve settle'
UNION ALL SELECT 'history of the invoice', count(*) FROM claim WHERE (SELECT string_agg(name, ' ' ORDER BY seq) FROM engine_transition AS t WHERE machine = 'invoice' AND object_id = invoice) <> 'begin issue pay'
UNION ALL SELECT 'history of the subscription', count(*) FROM claim WHERE (SELECT string_agg(name, ' ' ORDER BY seq) FROM engine_transition AS t WHERE machine = 'subscription' AND object_id = subscription) <> 'begin activate'
UNION ALL SELECT 'history of the account', count(*) FROM claim WHERE (SELECT string_agg(name, ' ' ORDER BY seq) FROM engine_transition AS t WHERE machine = 'account' AND object_id = account) <> 'begin activate'
UNION ALL SELECT 'not settled once', count(*) FROM claim WHERE (SELECT count(*) FROM engine_effect AS e WHERE e.key = 'payment:' || payment || ':2:payment.settle' AND state = 'done' AND done_at IS NOT NULL) <> 1
UNION ALL SELECT 'not notified once', count(*) FROM claim WHERE (SELECT count(*) FROM engine_effect AS e WHERE e.key = 'payment:' || payment || ':3:mail.payment_approved' AND state = 'done' AND outcome ? 'message_id') <> 1
UNION ALL SELECT 'not planned for once', count(*) FROM claim WHERE (SELECT count(*) FROM engine_effect AS e WHERE e.key = 'subscription:' || subscription || ':2:subscription.plan_renewal' AND state = 'done') <> 1
UNION ALL SELECT 'timers missing', count(*) FROM claim WHERE (SELECT count(DISTINCT kind) FROM engine_effect AS e WHERE e.account_id = account AND e.object_id = subscription AND e.kind IN ('subscription.renew', 'subscription.turn') AND e.run_at > now() AND e.state = 'waiting') <> 2
UNION ALL SELECT 'effects under way', count(*) FROM engine_effect WHERE state IN ('ready', 'leased', 'dead', 'uncertain')
