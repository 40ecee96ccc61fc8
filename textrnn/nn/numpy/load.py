"""The network of an architecture with the weights of a run."""

from __future__ import annotations

import numpy as np

from textrnn.nn.architectures import ESN
from textrnn.nn.numpy.network import CarriedNetwork, Network, WindowNetwork
from textrnn.nn.numpy.reservoir import ReservoirNetwork
from textrnn.nn.numpy.weights import Weights
from textrnn.nn.options import ModelConfig, layer_cells


def make_network(
    config: ModelConfig,
    vocab_size: int,
    arrays: dict[str, np.ndarray],
    *,
    window: int,
    start_id: int,
    num_conditions: int = 0,
    num_experts: int = 0,
) -> Network:
    """The network of an architecture with the weights of a run.

    Args:
        config: the architecture.
        vocab_size: number of tokens, the reserved ones included.
        arrays: the weights by name.
        window: tokens that a bidirectional network reads.
        start_id: the token that stands before a text.
        num_conditions: see `CarriedNetwork`.
        num_experts: see `CarriedNetwork`.

    Raises:
        RunError: the weights are not those of this architecture and vocabulary.
    """
    weights = Weights(arrays)
    if config.arch == ESN:
        reservoir = ReservoirNetwork.load(weights, vocab_size, config.units)
        weights.check_all_used()
        return reservoir
    both_ways = any(cell.both_ways for cell in layer_cells(config))
    network: Network = (
        WindowNetwork(config, vocab_size, weights, window=window, start_id=start_id)
        if both_ways
        else CarriedNetwork(config, vocab_size, weights, num_conditions, num_experts)
    )
    weights.check_all_used()
    return network
