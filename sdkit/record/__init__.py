"""What made a picture: written into its PNG, read back, written as plain code, made again."""

from sdkit.record.png import read_settings, rebuild, save_picture

__all__ = ["read_settings", "rebuild", "save_picture"]
