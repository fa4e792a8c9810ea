"""The training of the default model, and its comparison with other engines."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # see server/__init__.py
