"""The options of an echo state network, for language models and classifiers, and what does not go with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from textrnn.base.config import Checked, flag_of, option
from textrnn.base.errors import ConfigError
from textrnn.nn.architectures import ESN as ESN

CONNECTIONS = 10  # to each unit by default: sparse is as good as dense, and fast however many units there are


@dataclass(frozen=True)
class ReservoirConfig(Checked):
    """The fixed random network of an echo state network, and the penalty on what reads it."""

    spectral_radius: float = option(
        0.5,
        "Of an echo state network: the largest absolute eigenvalue of its connections; larger remembers longer.",
        above=0,
        high=100,
    )
    leak: float = option(
        1.0, "Of an echo state network: share of a unit's state that is new at each step.", above=0, high=1
    )
    input_scale: float = option(
        1.0, "Of an echo state network: the largest weight of an input; larger is less linear.", above=0, high=1000
    )
    density: float | None = option(
        None,
        f"Of an echo state network: share of all units that each unit reads.  [default: {CONNECTIONS} units]",
        above=0,
        high=1,
    )
    ridge: float | None = option(
        None,
        "Of an echo state network: penalty on the squared weights of the readout, for each token (or text).  "
        "[default: chosen on a part that was not learnt from]",
        above=0,
        high=1e6,
    )

    def connections(self, units: int) -> int:
        """Connections to each of so many units.

        Example:
            >>> ReservoirConfig().connections(2000), ReservoirConfig(density=0.1).connections(2000)
            (10, 200)
        """
        wanted = CONNECTIONS if self.density is None else round(self.density * units)
        return min(units, max(1, wanted))


RESERVOIR = tuple(item.name for item in fields(ReservoirConfig))


def check_reservoir(options: Mapping[str, Any], allowed: tuple[str, ...], groups: tuple[type[Checked], ...]) -> None:
    """Refuses options that mean nothing beside the others, rather than to ignore them.

    Args:
        options: those that were given.
        allowed: the options that go with an echo state network, besides its own.
        groups: the option groups that the others are of.

    Raises:
        ConfigError: some do not go with `--arch esn`, or only with it.
    """
    is_esn = options.get("arch") == ESN
    flags = {item.name: flag_of(item) for group in (*groups, ReservoirConfig) for item in fields(group)}
    if is_esn:
        wrong = [name for name in options if name in flags and name not in ("arch", *allowed, *RESERVOIR)]
    else:
        wrong = [name for name in options if name in RESERVOIR]
    if not wrong:
        return
    listed = ", ".join(flags[name] for name in wrong)
    if is_esn:
        raise ConfigError(
            f"{listed} does not go with --arch esn: an echo state network has one layer of fixed random connections, "
            "and its readout is computed at once; leave it out (--units, --spectral-radius, --leak, --input-scale, "
            "--density and --ridge are what it has)"
        )
    raise ConfigError(f"{listed} goes with an echo state network: leave it out, or add --arch esn")
