/** The migrations from an empty database to schema.ts, in order. Never change a released migration: add another one. */
export const migrations: string[][] = [
  [
    `create table "user" (
      id text primary key, name text not null, email text not null unique,
      email_verified boolean not null default false, image text,
      created_at timestamptz not null, updated_at timestamptz not null)`,
    `create table session (
      id text primary key, user_id text not null references "user" (id) on delete cascade,
      token text not null unique, expires_at timestamptz not null, ip_address text, user_agent text,
      created_at timestamptz not null, updated_at timestamptz not null)`,
    `create index session_user_id on session (user_id)`,
    `create table account (
      id text primary key, user_id text not null references "user" (id) on delete cascade,
      account_id text not null, provider_id text not null, access_token text, refresh_token text, id_token text,
      access_token_expires_at timestamptz, refresh_token_expires_at timestamptz, scope text, password text,
      created_at timestamptz not null, updated_at timestamptz not null)`,
    `create index account_user_id on account (user_id)`,
    `create table verification (
      id text primary key, identifier text not null, value text not null, expires_at timestamptz not null,
      created_at timestamptz not null, updated_at timestamptz not null)`,
    `create index verification_identifier on verification (identifier)`,
  ],
];
