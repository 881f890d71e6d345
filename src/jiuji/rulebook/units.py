"""Units of quantities, and the arithmetic that refuses ``yuan + person``.

A unit is a product of named bases with whole exponents: ``yuan/person/month`` is yuan¹·person⁻¹·month⁻¹.
A pure number (a rate, a share) has the unit ``ratio``. A multiple of a *monthly* standard is a number of
months, so that ``yuan/person/month × person × month`` is ``yuan``.
"""

from __future__ import annotations

from dataclasses import dataclass

#: The bases that the field uses, with their Chinese measure words and English names.
BASES: dict[str, tuple[str, str]] = {
    "yuan": ("元", "yuan"),
    "person": ("人", "person"),
    "household": ("户", "household"),
    "month": ("月", "month"),
    "year": ("年", "year"),
    "day": ("天", "day"),
    "time": ("次", "time"),
    "night": ("晚", "night"),
    "dwelling": ("套", "dwelling"),
    "vehicle": ("辆", "vehicle"),
    "point": ("分", "point"),
    "tier": ("档", "tier"),
}


class UnitError(ValueError):
    """Two units that do not fit, or a unit that is not known."""


@dataclass(frozen=True)
class Unit:
    """A unit as sorted (base, exponent) pairs; ``Unit(())`` is a pure number."""

    parts: tuple[tuple[str, int], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Unit:
        """Read ``"yuan/person/month"``, ``"person*month"`` or ``"ratio"``. Raises UnitError."""
        exponents: dict[str, int] = {}
        sign = 1
        word = ""
        for char in text.replace(" ", "") + "\0":
            if char in "*/\0":
                if word and word not in ("ratio", "1"):
                    if word not in BASES:
                        raise UnitError(f"{word}")
                    exponents[word] = exponents.get(word, 0) + sign
                elif not word:
                    raise UnitError(text)
                word, sign = "", (-1 if char == "/" else 1)
            else:
                word += char
        return cls._of(exponents)

    @classmethod
    def _of(cls, exponents: dict[str, int]) -> Unit:
        order = list(BASES)
        kept = [(base, n) for base, n in exponents.items() if n]
        return cls(tuple(sorted(kept, key=lambda pair: order.index(pair[0]))))

    def __mul__(self, other: Unit) -> Unit:
        return self._combine(other, 1)

    def __truediv__(self, other: Unit) -> Unit:
        return self._combine(other, -1)

    def _combine(self, other: Unit, sign: int) -> Unit:
        exponents = dict(self.parts)
        for base, n in other.parts:
            exponents[base] = exponents.get(base, 0) + sign * n
        return self._of(exponents)

    @property
    def is_money(self) -> bool:
        """True where the number counts money (per anything): it is held in fen."""
        return dict(self.parts).get("yuan", 0) == 1

    def __str__(self) -> str:
        above = [b for b, n in self.parts for _ in range(n) if n > 0]
        below = [b for b, n in self.parts for _ in range(-n) if n < 0]
        if not above and not below:
            return "ratio"
        return "/".join(["*".join(above) or "1", *below])

    def words(self, lang: str = "zh", *, many: bool = False) -> str:
        """The unit as printed after a figure: ``元/人·月``, ``yuan per person and month``; empty for a ratio.

        ``many``: after a number other than one (English alone has a plural).
        """
        which = 0 if lang == "zh" else 1
        above = [BASES[b][which] for b, n in self.parts for _ in range(n) if n > 0]
        below = [BASES[b][which] for b, n in self.parts for _ in range(-n) if n < 0]
        if not above and not below:
            return ""
        if lang == "zh":
            if not below and above == ["月"]:
                return "个月"
            return "·".join(above) + ("/" + "·".join(below) if below else "")
        if many and above and above[-1] != "yuan":
            above[-1] += "s"
        return "·".join(above) + (" per " + " and ".join(below) if below else "")


RATIO = Unit()
YUAN = Unit.parse("yuan")
PERSON = Unit.parse("person")
DAY = Unit.parse("day")
POINT = Unit.parse("point")
TIER = Unit.parse("tier")
