"""Coming in without sending the key.

The daemon gives a challenge, we prove that we have the key, and it proves that it knows it (docs/api.md, "Without sending the
key"). Whoever announces a false Tonearm in the network learns nothing from us.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_CHALLENGE = re.compile(r'(?:^|, *)Tonearm challenge="([\w.-]{1,200})"', re.ASCII)


@dataclass(frozen=True)
class Login:
    """What answers one challenge, and the answer that proves the daemon."""

    authorization: str
    expected: str


def parse_challenge(header: str | None) -> str | None:
    """The challenge in a `WWW-Authenticate`; None where there is none."""
    found = _CHALLENGE.search(header or "")
    return found[1] if found else None


def make_login(key: str, challenge: str, nonce: str | None = None) -> Login:
    """The key itself, hidden under what only its hash can make. A nonce is given by tests only."""
    nonce = nonce or secrets.token_urlsafe(16)
    known = hashlib.sha256(key.encode()).digest()
    plain = key.encode()
    mask = HKDF(SHA256(), len(plain), f"{challenge} {nonce}".encode(), b"Tonearm client").derive(known)
    proof = _text(bytes(a ^ b for a, b in zip(plain, mask, strict=True)))
    answer = hmac.new(known, f"Tonearm daemon {challenge} {nonce}".encode(), hashlib.sha256).digest()
    return Login(
        authorization=f'Tonearm challenge="{challenge}", nonce="{nonce}", proof="{proof}"',
        expected=f'proof="{_text(answer)}"',
    )


def is_daemon(header: str | None, login: Login) -> bool:
    """Whether an `Authentication-Info` comes from a daemon that knows the key."""
    return hmac.compare_digest((header or "").encode(), login.expected.encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
