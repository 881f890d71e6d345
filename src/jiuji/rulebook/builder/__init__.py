"""From merged definitions to a typed program; what is wrong is collected, never raised."""

from .build import build_program

__all__ = ["build_program"]
