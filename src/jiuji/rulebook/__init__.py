"""Rulebooks: policy as data. Load, check, decide, explain, batch. Pure Python, no web framework.

>>> from jiuji.rulebook import load
>>> load("150199").decide({"cause": "fire", ...})
"""

from .decision import Decision, Rulebook, load
from .errors import CaseError, JiujiError, NotInForce, Problem, RulebookError, UnknownRulebook
from .library import Library

__all__ = [
    "CaseError",
    "Decision",
    "JiujiError",
    "Library",
    "NotInForce",
    "Problem",
    "Rulebook",
    "RulebookError",
    "UnknownRulebook",
    "load",
]
