"""Identity, telephone and account numbers: read, checked, masked, and brought into one spelling.

    read_identity("１５２５２７１９８００１０１１２３x", today)  →  number, division, birthday, sex
    canonical("identity", "152527 800101 123")             →  the same 18 characters, whoever typed it and how
    mask_identity("152527198001011234")                    →  152***********1234

What a number means is checked when it is entered (``read_…``); ``canonical`` judges nothing, because a blind index must
also meet the faulty numbers of old registers. Results print as masks and errors never repeat a number, so that neither
can leak through a log.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from jiuji.rulebook.errors import JiujiError

Sex = Literal["m", "f"]
IdentityKind = Literal["resident", "hong-kong", "macau", "taiwan"]

# GB 11643-1999 (ISO 7064, MOD 11-2): weights of the first 17 digits; the check character by remainder.
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK: Final = "10X98765432"
_DIGITS: Final = frozenset("0123456789")

# 港澳台居民居住证 (State Council, 2018): 18 characters of the same make under these codes instead of a county's.
_RESIDENCE_PERMITS: Final[dict[str, IdentityKind]] = {"810000": "hong-kong", "820000": "macau", "830000": "taiwan"}

# GB/T 2260: the first two digits of every province-level division that gives out identity numbers.
_PROVINCES: Final = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
    ]
)

# What is typed or scanned in place of the check character X: Cyrillic, Greek, multiplication sign.
_LIKE_X: Final = str.maketrans("ХΧ×", "XXX")


class NumberError(JiujiError, ValueError):
    """A number that cannot be right. ``code`` says which part: length, character, division, birthday, checksum, prefix."""

    def __init__(self, zh: str, en: str, code: str) -> None:
        super().__init__(zh, en, key=code)
        self.code = code


@dataclass(frozen=True, repr=False)
class IdentityNumber:
    """A resident identity number, or that of a residence permit for Hong Kong, Macau and Taiwan residents."""

    number: str
    """18 characters, the last possibly X."""
    kind: IdentityKind
    division: str
    """Six digits: where the number was first given out, which need not be where the person lives."""
    birthday: dt.date
    sex: Sex

    def __str__(self) -> str:
        return mask_identity(self.number)

    def __repr__(self) -> str:
        return f"<IdentityNumber {self}>"


@dataclass(frozen=True, repr=False)
class BankAccount:
    """A bank card or passbook. ``luhn`` is a hint: cards carry that check digit, some passbooks do not."""

    number: str
    luhn: bool
    bank: str | None
    """The bank's name in Chinese, where the first digits tell it."""

    def __str__(self) -> str:
        return mask_account(self.number)

    def __repr__(self) -> str:
        return f"<BankAccount {self}>"


@dataclass(frozen=True, repr=False)
class Phone:
    """A telephone number: 13800138000, or 04712345678 with area code, and an extension as 04712345678-801."""

    number: str
    mobile: bool

    def __str__(self) -> str:
        return mask_phone(self.number)

    def __repr__(self) -> str:
        return f"<Phone {self}>"


# --- reading ------------------------------------------------------------------------------------------


def read_identity(text: str, today: dt.date) -> IdentityNumber:
    """Read a resident identity number (GB 11643); 15-digit numbers become 18. Raises NumberError.

    The correct check character is never told: it would turn a guess into a valid number.
    """
    number = _identity_characters(text)
    if len(number) not in (15, 18):
        raise NumberError(
            f"身份证号应为 18 位（旧证 15 位），现有 {len(number)} 位，请核对是否多写或漏写。",
            f"An identity number has 18 characters (15 on old cards), not {len(number)}; "
            "check for one too many or too few.",
            "length",
        )
    for position, char in enumerate(number, 1):
        if char not in _DIGITS and not (char == "X" and position == 18):
            raise _wrong_character("身份证号", "identity number", position, char)
    if len(number) == 15:
        number = _to_18(number)
    if number[:6] not in _RESIDENCE_PERMITS and number[:2] not in _PROVINCES:
        raise NumberError(
            "身份证号第 1—2 位不是任何省级行政区的代码，请核对。",
            "Characters 1 and 2 of the identity number are no province's code; check them.",
            "division",
        )
    try:
        birthday = dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise _wrong_birthday("不是真实的日期", "are no real date") from None
    if birthday > today:
        raise _wrong_birthday("晚于今天", "lie in the future")
    if _check_character(number) != number[17]:
        raise NumberError(
            "身份证号的校验码不符，至少有一位有误，请对照证件逐位核对。",
            "The identity number fails its check; at least one character is wrong. Compare it with the card.",
            "checksum",
        )
    kind = _RESIDENCE_PERMITS.get(number[:6], "resident")
    return IdentityNumber(number, kind, number[:6], birthday, "m" if int(number[16]) % 2 else "f")


def read_account(text: str) -> BankAccount:
    """Read a bank account of 12 to 19 digits. Raises NumberError; a failing Luhn digit is only reported in ``luhn``."""
    number = _characters(text)
    for position, char in enumerate(number, 1):
        if char not in _DIGITS:
            raise _wrong_character("银行账号", "account number", position, char)
    if not 12 <= len(number) <= 19:
        raise NumberError(
            f"银行账号应为 12 至 19 位数字，现有 {len(number)} 位，请核对。",
            f"An account number has 12 to 19 digits, not {len(number)}; check it.",
            "length",
        )
    return BankAccount(number, _luhn(number), _bank_of(number))


def read_phone(text: str) -> Phone:
    """Read a mobile or landline number, with or without +86, area code and extension. Raises NumberError."""
    phone = _phone(text)
    if phone:
        return phone
    number = _characters(text)
    for position, char in enumerate(number, 1):
        if char not in _DIGITS and not (char == "+" and position == 1):
            raise _wrong_character("电话号码", "telephone number", position, char)
    if number.startswith("1") and len(number) != 11:
        raise NumberError(
            f"手机号应为 11 位，现有 {len(number)} 位，请核对。",
            f"A mobile number has 11 digits, not {len(number)}; check it.",
            "length",
        )
    if number.startswith("1"):
        raise NumberError(
            "手机号的前两位应为 13 至 19，请核对。", "A mobile number begins with 13 to 19; check it.", "prefix"
        )
    raise NumberError(
        "不是手机号（11 位），也不是固定电话（区号加 7 或 8 位），请核对。",
        "Neither a mobile number (11 digits) nor a landline (area code and 7 or 8 digits); check it.",
        "length",
    )


# --- one spelling -------------------------------------------------------------------------------------


def canonical(kind: str, text: str) -> str:
    """The one spelling under which all spellings of a number meet; for blind indexes. Never refuses a number.

    ``kind``: identity, phone, account, or document (any other certificate or invoice number).
    """
    try:
        spell = _CANONICAL[kind]
    except KeyError:
        raise ValueError(f"no such kind of number: {kind!r}") from None
    return spell(text)


def _canonical_identity(text: str) -> str:
    number = _identity_characters(text)
    return _to_18(number) if len(number) == 15 and _DIGITS.issuperset(number) else number


def _canonical_phone(text: str) -> str:
    phone = _phone(text)
    return phone.number if phone else _characters(text)


def _characters(text: str) -> str:
    """Without spaces, dashes and invisible characters; digits of any script (full-width, Mongolian) as 0 to 9."""
    kept = []
    for char in unicodedata.normalize("NFKC", text):
        digit = unicodedata.decimal(char, None)
        if digit is not None:
            kept.append(str(digit))
        elif unicodedata.category(char) not in ("Zs", "Zl", "Zp", "Cc", "Cf", "Pd") and char != "\N{MINUS SIGN}":
            kept.append(char.upper())
    spelled = "".join(kept)
    # Capitals of composed letters come apart, and what a dropped character kept apart may now compose.
    return spelled if spelled == text else _characters(spelled)


def _identity_characters(text: str) -> str:
    return _characters(text).translate(_LIKE_X)


_CANONICAL: Final[dict[str, Callable[[str], str]]] = {
    "identity": _canonical_identity,
    "phone": _canonical_phone,
    "account": _characters,
    "document": _characters,
}


# --- masks --------------------------------------------------------------------------------------------


def mask_identity(text: str) -> str:
    """First three and last four characters: 152***********1234."""
    return _masked(text, 3, 4)


def mask_phone(text: str) -> str:
    """First three and last four digits: 138****1234."""
    return _masked(text, 3, 4)


def mask_account(text: str) -> str:
    """Last four digits."""
    return _masked(text, 0, 4)


def mask_name(text: str) -> str:
    """The first character of two, first and last of three or more: 李*, 李*华, 欧**明."""
    if len(text) < 2:
        return "*" * len(text)
    return _masked(text, 1, 0 if len(text) == 2 else 1)


def mask_text(text: str) -> str:
    """Nothing but the length."""
    return "*" * len(text)


def _masked(text: str, first: int, last: int) -> str:
    """Stars between; a text too short to hide at least as much as a third of it is hidden altogether."""
    hidden = len(text) - first - last
    if hidden <= 0 or hidden * 3 < len(text):
        return "*" * len(text)
    return text[:first] + "*" * hidden + text[len(text) - last :]


MASKS: Final[dict[str, Callable[[str], str]]] = {
    "identity": mask_identity,
    "phone": mask_phone,
    "account": mask_account,
    "document": mask_account,
    "name": mask_name,
    "text": mask_text,
}


# --- parts --------------------------------------------------------------------------------------------


def _check_character(number: str) -> str:
    return _CHECK[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number[:17], strict=True)) % 11]


def _to_18(number: str) -> str:
    """15 digits as 18: the century is always 19, for 15-digit numbers ended in 1999 (GB 11643-1999)."""
    body = f"{number[:6]}19{number[6:]}"
    return body + _check_character(body)


def _luhn(number: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _bank_of(number: str) -> str | None:
    for bank, cards in _CARDS.items():
        for length, prefixes in cards.items():
            if len(number) == length and number.startswith(prefixes):
                return bank
    return None


_MOBILE: Final = re.compile(r"(?:(?:\+|00)?86|0)?(1[3-9]\d{9})", re.ASCII)
_LANDLINE: Final = re.compile(r"(?:(?:\+|00)86)?(010|02\d|0[3-9]\d{2})?([2-9]\d{6,7})", re.ASCII)
_ABROAD: Final = re.compile(r"(?:\+|00)86(10|2\d|[3-9]\d{2})([2-9]\d{6,7})", re.ASCII)
_EXTENSION: Final = re.compile(r"(.*\d)\s*(?:转|分机|EXT\.?|X|#|-)\s*(\d{1,6})", re.DOTALL)


def _phone(text: str) -> Phone | None:
    number = _phone_characters(text)
    if match := _MOBILE.fullmatch(number):
        return Phone(match[1], mobile=True)
    landline = _landline(number)
    if landline is None and (match := _EXTENSION.fullmatch(unicodedata.normalize("NFKC", text).upper().strip())):
        base = _landline(_phone_characters(match[1]))
        landline = base and f"{base}-{_characters(match[2])}"
    return Phone(landline, mobile=False) if landline else None


def _phone_characters(text: str) -> str:
    return _characters(text).replace("(", "").replace(")", "")


def _landline(number: str) -> str | None:
    if match := _LANDLINE.fullmatch(number):
        return (match[1] or "") + match[2]
    if match := _ABROAD.fullmatch(number):
        return f"0{match[1]}{match[2]}"
    return None


def _wrong_character(what_zh: str, what_en: str, position: int, char: str) -> NumberError:
    return NumberError(
        f"{what_zh}第 {position} 位“{char}”不是数字，请改正。",
        f"Character {position} of the {what_en}, “{char}”, is not a digit; correct it.",
        "character",
    )


def _wrong_birthday(zh: str, en: str) -> NumberError:
    return NumberError(
        f"身份证号第 7—14 位的出生日期{zh}，请核对。",
        f"Characters 7 to 14 of the identity number, the birthday, {en}; check them.",
        "birthday",
    )


# Bank by the first digits of its debit cards (发卡行标识代码), by length of the card. Only what two public lists agree
# on (hexindai/bcbc data/bin.csv; sirencode/BankBin), and the two regional banks from the first of them. A hint for the
# clerk, never a reason to refuse: new prefixes are given out every year, and a bank that is not here is simply not told.
_CARDS: Final[dict[str, dict[int, tuple[str, ...]]]] = {
    "中国农业银行": {
        19: (
            "620059",
            "620501",
            "621282",
            "621336",
            "621619",
            "621671",
            "622821",
            "622822",
            "622823",
            "622824",
            "622825",
            "622826",
            "622827",
            "622828",
            "622841",
            "622843",
            "622844",
            "622845",
            "622846",
            "622847",
            "622848",
            "622849",
            "623018",
            "623206",
            "95595",
            "95596",
            "95597",
            "95598",
            "95599",
        )
    },
    "中国工商银行": {
        19: (
            "620058",
            "621225",
            "621226",
            "621227",
            "621240",
            "621281",
            "621288",
            "621558",
            "621559",
            "621670",
            "621720",
            "621721",
            "621722",
            "621723",
            "621724",
            "622200",
            "622202",
            "622203",
            "622208",
            "623062",
            "95588",
        )
    },
    "中国建设银行": {
        16: (
            "421349",
            "434061",
            "434062",
            "453242",
            "491031",
            "524094",
            "526410",
            "552245",
            "621080",
            "621082",
            "621083",
            "621084",
            "621466",
            "621488",
            "621499",
            "622707",
            "622966",
            "622988",
            "625955",
            "625956",
        ),
        19: ("436742", "620060", "621081", "621284", "621467", "621598", "621621", "621700", "622280", "622700"),
    },
    "中国银行": {
        19: (
            "456351",
            "601382",
            "620061",
            "621283",
            "621330",
            "621331",
            "621332",
            "621568",
            "621569",
            "621620",
            "621660",
            "621661",
            "621662",
            "621663",
            "621666",
            "621667",
            "621668",
            "621669",
            "621672",
            "621725",
            "621756",
            "621757",
            "621758",
            "621759",
            "621785",
            "621786",
            "621787",
            "621788",
            "621789",
            "621790",
            "623208",
        )
    },
    "中国邮政储蓄银行": {
        19: (
            "620062",
            "621095",
            "621096",
            "621098",
            "621285",
            "621599",
            "621674",
            "621797",
            "621798",
            "621799",
            "622150",
            "622151",
            "622181",
            "622188",
            "623218",
            "955100",
        )
    },
    "交通银行": {
        17: ("405512", "601428", "622258", "622259"),
        19: ("621069", "622260", "622261", "622262"),
    },
    "内蒙古农村信用社": {19: ("621533", "621737", "622976")},
    "内蒙古银行": {19: ("621633", "622147")},
}
