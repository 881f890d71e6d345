"""Jiuji 救急: China's temporary assistance (临时救助), from the first knock to the last yuan accounted for."""

__version__ = "0.1.0"
