import type { SecretConfig } from "better-auth/crypto";

/** The keys of Better Auth, sorted by which cookies they may vouch for. */
export type Keys = {
  /** The key that signs and encrypts new cookies. */
  current: string;
  /** The other keys whose cookies are accepted. */
  earlier: string[];
  /** The current and the earlier keys, in the form that Better Auth decrypts with. */
  accepted: SecretConfig;
  /** Reports whether Better Auth holds a key, kept to decrypt stored data, whose cookies must not be accepted. */
  hasRejected: boolean;
};

/** Returns the versions of a list such as `2,1`. An entry that is not a number names no key. */
export function parseVersions(list: string): Set<number> {
  const entries = list.split(",").map((entry) => entry.trim());
  return new Set(entries.filter((entry) => /^\d+$/.test(entry)).map(Number));
}

/** Sorts the configured keys. Returns undefined if Better Auth has no list of keys: then its one key does everything. */
export function sortKeys(config: string | SecretConfig, versions: Set<number>): Keys | undefined {
  if (typeof config === "string") return undefined;
  const { currentVersion } = config;
  const all = [...config.keys];
  const keys = new Map(all.filter(([version]) => version === currentVersion || versions.has(version)));
  const values = new Set(keys.values());
  const everything = [...config.keys.values(), config.legacySecret ?? ""].filter(Boolean);
  return {
    current: config.keys.get(currentVersion) ?? "",
    earlier: [...keys].filter(([version]) => version !== currentVersion).map(([, secret]) => secret),
    accepted: { keys, currentVersion },
    hasRejected: everything.some((secret) => !values.has(secret)),
  };
}
