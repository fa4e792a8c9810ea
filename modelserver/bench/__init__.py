"""Measures the server under load, on the device that it finds."""
