-- Every statement may be repeated: some servers that speak PostgreSQL's protocol commit each one by itself.

-- 2^53-1 is the last integer that JavaScript reads exactly.
CREATE SEQUENCE IF NOT EXISTS todoapp_task_ids START 1 MINVALUE 1 MAXVALUE 9007199254740991 NO CYCLE;

CREATE TABLE IF NOT EXISTS todoapp_tasks (
    id          bigint PRIMARY KEY DEFAULT nextval('todoapp_task_ids'),
    owner       text COLLATE "C" NOT NULL,
    title       text NOT NULL,
    description text,
    completed   boolean NOT NULL,
    revision    bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);

-- Serves the order of a list and, alone, the count of what its filter leaves.
CREATE INDEX IF NOT EXISTS todoapp_tasks_by_owner ON todoapp_tasks (owner, created_at DESC, id DESC, completed);

-- What was created under an idempotency key, as it was then.
CREATE TABLE IF NOT EXISTS todoapp_attempts (
    owner       text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    task_id     bigint NOT NULL,
    title       text NOT NULL,
    description text,
    completed   boolean NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (owner, key)
);

CREATE INDEX IF NOT EXISTS todoapp_attempts_by_age ON todoapp_attempts (created_at);
