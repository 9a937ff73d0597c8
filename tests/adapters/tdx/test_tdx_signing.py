"""Signatures, one-time codes and the end of a token, against vectors worked out elsewhere."""

import base64

import pytest

from tickwright.adapters.bad_message import BadMessage
from tickwright.adapters.tdx.signing import (
    Variant,
    authorization,
    digest_text,
    signature,
    string_to_hash,
    token_expiry,
    totp,
    totp_secret,
)
from tickwright.engine.errors import LocalError
from tickwright.engine.times import SECOND

KEY = "5b0c7d1e-8a43-4f52-9c1d-2e6f7a8b9c0d"
SECRET = "00112233445566778899aabbccddeeff"
NONCE = "2f1c9a54-3b77-4d0e-8a6f-1c2d3e4f5a6b"
WHEN_MS = 1735689600000
BODY = (
    b'{"subAccountId":"3d5a9f10-6c2e-4b7a-8f11-0a1b2c3d4e5f","pairId":"9e8d7c6b-5a49-4382-9170-6f5e4d3c2b1a",'
    b'"side":"SIDE_BUY","type":"TYPE_LIMIT","quantity":"0.25","price":"61250.5"}'
)


def get_pairs() -> bytes:
    return string_to_hash(
        api_key=KEY,
        nonce=NONCE,
        timestamp_ms=WHEN_MS,
        method="get",
        host="api.t-dx.com",
        path="/api/rest/v1/pairs",
        query="limit=100",
    )


def test_what_is_signed_are_the_parts_that_are_not_empty():
    assert get_pairs().decode() == (f"TDXV1 {KEY} {NONCE} {WHEN_MS} GET api.t-dx.com /api/rest/v1/pairs limit=100")
    assert digest_text(get_pairs()) == "SYRUTsvZnENae9wEEuvTZyEUU88Ev7Bp9B8JjeneHmg="


@pytest.mark.parametrize(
    ("variant", "proof"),
    [
        (Variant.A, "qkNjLOaFp2g7RSvkM/mU1Qsee3aUarheBeSxX+SUbC0="),
        (Variant.B, "ATxLBvYGUYuRCI84QvbuthF68mSnRV2/G6IMa1JacV4="),
        (Variant.C, "dAzLwbrLt1PhEvftmyxuJktCVe/iP/vwfsZxaIeEnCk="),
    ],
)
def test_a_request_without_a_body_is_signed_as_in_the_vectors(variant, proof):
    assert signature(SECRET, get_pairs(), variant) == proof


def test_a_request_with_a_body_is_signed_as_in_the_vectors():
    parts = {
        "api_key": KEY,
        "nonce": NONCE,
        "timestamp_ms": WHEN_MS,
        "method": "POST",
        "host": "api.t-dx.com",
        "path": "/api/rest/v1/orders",
        "content_type": "application/json",
        "body": BODY,
    }
    assert digest_text(string_to_hash(**parts)) == "TnmAOY9OS1MPNgV5sFDlC4eNNFK4h6SjzFVFsA23sio="
    assert authorization(SECRET, **parts) == (
        f"TDXV1-HMAC-SHA256 ApiKey={KEY} Nonce={NONCE} Timestamp={WHEN_MS} "
        "Signature=MG51+77j4c2qQ7syqTgxmR85dAa0r7E5Te2UQ5Mby1M="
    )


def test_a_secret_that_is_not_hex_is_refused_without_showing_it():
    with pytest.raises(LocalError, match="API secret in hex") as caught:
        signature("hunter2-hunter2", b"x")
    assert "hunter2" not in str(caught.value)


RFC_6238 = [
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]


@pytest.mark.parametrize(("seconds", "sha1", "sha256", "sha512"), RFC_6238)
def test_one_time_codes_are_those_of_rfc_6238(seconds, sha1, sha256, sha512):
    digits = b"1234567890" * 7
    for algorithm, size, code in (("sha1", 20, sha1), ("sha256", 32, sha256), ("sha512", 64, sha512)):
        assert totp(digits[:size], seconds * SECOND, digits=8, algorithm=algorithm) == code
    assert totp(digits[:20], seconds * SECOND + SECOND - 1) == sha1[2:]


def test_a_totp_secret_is_read_as_an_authenticator_shows_it():
    assert totp_secret("gezd gnbv-GY3TQOJQ GEZDGNBVGY3TQOJQ") == b"12345678901234567890"
    for bad in ("", "0000", "not base32!"):
        with pytest.raises(LocalError, match="base32"):
            totp_secret(bad)


def token(payload: bytes) -> str:
    return f"e30.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.c2ln"


def test_the_end_of_a_token_is_read_and_nothing_else_of_it():
    assert token_expiry(token(b'{"exp":1735693200,"aud":["x"]}')) == 1735693200 * SECOND


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "e30.e30.c2ln",
        token(b'{"exp":"1735693200"}'),
        token(b'{"exp":1e99}'),
        token(b'{"exp":-1}'),
        token(b'{"exp":true}'),
        token(b"[" * 5000),
        "e30.\u00e9.c2ln",
        "x" * 10_000,
    ],
)
def test_what_is_no_token_is_a_bad_message_that_does_not_show_it(text):
    with pytest.raises(BadMessage, match="accessToken") as caught:
        token_expiry(text)
    assert len(str(caught.value)) < 200
