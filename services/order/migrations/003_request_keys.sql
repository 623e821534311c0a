-- Idempotency keys move to request_keys, which every service has. As long as programs from before
-- may run, which know idempotency_keys alone, each table repeats what is written to the other.
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
CREATE FUNCTION keep_as_idempotency_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO idempotency_keys (key, order_id, answer, request, created_at)
    SELECT key, CASE WHEN placed THEN answer::uuid ELSE request END,
           CASE WHEN NOT placed THEN answer END, CASE WHEN placed THEN request END, created_at
    FROM (SELECT *, answer LIKE '%-%' AS placed FROM written) AS told
    ON CONFLICT (key) DO UPDATE
        SET order_id = excluded.order_id, answer = excluded.answer, request = excluded.request,
            created_at = excluded.created_at;
    RETURN NULL;
END $$;
CREATE FUNCTION expire_idempotency_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM idempotency_keys WHERE key IN (SELECT key FROM expired);
    RETURN NULL;
END $$;

-- At depth 0 the program writes, otherwise the other table's trigger.
CREATE TRIGGER keep_as_request_key AFTER INSERT ON idempotency_keys
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION keep_as_request_key();
CREATE TRIGGER keep_as_idempotency_key AFTER INSERT ON request_keys
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION keep_as_idempotency_key();
CREATE TRIGGER expire_idempotency_key AFTER DELETE ON request_keys
    REFERENCING OLD TABLE AS expired FOR EACH STATEMENT
    EXECUTE FUNCTION expire_idempotency_key();

-- The triggers run with the rights of whoever writes.
GRANT UPDATE ON request_keys, idempotency_keys TO :service;
