"""Keeping the endpoint's key and address out of everything that is written."""

from __future__ import annotations

import os

SECRETS = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_WEBHOOK_SECRET")
# Shorter values would blank out ordinary words.
LEAST_LENGTH = 6


def redacted(text: str) -> str:
    """The text with each secret of the environment replaced by its variable's name, also where the host stands for an address. A server may
    echo a key in an error or an answer."""
    for name in SECRETS:
        secret = os.environ.get(name, "").rstrip("/")
        host = secret.partition("://")[2].partition("/")[0].rpartition("@")[2]
        for hidden in (secret, host):
            if len(hidden) >= LEAST_LENGTH:
                text = text.replace(hidden, f"<{name}>")
    return text
