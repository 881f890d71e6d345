"""Jiuji as one installation: settings, the database driver, the start check, backup and restore."""
