-- migrate: no transaction
-- The keys that programs from before have stored, 5,000 in each transaction; new ones come by the
-- trigger. A statement ends where a line ends with a semicolon, so here they begin lines.
DO $$ DECLARE last text := ''; upto text
; BEGIN LOOP
    SELECT max(key) INTO upto
    FROM (SELECT key FROM idempotency_keys WHERE key > last ORDER BY key LIMIT 5000) AS page
    ; EXIT WHEN upto IS NULL
    ; INSERT INTO request_keys (key, request, answer, created_at)
      SELECT key, coalesce(request, order_id), coalesce(answer, order_id::text), created_at
      FROM idempotency_keys WHERE key > last AND key <= upto
      ON CONFLICT (key) DO NOTHING
    ; COMMIT
    ; last := upto
    ; END LOOP
; END $$;
