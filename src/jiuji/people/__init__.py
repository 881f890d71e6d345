"""Persons and households, recognised status, consents; identifiers that are protected."""
