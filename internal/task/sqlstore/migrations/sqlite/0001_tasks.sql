-- Times are microseconds since 1970 UTC. Text compares byte for byte (the default collation, BINARY).
CREATE TABLE todoapp_tasks (
    -- AUTOINCREMENT: an id is never given out twice. 2^53-1 is the last integer that JavaScript reads exactly.
    id          INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id <= 9007199254740991),
    owner       TEXT    NOT NULL,
    title       TEXT    NOT NULL,
    description TEXT,
    completed   INTEGER NOT NULL,
    revision    INTEGER NOT NULL DEFAULT 1,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

-- Serves the order of a list and, alone, the count of what its filter leaves.
CREATE INDEX todoapp_tasks_by_owner ON todoapp_tasks (owner, created_at DESC, id DESC, completed);

-- What was created under an idempotency key, as it was then.
CREATE TABLE todoapp_attempts (
    owner       TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    task_id     INTEGER NOT NULL,
    title       TEXT    NOT NULL,
    description TEXT,
    completed   INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX todoapp_attempts_by_age ON todoapp_attempts (created_at);
