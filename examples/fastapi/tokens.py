"""Who sent a request: HS256 tokens that the frontend signs with BETTER_AUTH_SECRET.

TOKEN_KEYS=one (the default) does what the skill does: one secret, read when the program starts. TOKEN_KEYS=all is the
smallest change that lets a rotation pass unnoticed: all keys of BETTER_AUTH_SECRETS, `2:new,1:old`, count.
"""

import os

from fastapi import HTTPException, Request, status
from jose import JWTError, jwt

# The operator sets these two if the TodoApp has an issuer and an audience. If they are unset, neither is checked.
ISSUER = os.getenv("JWT_ISSUER")
AUDIENCE = os.getenv("JWT_AUDIENCE")
# python-jose checks the claims that a token has. It accepts a token without a claim unless that claim is required here.
NEEDED = {"require_exp": True, "require_sub": True, "require_iss": bool(ISSUER), "require_aud": bool(AUDIENCE)}


def required(name: str) -> str:
    value = os.getenv(name)
    if not value:
        raise ValueError(f"{name} environment variable is required")
    return value


def load_keys() -> dict[str, str]:
    """The secrets by version, the one that signs first. In mode one the version is unknown, and empty."""
    mode = os.getenv("TOKEN_KEYS", "one")
    if mode == "one":
        return {"": required("BETTER_AUTH_SECRET")}
    if mode != "all":
        raise ValueError("TOKEN_KEYS must be one or all")
    entries = (entry.partition(":") for entry in required("BETTER_AUTH_SECRETS").split(","))
    return {version: secret for version, _, secret in entries}


KEYS = load_keys()


def candidates(token: str) -> list[str]:
    """The secrets that may have signed the token: the one its kid names, or else all."""
    version = jwt.get_unverified_header(token).get("kid")
    if version is None or "" in KEYS:
        return list(KEYS.values())
    secret = KEYS.get(str(version))
    return [secret] if secret else []


def verify_jwt(token: str) -> dict:
    try:
        refusal = JWTError("unknown key")
        for secret in candidates(token):
            try:
                return jwt.decode(token, secret, algorithms=["HS256"], audience=AUDIENCE, issuer=ISSUER,
                                  options=NEEDED)
            except JWTError as err:
                refusal = err
        raise refusal
    except JWTError as err:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, f"Could not validate credentials: {err}") from err


async def current_user_id(request: Request) -> str:
    """The user the token is for; every route compares it with the one in its path."""
    header = request.headers.get("Authorization")
    if not header or not header.startswith("Bearer "):
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Missing or invalid authorization header")
    user_id = verify_jwt(header.split(" ", 1)[1]).get("sub")
    if not user_id:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Invalid token: no user_id found")
    return user_id
