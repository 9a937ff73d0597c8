"""Tokens: ES256 as another library reads it, short of life, with nonces that only grow."""

import base64
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tickwright.adapters.powertrade.nonce_file import KeptNonces
from tickwright.adapters.powertrade.signing import EARLY_S, LIFE_S, Nonces, Signer
from tickwright.engine.errors import LocalError, TickwrightError
from tickwright.engine.times import SECOND

NOW_S = 1_760_000_000


def pem(key, form=PrivateFormat.TraditionalOpenSSL) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def part(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8], ids=["sec1", "pkcs8"])
def test_a_token_holds_for_half_a_minute_and_its_signature_is_the_keys(form):
    key = ec.generate_private_key(ec.SECP256R1())
    token = Signer("api-key-1", pem(key, form), "api.example").token(NOW_S * SECOND + 999, 7)
    head, claims, signed = token.split(".")
    assert json.loads(part(head)) == {"alg": "ES256", "typ": "JWT"}
    assert json.loads(part(claims)) == {
        "sub": "api-key-1", "client": "api", "iat": NOW_S - EARLY_S, "exp": NOW_S + LIFE_S, "nonce": 7,
        "uri": "api.example",
    }  # fmt: skip
    raw = part(signed)
    assert len(raw) == 64
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    key.public_key().verify(der, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        key.public_key().verify(der, f"{head}.{claims}x".encode(), ec.ECDSA(SHA256()))
    assert "=" not in token


def test_the_uri_is_said_only_where_it_is_wanted():
    key = ec.generate_private_key(ec.SECP256R1())
    claims = json.loads(part(Signer("k", pem(key)).token(NOW_S * SECOND, 1).split(".")[1]))
    assert "uri" not in claims


def test_other_keys_are_refused_without_being_shown():
    wrong = [
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(rsa.generate_private_key(65537, 2048)),
        "canary-not-a-key",
        "",
        "-----BEGIN EC PRIVATE KEY-----\ncanary\n-----END EC PRIVATE KEY-----\n",
        "canary-\u00e9",
    ]
    for text in wrong:
        with pytest.raises(LocalError, match="expected a private key of P-256") as caught:
            Signer("k", text)
        assert "canary" not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_nonces_grow_whatever_the_clock_does():
    nonces = Nonces(last=NOW_S + 100)
    given = [nonces.next(when * SECOND) for when in (NOW_S, NOW_S + 500, NOW_S + 500, NOW_S - 10_000, NOW_S + 501)]
    assert given == sorted(set(given))
    assert given[:2] == [NOW_S + 101, NOW_S + 500]
    assert Nonces(given[-1]).next(0) > given[-1]


def test_nonces_grow_across_restarts_and_are_written_down_before_they_are_used(tmp_path):
    path = tmp_path / "powertrade.nonce"
    given = [KeptNonces(path).next(when * SECOND) for when in (NOW_S, NOW_S, NOW_S - 10_000, NOW_S + 5)]
    assert given == [NOW_S, NOW_S + 1, NOW_S + 2, NOW_S + 5]
    assert path.read_text() == f"{NOW_S + 5}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["powertrade.nonce"]


def test_without_the_last_nonce_no_login_is_tried(tmp_path):
    path = tmp_path / "powertrade.nonce"
    for text in ("", "soon", "-1", "1.5", "9" * 16, "\u0661"):
        path.write_text(text)
        with pytest.raises(TickwrightError, match="nonce"):
            KeptNonces(path)
    path.unlink()
    (tmp_path / "elsewhere").write_text("7")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TickwrightError, match="cannot read"):
        KeptNonces(path)
    with pytest.raises(TickwrightError, match="cannot keep"):
        KeptNonces(tmp_path / "missing" / "x.nonce").next(NOW_S * SECOND)
