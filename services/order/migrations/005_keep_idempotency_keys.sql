-- The other direction of 003: what a new program writes, or deletes, also in the table that the
-- programs from before know. Behind the copying of 004, which would otherwise come back.
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

CREATE TRIGGER keep_as_idempotency_key AFTER INSERT ON request_keys
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION keep_as_idempotency_key();
CREATE TRIGGER expire_idempotency_key AFTER DELETE ON request_keys
    REFERENCING OLD TABLE AS expired FOR EACH STATEMENT
    EXECUTE FUNCTION expire_idempotency_key();
