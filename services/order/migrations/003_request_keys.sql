-- Idempotency keys move to request_keys, which every service has. As long as programs from before
-- may run, which know idempotency_keys alone, each table repeats what is written to the other: here
-- the new one, by 005 the old one.
-- A placement's answer is the id of the order; a cancellation's request is the id of the order that
-- it was for, its answer the state.
CREATE FUNCTION keep_as_request_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO request_keys (key, request, answer, created_at)
    SELECT key, coalesce(request, order_id), coalesce(answer, order_id::text), created_at FROM written
    ON CONFLICT (key) DO UPDATE
        SET request = excluded.request, answer = excluded.answer, created_at = excluded.created_at;
    RETURN NULL;
END $$;

-- At depth 0 the program writes, otherwise the other table's trigger.
CREATE TRIGGER keep_as_request_key AFTER INSERT ON idempotency_keys
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION keep_as_request_key();

-- The triggers run with the rights of whoever writes.
GRANT UPDATE ON request_keys, idempotency_keys TO :service;
