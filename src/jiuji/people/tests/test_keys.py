"""Keys: what is sealed opens only in its place, unchanged, with its key; the index meets for all spellings."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiuji.people.keys import (
    ALGORITHMS,
    KeyRing,
    KeyRingError,
    TamperedValue,
    UnknownKey,
    is_token,
    key_of,
    new_keys,
    with_new_key,
)

from .test_numbers import identities, spellings

HAN = re.compile(r"[\u4e00-\u9fff]")
CIPHERS = ["aes-256-gcm", "sm4-gcm"]
PLACE = "people_person.identity_number.0190a0c2-0000-7000-8000-000000000001"
RINGS = {cipher: KeyRing.parse(new_keys(cipher)) for cipher in CIPHERS}


@pytest.fixture(params=CIPHERS)
def ring(request: pytest.FixtureRequest) -> KeyRing:
    return RINGS[str(request.param)]


# --- encryption -----------------------------------------------------------------------------------------


@given(st.text(), st.text(), st.sampled_from(CIPHERS))
def test_what_is_sealed_opens_again(plaintext: str, place: str, cipher: str) -> None:
    ring = RINGS[cipher]
    token = ring.encrypt(plaintext, place)
    assert ring.decrypt(token, place) == plaintext
    assert is_token(token) and ring.is_current(token) and key_of(token) == ring.current_encrypt_key


def test_the_same_number_twice_gives_different_tokens(ring: KeyRing) -> None:
    assert len({ring.encrypt("152527198001011234", PLACE) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "elsewhere",
    [
        PLACE.replace("identity_number", "phone"),
        PLACE.replace("people_person", "people_contact"),
        PLACE[:-1] + "2",
        PLACE + ".",
        "",
    ],
)
def test_a_token_in_another_row_column_or_table_does_not_open(ring: KeyRing, elsewhere: str) -> None:
    with pytest.raises(TamperedValue):
        ring.decrypt(ring.encrypt("152527198001011234", PLACE), elsewhere)


def test_every_changed_character_of_a_token_is_found(ring: KeyRing) -> None:
    token = ring.encrypt("152527198001011234", PLACE)
    for at, char in enumerate(token):
        for other in {chr(ord(char) ^ 1 << bit) for bit in range(7)} | {"A", "-", "_", ".", "=", " ", "\n", "é"} - {
            char
        }:
            with pytest.raises(TamperedValue):
                ring.decrypt(token[:at] + other + token[at + 1 :], PLACE)


def test_every_flipped_bit_of_nonce_ciphertext_and_tag_is_found(ring: KeyRing) -> None:
    version, key_id, text = ring.encrypt("152527198001011234", PLACE).split(".")
    body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert len(body) == 12 + 18 + 16
    for at in range(len(body)):
        for bit in range(8):
            changed = bytes(b ^ (1 << bit if i == at else 0) for i, b in enumerate(body))
            with pytest.raises(TamperedValue):
                ring.decrypt(f"{version}.{key_id}.{base64.urlsafe_b64encode(changed).decode().rstrip('=')}", PLACE)


def test_a_token_that_is_cut_or_lengthened_does_not_open(ring: KeyRing) -> None:
    token = ring.encrypt("152527198001011234", PLACE)
    for other in [token[:n] for n in range(len(token))] + [token + c for c in "A=.\n "] + ["\n" + token]:
        with pytest.raises(TamperedValue):
            ring.decrypt(other, PLACE)


def test_another_key_under_the_same_id_does_not_open(ring: KeyRing) -> None:
    token = ring.encrypt("152527198001011234", PLACE)
    stranger = json.loads(new_keys("aes-256-gcm"))
    for algorithm, length in ALGORITHMS["encrypt"].items():
        stranger["keys"][0] |= {
            "id": key_of(token),
            "algorithm": algorithm,
            "key": base64.b64encode(b"\x01" * length).decode(),
        }
        stranger["current"]["encrypt"] = key_of(token)
        with pytest.raises(TamperedValue) as caught:
            KeyRing.parse(json.dumps(stranger)).decrypt(token, PLACE)
        assert not isinstance(caught.value, UnknownKey)


def test_a_token_that_names_another_key_does_not_open_with_it() -> None:
    """The key id is authenticated: two keys with the same secret are still two keys."""
    keys = json.loads(new_keys("aes-256-gcm"))
    keys["keys"].append(keys["keys"][0] | {"id": "twin"})
    ring = KeyRing.parse(json.dumps(keys))
    token = ring.encrypt("152527198001011234", PLACE)
    with pytest.raises(TamperedValue):
        ring.decrypt(token.replace(key_of(token), "twin"), PLACE)


def test_a_token_whose_key_is_gone_says_so(ring: KeyRing) -> None:
    token = KeyRing.parse(new_keys("aes-256-gcm")).encrypt("152527198001011234", PLACE)
    with pytest.raises(UnknownKey) as caught:
        ring.decrypt(token, PLACE)
    assert HAN.search(caught.value.zh) and caught.value.key == key_of(token)


def test_an_older_key_reads_and_the_current_one_writes() -> None:
    first = new_keys("aes-256-gcm")
    token = KeyRing.parse(first).encrypt("152527198001011234", PLACE)
    both = KeyRing.parse(with_new_key(first, "encrypt", "sm4-gcm"))
    assert both.decrypt(token, PLACE) == "152527198001011234"
    assert not both.is_current(token)
    assert both.is_current(both.encrypt("152527198001011234", PLACE))
    readers = KeyRing.parse(with_new_key(first, "encrypt", "sm4-gcm", current=False))
    assert readers.is_current(token), "a key that was only added does not write yet"


def test_nonces_come_from_the_source_that_was_given() -> None:
    text, places = new_keys("aes-256-gcm"), [PLACE] * 3
    first, again = (KeyRing.parse(text, random.Random(7).randbytes) for _ in range(2))
    assert [first.encrypt("x", p) for p in places] == [again.encrypt("x", p) for p in places]


@pytest.mark.parametrize("cipher", CIPHERS)
def test_the_token_holds_nothing_but_the_standard_construction(cipher: str) -> None:
    """Read back by hand from the documented layout, by the one-shot interface where the library has one."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    keys = json.loads(new_keys(cipher))
    token = KeyRing.parse(json.dumps(keys)).encrypt("李建华", PLACE)
    secret = base64.b64decode(keys["keys"][0]["key"])
    text = token.split(".")[2]
    body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    place = f"v1.{key_of(token)}.{PLACE}".encode()
    if cipher == "aes-256-gcm":
        plain = AESGCM(secret).decrypt(body[:12], body[12:], place)
    else:
        opening = Cipher(algorithms.SM4(secret), modes.GCM(body[:12], body[-16:])).decryptor()
        opening.authenticate_additional_data(place)
        plain = opening.update(body[12:-16]) + opening.finalize()
    assert plain.decode() == "李建华"


def test_sm4_gcm_gives_the_published_result() -> None:
    """RFC 8998, A.1: the library's SM4-GCM is the standard's."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    plain = b"".join(bytes([b]) * 8 for b in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    sealing = Cipher(
        algorithms.SM4(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")),
        modes.GCM(bytes.fromhex("00001234567800000000ABCD")),
    ).encryptor()
    sealing.authenticate_additional_data(bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2"))
    sealed = sealing.update(plain) + sealing.finalize()
    assert sealed.hex().upper() == (
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
    )
    assert sealing.tag.hex().upper() == "83DE3541E4C2B58177E065A9BF7B62EC"


# --- blind index ----------------------------------------------------------------------------------------


@given(identities(), st.sampled_from(CIPHERS))
def test_the_index_of_all_spellings_is_one(number: str, cipher: str) -> None:
    old = [number[:6] + number[8:17]] if number[6:8] == "19" else []
    ring = RINGS[cipher]
    assert {ring.blind_index("identity", s) for s in [*spellings(number), *old]} == {
        ring.blind_index("identity", number)
    }


def test_the_index_is_the_documented_keyed_hash() -> None:
    for cipher, name in (("aes-256-gcm", "sha256"), ("sm4-gcm", "sm3")):
        if name not in hashlib.algorithms_available:
            continue
        keys = json.loads(new_keys(cipher))
        secret = base64.b64decode(keys["keys"][1]["key"])
        expected = hmac.new(secret, b"jiuji.index.identity.15252719800101123X", name).hexdigest()
        assert KeyRing.parse(json.dumps(keys)).blind_index("identity", "15252719800101123x") == expected


def test_the_same_digits_of_another_kind_or_key_do_not_meet(ring: KeyRing) -> None:
    digits = "13800138000"
    found = {ring.blind_index(kind, digits) for kind in ("identity", "phone", "account", "document")}
    found |= {other.blind_index("phone", digits) for other in (KeyRing.parse(new_keys(c)) for c in CIPHERS)}
    assert len(found) == 6
    assert all(re.fullmatch("[0-9a-f]{64}", f) for f in found)


def test_during_rotation_both_index_keys_are_tried_the_current_one_first() -> None:
    first = new_keys("aes-256-gcm")
    old = KeyRing.parse(first)
    ring = KeyRing.parse(with_new_key(first, "index", "hmac-sm3"))
    current, older = ring.blind_indexes("phone", "138 0013 8000")
    assert older == old.blind_index("phone", "13800138000")
    assert current == ring.blind_index("phone", "13800138000") != older


@pytest.mark.parametrize("text", ["", " ", "\u3000-\u200b"])
def test_an_empty_number_has_no_index(ring: KeyRing, text: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        ring.blind_index("identity", text)


# --- the key file ---------------------------------------------------------------------------------------


def test_new_keys_are_random_and_of_the_stated_kind() -> None:
    for cipher, index in (("aes-256-gcm", "hmac-sha256"), ("sm4-gcm", "hmac-sm3")):
        data = json.loads(new_keys(cipher))
        assert [k["algorithm"] for k in data["keys"]] == [cipher, index]
        assert len({k["key"] for k in data["keys"]} | {k["key"] for k in json.loads(new_keys(cipher))["keys"]}) == 4


def edited(**changes: object) -> str:
    data = json.loads(new_keys("aes-256-gcm"))
    data["keys"][0] |= changes
    if "id" in changes:
        data["current"]["encrypt"] = changes["id"]
    return json.dumps(data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"current": {}, "keys": []}',
        '{"current": null, "keys": null}',
        '{"current": {}, "keys": [{"id": "a"}]}',
        edited(purpose="sign"),
        edited(algorithm="aes-128-ecb"),
        edited(algorithm="hmac-sha256"),
        edited(algorithm="sm4-gcm"),
        edited(id="a.b"),
        edited(id=""),
        edited(id="密钥"),
        edited(key="not base64!"),
        edited(key="c2hvcnQ="),
        edited(key=None),
        json.dumps(json.loads(edited()) | {"current": {"encrypt": "gone", "index": "gone"}}),
        json.dumps({**(once := json.loads(edited())), "keys": once["keys"] * 2}),
    ],
)
def test_keys_that_cannot_be_used_are_refused_with_a_reason(text: str) -> None:
    with pytest.raises(KeyRingError) as caught:
        KeyRing.parse(text)
    assert HAN.search(caught.value.zh) and caught.value.en
    assert caught.value.__cause__ is None


def test_no_key_is_ever_printed() -> None:
    text = new_keys("aes-256-gcm")
    ring = KeyRing.parse(text)
    secrets = [k["key"] for k in json.loads(text)["keys"]]
    printed = repr(ring) + str(ring) + repr(list(ring._keys.values()))
    for broken in (text[:-5], text.replace("aes-256-gcm", "rot13"), text.replace('"index"', '"sign"')):
        with pytest.raises(KeyRingError) as caught:
            KeyRing.parse(broken)
        printed += repr(caught.value) + str(caught.value)
    for secret in secrets:
        assert secret not in printed and repr(base64.b64decode(secret)) not in printed
