"""Keeping the endpoint's key and address out of everything that is written."""

from __future__ import annotations

import os

SECRETS = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_WEBHOOK_SECRET")
# Shorter values would blank out ordinary words.
LEAST_LENGTH = 6


def redacted(text: str) -> str:
    """The text with each secret of the environment replaced by its variable's name. A server may echo a key in an error or an answer."""
    for name in SECRETS:
        secret = os.environ.get(name, "").rstrip("/")
        if len(secret) >= LEAST_LENGTH:
            text = text.replace(secret, f"<{name}>")
    return text
