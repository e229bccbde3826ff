-- The limit: one settlement as PL/pgSQL over the product's own tables, guards and keys, in the same four commits.
-- What the engine adds in its own processes (leases, rules in Python, a queue that is shared out) is not in it.
-- bench_id(n, id) names the n-th copy of a row of the template (benchmarks/stock.py).

CREATE OR REPLACE FUNCTION bench_fact(t uuid, obj uuid, account uuid, machine text, seq int, name text, source text,
    target text, actor uuid, cause uuid) RETURNS void LANGUAGE sql AS $$
  INSERT INTO engine_transition (id, account_id, machine, object_id, seq, name, source, target, actor_id, cause_id,
      reason, inputs, request_id, trace)
  VALUES (t, account, machine, obj, seq, name, source, target, actor, cause, '', '{}', '', '')
$$;

CREATE OR REPLACE FUNCTION bench_debt(kind text, lane text, machine text, obj uuid, account uuid, seq int, cause uuid,
    key text, at timestamptz) RETURNS void LANGUAGE sql AS $$
  INSERT INTO engine_effect (id, account_id, transition_id, machine, object_id, seq, key, kind, revision, payload, lane,
      ordered, state, run_at, fence, attempts, crashes, solo, last_error)
  VALUES (uuidv7(), account, cause, machine, obj, seq, key, kind, 1, '{}', lane, false,
      CASE WHEN at > now() THEN 'waiting' ELSE 'ready' END, at, 0, 0, 0, false, '')
$$;

-- 1. Staff countersign.
CREATE OR REPLACE FUNCTION bench_approve(n bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  p core_payment;
  fact uuid := uuidv7();
BEGIN
  SELECT * INTO STRICT p FROM core_payment WHERE id = bench_payment(n) AND status = 'pending_approval'
    FOR NO KEY UPDATE;
  PERFORM bench_fact(fact, p.id, p.account_id, 'payment', p.version + 1, 'approve', p.status, 'approved',
    bench_staff(), NULL);
  UPDATE core_payment SET status = 'approved', version = version + 1, received = amount, decided_by_id = bench_staff()
    WHERE id = p.id;
  PERFORM bench_debt('payment.settle', 'inward', 'payment', p.id, p.account_id, p.version + 1, fact,
    'payment:' || p.id || ':' || p.version + 1 || ':payment.settle', now());
END $$;

-- 2. Payment, invoice, subscription, account, credits, four transitions, two effects, and one effect done.
CREATE OR REPLACE FUNCTION bench_settle(n bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  e engine_effect;
  p core_payment;
  i core_invoice;
  s core_subscription;
  a core_account;
  plan core_plan;
  t_payment uuid := uuidv7();
  t_subscription uuid := uuidv7();
  today date := now();
BEGIN
  SELECT * INTO STRICT p FROM core_payment WHERE id = bench_payment(n);
  SELECT * INTO STRICT e FROM engine_effect
    WHERE key = 'payment:' || p.id || ':' || p.version || ':payment.settle' AND done_at IS NULL FOR NO KEY UPDATE;
  SELECT * INTO STRICT a FROM core_account WHERE id = p.account_id FOR NO KEY UPDATE;
  SELECT * INTO STRICT i FROM core_invoice WHERE id = p.invoice_id;
  SELECT * INTO STRICT s FROM core_subscription WHERE id = i.subscription_id FOR NO KEY UPDATE;
  SELECT * INTO STRICT i FROM core_invoice WHERE id = p.invoice_id FOR NO KEY UPDATE;
  SELECT * INTO STRICT p FROM core_payment WHERE id = p.id AND status = 'approved' FOR NO KEY UPDATE;
  SELECT * INTO STRICT plan FROM core_plan WHERE id = s.plan_id;
  INSERT INTO core_allocation (id, account_id, payment_id, invoice_id, amount, created_at)
    VALUES (uuidv7(), a.id, p.id, i.id, p.received, now());
  PERFORM bench_fact(t_payment, p.id, a.id, 'payment', p.version + 1, 'settle', p.status, 'succeeded', NULL,
    e.transition_id);
  UPDATE core_payment SET status = 'succeeded', version = version + 1 WHERE id = p.id;
  PERFORM bench_fact(uuidv7(), i.id, a.id, 'invoice', i.version + 1, 'pay', i.status, 'paid', NULL, e.transition_id);
  UPDATE core_invoice SET status = 'paid', version = version + 1, allocated = allocated + p.received WHERE id = i.id;
  PERFORM bench_fact(t_subscription, s.id, a.id, 'subscription', s.version + 1, 'activate', s.status, 'active', NULL,
    e.transition_id);
  UPDATE core_subscription SET status = 'active', version = version + 1, period_start = today,
    period_end = today + interval '1 month', anchor_day = extract(day FROM today) WHERE id = s.id;
  PERFORM bench_fact(uuidv7(), a.id, a.id, 'account', a.version + 1, 'activate', a.status, 'active', NULL,
    e.transition_id);
  UPDATE core_account SET status = 'active', version = version + 1, credits = credits + plan.credits WHERE id = a.id;
  INSERT INTO core_creditentry (id, account_id, kind, amount, balance_after, key, description, invoice_id, cause_id,
      created_at)
    VALUES (uuidv7(), a.id, 'grant', plan.credits, a.credits + plan.credits, 'grant:' || s.id || ':' || today,
      plan.name, i.id, e.transition_id, now());
  PERFORM bench_debt('mail.payment_approved', 'outward', 'payment', p.id, a.id, p.version + 1, t_payment,
    'payment:' || p.id || ':' || p.version + 1 || ':mail.payment_approved', now());
  PERFORM bench_debt('subscription.plan_renewal', 'inward', 'subscription', s.id, a.id, s.version + 1, t_subscription,
    'subscription:' || s.id || ':' || s.version + 1 || ':subscription.plan_renewal', now());
  UPDATE engine_effect SET state = 'done', done_at = now(), attempts = attempts + 1, took = 0 WHERE id = e.id;
END $$;

-- 3. The mail was sent: its outcome is kept.
CREATE OR REPLACE FUNCTION bench_mail(n bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  p core_payment;
BEGIN
  SELECT * INTO STRICT p FROM core_payment WHERE id = bench_payment(n);
  UPDATE engine_effect SET state = 'done', done_at = now(), attempts = attempts + 1, took = 0,
      outcome = jsonb_build_object('kind', 'payment_approved', 'recipients', '["bills@example.test"]'::jsonb,
        'message_id', '<' || id || '@demo.test>')
    WHERE key = 'payment:' || p.id || ':' || p.version || ':mail.payment_approved' AND done_at IS NULL;
  ASSERT FOUND;
END $$;

-- 4. The end of the new period is seen to: two timers.
CREATE OR REPLACE FUNCTION bench_plan(n bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  e engine_effect;
  s core_subscription;
BEGIN
  SELECT * INTO STRICT s FROM core_subscription WHERE id = bench_subscription(n);
  SELECT * INTO STRICT e FROM engine_effect
    WHERE key = 'subscription:' || s.id || ':' || s.version || ':subscription.plan_renewal' AND done_at IS NULL
    FOR NO KEY UPDATE;
  PERFORM bench_debt('subscription.renew', 'inward', 'subscription', s.id, s.account_id, s.version, e.transition_id,
    'subscription.renew:' || s.id || ':' || e.id, s.period_end - 7);
  PERFORM bench_debt('subscription.turn', 'inward', 'subscription', s.id, s.account_id, s.version, e.transition_id,
    'subscription.turn:' || s.id || ':' || e.id, s.period_end);
  UPDATE engine_effect SET state = 'done', done_at = now(), attempts = attempts + 1, took = 0 WHERE id = e.id;
END $$;
