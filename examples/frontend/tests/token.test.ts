import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { mintToken } from "@/lib/token";

const secret = "a-secret-0123456789-abcdefghijklmnopqrstuv";
const env = (more: Record<string, string> = {}) => ({ BETTER_AUTH_SECRET: secret, ...more });

test("a token says whose it is, for whom, and with which key it was signed, and no more", async () => {
  const settings = { BETTER_AUTH_KEY_VERSION: "2", JWT_ISSUER: "nextjs-frontend", JWT_AUDIENCE: "fastapi-backend" };
  const { token, userId } = await mintToken("ada", env(settings));
  const verified = await jwtVerify(token, new TextEncoder().encode(secret), {
    algorithms: ["HS256"],
    issuer: "nextjs-frontend",
    audience: "fastapi-backend",
  });
  assert.deepEqual(verified.protectedHeader, { alg: "HS256", typ: "JWT", kid: "2" });
  assert.deepEqual(Object.keys(verified.payload).sort(), ["aud", "exp", "iat", "iss", "sub"]);
  assert.equal(verified.payload.sub, "ada");
  assert.equal(userId, "ada");
});

test("without a version, an issuer or an audience it names none", async () => {
  const { token } = await mintToken("ada", env());
  assert.deepEqual(decodeProtectedHeader(token), { alg: "HS256", typ: "JWT" });
  assert.deepEqual(Object.keys(decodeJwt(token)).sort(), ["exp", "iat", "sub"]);
});

for (const [limit, seconds] of [["", 900], ["168h0m0s", 900], ["15m0s", 900], ["1m0s", 60], ["1m30.5s", 90]] as const) {
  test(`with the limit ${limit || "none"} it lives ${seconds} seconds`, async () => {
    const { token, expiresIn } = await mintToken("ada", env({ JWT_MAX_LIFETIME: limit }));
    const { iat, exp } = decodeJwt(token);
    assert.equal(exp! - iat!, seconds);
    assert.equal(expiresIn, seconds);
  });
}

test("a limit that is no duration, or no secret, is an error", async () => {
  await assert.rejects(mintToken("ada", env({ JWT_MAX_LIFETIME: "soon" })), /JWT_MAX_LIFETIME/);
  await assert.rejects(mintToken("ada", env({ BETTER_AUTH_SECRET: "" })), /BETTER_AUTH_SECRET/);
});
