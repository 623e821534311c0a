-- An operator holds the relays (orderctl topics hold): while a lane is held, nothing of it is sent,
-- what is decided stays in the outbox. Only the saga's lane is ever held.
ALTER TABLE relay_checkpoint
    ADD COLUMN held_at     timestamptz,  -- null: it is not held
    ADD COLUMN held_by     text,
    ADD COLUMN released_at timestamptz,  -- when a hold ended last
    ADD COLUMN grown_from  integer;      -- the fewest partitions that the topic had when it got more

GRANT UPDATE (held_at, held_by, released_at, grown_from) ON relay_checkpoint TO operator;

CREATE OR REPLACE VIEW audit_v1_relay_lanes AS
    SELECT lane, seq AS checkpoint, topic_id, remade_at, refused_at, refused_seq, refused_why,
           refused_error, skipped, held_at, held_by, released_at,
           grown_from
    FROM relay_checkpoint;
