"""Numbers: what is wrong is told without giving anything away; all spellings of one number meet; masks hide."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiuji.people.numbers import (
    MASKS,
    NumberError,
    canonical,
    mask_account,
    mask_identity,
    mask_name,
    mask_phone,
    mask_text,
    read_account,
    read_identity,
    read_phone,
)

HAN = re.compile(r"[\u4e00-\u9fff]")
TODAY = dt.date(2026, 3, 2)
# The example of GB 11643-1999, and numbers that end in each kind of check character.
EXAMPLE = "11010519491231002X"
WEIGHTS = [2 ** (17 - i) % 11 for i in range(17)]


def with_check(body: str) -> str:
    """The check character from its definition in ISO 7064: the weighted sum is 1 modulo 11."""
    total = sum(w * int(d) for w, d in zip(WEIGHTS, body, strict=True))
    return body + next(c for i, c in enumerate("0123456789X") if (total + i) % 11 == 1)


@st.composite
def identities(draw: st.DrawFn) -> str:
    division = draw(st.sampled_from(["110105", "152527", "150102", "659001", "810000", "820000", "830000"]))
    birthday = draw(st.dates(dt.date(1900, 1, 1), TODAY))
    return with_check(f"{division}{birthday:%Y%m%d}{draw(st.integers(0, 999)):03d}")


def code(text: str) -> str:
    with pytest.raises(NumberError) as caught:
        read_identity(text, TODAY)
    return checked(caught.value)


def checked(error: NumberError) -> str:
    own = re.sub("“.*?”", "", error.en, flags=re.DOTALL)  # what was typed is quoted as it is
    assert HAN.search(error.zh) and error.en and not HAN.search(own), "in both languages"
    assert isinstance(error, ValueError)
    assert not re.search(r"\d{4}", str(error)), "no part of the number"
    return error.code


# --- identity numbers -----------------------------------------------------------------------------------


def test_the_example_of_the_standard_is_read() -> None:
    read = read_identity(EXAMPLE, TODAY)
    assert (read.number, read.kind, read.division) == (EXAMPLE, "resident", "110105")
    assert (read.birthday, read.sex) == (dt.date(1949, 12, 31), "f")


@given(identities())
def test_every_right_number_is_read(number: str) -> None:
    read = read_identity(number, TODAY)
    assert read.number == number
    assert f"{read.birthday:%Y%m%d}" == number[6:14]
    assert read.sex == ("m" if number[16] in "13579" else "f")


@given(identities(), st.data())
def test_every_single_wrong_character_is_found(number: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, 17))
    wrong = data.draw(st.sampled_from([c for c in "0123456789X" if c != number[position]]))
    assert code(number[:position] + wrong + number[position + 1 :])


@given(identities(), st.integers(0, 16))
def test_two_neighbours_in_the_wrong_order_are_found(number: str, at: int) -> None:
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    if swapped != number:
        assert code(swapped)


@given(identities(), st.data())
def test_a_missing_or_doubled_character_is_found(number: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, 17))
    assert code(number[:at] + number[at + 1 :]) == "length"
    assert code(number[:at] + number[at] + number[at:]) == "length"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "length"),
        ("152527", "length"),
        ("1525271980010112345", "length"),
        ("15O527198001011234", "character"),
        ("1525271980010112X4", "character"),
        ("X52527198001011234", "character"),
        ("152527198001011፩34", "character"),
        ("15252780010112X", "character"),
        (with_check("00010119800101123"), "division"),
        (with_check("81010119800101123"), "division"),
        (with_check("15252719800230123"), "birthday"),
        (with_check("15252719801301123"), "birthday"),
        (with_check("15252700000101123"), "birthday"),
        (with_check("15252720260303123"), "birthday"),
        ("110105194912310021", "checksum"),
    ],
)
def test_the_error_says_which_part_is_wrong(text: str, part: str) -> None:
    assert code(text) == part


def test_the_error_names_the_position() -> None:
    with pytest.raises(NumberError, match="第 3 位“O”") as caught:
        read_identity("15O527198001011234", TODAY)
    assert "Character 3" in caught.value.en


def test_a_child_born_today_is_read_and_one_born_tomorrow_is_not() -> None:
    number = with_check("15252720260302123")
    assert read_identity(number, TODAY).birthday == TODAY
    with pytest.raises(NumberError):
        read_identity(number, TODAY - dt.timedelta(days=1))


@given(identities().filter(lambda n: n[6:8] == "19"))
def test_the_15_digits_of_an_old_card_are_the_same_number(number: str) -> None:
    assert read_identity(number[:6] + number[8:17], TODAY).number == number


@pytest.mark.parametrize(("prefix", "kind"), [("810000", "hong-kong"), ("820000", "macau"), ("830000", "taiwan")])
def test_a_residence_permit_is_told_from_an_identity_card(prefix: str, kind: str) -> None:
    assert read_identity(with_check(f"{prefix}19800101123"), TODAY).kind == kind


@given(st.text(max_size=30))
def test_whatever_is_typed_is_read_or_refused_with_a_reason(text: str) -> None:
    for read in (lambda t: read_identity(t, TODAY), read_account, read_phone):
        try:
            read(text)
        except NumberError as error:
            checked(error)


# --- one spelling ---------------------------------------------------------------------------------------

FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
MONGOLIAN = str.maketrans("0123456789", "᠐᠑᠒᠓᠔᠕᠖᠗᠘᠙")


def spellings(number: str) -> list[str]:
    return [
        number,
        number.lower(),
        number.translate(FULL_WIDTH),
        number.lower().translate(FULL_WIDTH),
        number.translate(MONGOLIAN),
        f" {number[:6]} {number[6:14]}\u3000{number[14:]}\n",
        "-".join([number[:6], number[6:14], number[14:]]),
        "\ufeff" + "\u200b".join(number),
        number.replace("X", "×"),
        number.replace("X", "х"),
    ]


@given(identities())
def test_all_spellings_of_an_identity_number_meet(number: str) -> None:
    old = [number[:6] + number[8:17]] if number[6:8] == "19" else []
    for text in [*spellings(number), *(s for n in old for s in spellings(n))]:
        assert canonical("identity", text) == number
        assert read_identity(text, TODAY).number == number


@given(identities(), identities())
def test_different_numbers_stay_different(one: str, other: str) -> None:
    assert (canonical("identity", one) == canonical("identity", other)) == (one == other)


@given(st.text(max_size=30), st.sampled_from(["identity", "phone", "account", "document"]))
def test_the_one_spelling_is_its_own(text: str, kind: str) -> None:
    once = canonical(kind, text)
    assert canonical(kind, once) == once


def test_a_faulty_number_of_an_old_register_has_a_spelling_too() -> None:
    assert canonical("identity", "１１０１０５ 1949１２３１００２１") == "110105194912310021"


def test_an_unknown_kind_is_a_mistake_in_the_code() -> None:
    with pytest.raises(ValueError, match="no such kind"):
        canonical("nickname", "x")


@pytest.mark.parametrize(
    "text",
    ["13800138000", "138 0013 8000", "138-0013-8000", "+86 13800138000", "8613800138000", "008613800138000",
     "０１３８００１３８０００", "１３８００１３８０００", "(+86)13800138000"],
)  # fmt: skip
def test_all_spellings_of_a_mobile_number_meet(text: str) -> None:
    assert canonical("phone", text) == "13800138000"
    assert read_phone(text).mobile


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0471-2345678", "04712345678"),
        ("（０４７１）２３４５６７８", "04712345678"),
        ("+86 471 2345678", "04712345678"),
        ("0086-0471-2345678", "04712345678"),
        ("010-62345678", "01062345678"),
        ("2345678", "2345678"),
        ("0471-2345678-801", "04712345678-801"),
        ("0471 2345678 转 801", "04712345678-801"),
        ("04712345678 ext. 801", "04712345678-801"),
    ],
)
def test_a_landline_is_read_in_all_spellings(text: str, number: str) -> None:
    read = read_phone(text)
    assert (read.number, read.mobile) == (number, False)
    assert canonical("phone", text) == number


@pytest.mark.parametrize(
    ("text", "part"),
    [("", "length"), ("1380013800", "length"), ("12800138000", "prefix"), ("138001380O0", "character"),
     ("0471-1345678", "length"), ("99", "length")],
)  # fmt: skip
def test_a_telephone_number_that_cannot_be_is_refused(text: str, part: str) -> None:
    with pytest.raises(NumberError) as caught:
        read_phone(text)
    assert checked(caught.value) == part


# --- bank accounts --------------------------------------------------------------------------------------


def with_luhn(body: str) -> str:
    return next(body + d for d in "0123456789" if read_account(body + d).luhn)


@given(st.text("0123456789", min_size=12, max_size=18), st.data())
def test_a_single_wrong_digit_of_a_card_is_flagged_but_not_refused(body: str, data: st.DataObject) -> None:
    number = with_luhn(body)
    at = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from([d for d in "0123456789" if d != number[at]]))
    assert not read_account(number[:at] + wrong + number[at + 1 :]).luhn


def test_the_published_luhn_example() -> None:
    assert read_account("0000079927398713").luhn
    assert not read_account("0000079927398710").luhn


@pytest.mark.parametrize(
    ("text", "bank"),
    [
        ("6228 4800 0000 0000 018", "中国农业银行"),
        ("６２２２０２0000000000018", "中国工商银行"),
        ("6227000000000000018", "中国建设银行"),
        ("6216600000000000018", "中国银行"),
        ("6221880000000000018", "中国邮政储蓄银行"),
        ("62225800000000018", "交通银行"),
        ("6229760000000000018", "内蒙古农村信用社"),
        ("622848000000", None),
        ("0000000000000000018", None),
    ],
)
def test_the_bank_is_told_where_the_first_digits_tell_it(text: str, bank: str | None) -> None:
    assert read_account(text).bank == bank


@pytest.mark.parametrize(("text", "part"), [("12345678901", "length"), ("1" * 20, "length"), ("62284800O0000000018", "character")])  # fmt: skip
def test_an_account_that_cannot_be_is_refused(text: str, part: str) -> None:
    with pytest.raises(NumberError) as caught:
        read_account(text)
    assert checked(caught.value) == part


# --- masks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mask", "text", "shown"),
    [
        (mask_identity, "152527198001011234", "152***********1234"),
        (mask_phone, "13800138000", "138****8000"),
        (mask_account, "6228480000000000018", "***************0018"),
        (mask_name, "李明", "李*"),
        (mask_name, "李建华", "李*华"),
        (mask_name, "欧阳建华", "欧**华"),
        (mask_name, "李", "*"),
        (mask_name, "", ""),
        (mask_text, "锡林浩特市", "*****"),
        (mask_identity, "1525271", "*******"),
        (mask_phone, "2345678", "*******"),
    ],
)
def test_a_mask_shows_what_it_should(mask: object, text: str, shown: str) -> None:
    assert callable(mask)
    assert mask(text) == shown


@given(st.text(max_size=25), st.sampled_from(sorted(MASKS)))
def test_a_mask_keeps_the_length_and_always_hides_something(text: str, kind: str) -> None:
    masked = MASKS[kind](text)
    assert len(masked) == len(text)
    assert masked.count("*") * 3 >= len(text)


def test_what_was_read_prints_as_its_mask() -> None:
    for read, number in (
        (read_identity(EXAMPLE, TODAY), EXAMPLE),
        (read_account("6228480000000000018"), "6228480000000000018"),
        (read_phone("13800138000"), "13800138000"),
    ):
        for printed in (str(read), repr(read), f"{read}", f"{[read]}"):
            assert "*" in printed and number not in printed
