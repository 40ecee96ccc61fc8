"""The options of `textrnn serve`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from textrnn.base.config import MACHINES, Checked, option
from textrnn.base.errors import ConfigError


@dataclass(frozen=True)
class ServeConfig(Checked):
    """Where it listens, whom it answers, and how much may be asked for."""

    section = MACHINES

    host: str = option("127.0.0.1", "Address to listen on; any other than this machine's own needs --token.")
    port: int = option(8000, "Port to listen on; 0 for a free one.", low=0, high=65535)
    token: str | None = option(
        None, "What a client has to send as its API key; also from TEXTRNN_TOKEN in the environment."
    )
    max_models: int = option(4, "Runs that are kept open; of more the least used is let go.", low=1, high=1000)
    max_memory: int = option(4000, "MB that their files may have together.", low=1, high=1_000_000, unit="MB")
    max_body: int = option(20, "MB of the largest request, a table included.", low=1, high=1000, unit="MB")
    max_chars: int = option(
        100_000, "Most characters of the texts of a request, but for tables.", low=1, high=100_000_000
    )
    max_tokens: int = option(20_000, "Most tokens that a text of a request may have.", low=1, high=1_000_000)
    max_texts: int = option(64, "Most texts that a request may ask for.", low=1, high=10_000)
    max_queue: int = option(
        256, "Most texts and other requests that are worked on or wait; further ones are refused.", low=1, high=100_000
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.token is not None and not (self.token.isascii() and self.token.isprintable() and len(self.token) > 7):
            raise ConfigError("--token has to have 8 or more letters, digits or signs of ASCII")
        if not is_loopback(self.host) and self.token is None:
            raise ConfigError(
                f"--host {self.host!r:.60} can be reached by others: give a --token that clients have to send, or "
                "leave out --host"
            )


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone.

    Example:
        >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
        (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
