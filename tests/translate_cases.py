"""Small translators that several tests go through, and the equations they are compared by, written out plainly."""

import numpy as np

from textrnn.nn.numpy.weights import Weights
from textrnn.text.tokens.char import CharTokenizer
from textrnn.translator.numpy_network import AlignedNetwork, EncoderDecoderNetwork
from textrnn.translator.options import NetworkConfig, PairsConfig, TranslateConfig
from textrnn.translator.predict import Translator
from textrnn.translator.tokens import BlankTokenizer, Side

ROWS, PLACES, STEPS, EMBED, UNITS, SOURCE, TARGET = 2, 4, 3, 5, 7, 11, 9


def network_config(**options):
    """Sizes that cannot be mixed up, without dropout."""
    return NetworkConfig(**{"units": UNITS, "embed": EMBED, "dropout": 0.0, **options})


def shapes(config, *, source=SOURCE, target=TARGET, aligned=False):
    """The shape of each weight, from the formulas."""
    units, half, embed = config.units, (config.units + 1) // 2, config.embed
    gates = {"gru": 3, "lstm": 4}[config.cell]

    def cell(name, inputs, units=units):
        bias = (2, gates * units) if config.cell == "gru" else (gates * units,)
        return {
            f"{name}/kernel": (inputs, gates * units),
            f"{name}/recurrent_kernel": (units, gates * units),
            f"{name}/bias": bias,
        }

    found, width = {"source/embeddings": (source, embed)}, embed
    for number in range(config.layers):
        for way in ("forward", "backward"):
            found |= cell(f"encoder{number}/{way}", width, half)
        width = 2 * half
    if aligned:
        return found | {"output/kernel": (width, target), "output/bias": (target,)}
    count, inputs = config.decoder_layers, embed
    found |= {"target/embeddings": (target, embed), "bridge/kernel": (width, count * units)}
    found |= {"bridge/bias": (count * units,)}
    for number in range(count):
        found |= cell(f"decoder{number}", inputs) | {f"attention{number}/kernel": (units, width)}
        inputs = units + width
    return found | {"combine/kernel": (inputs, embed), "combine/bias": (embed,), "output/bias": (target,)}


def random_weights(rng, config, scale=0.5, **sizes):
    return {name: rng.normal(0, scale, shape).astype(np.float32) for name, shape in shapes(config, **sizes).items()}


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def gru(w, name, x, h):
    """One step of a GRU, x [inputs] and h [units], with Keras' weights."""
    n = len(h)
    a, b = x @ w[f"{name}/kernel"] + w[f"{name}/bias"][0], h @ w[f"{name}/recurrent_kernel"] + w[f"{name}/bias"][1]
    z, r = sigmoid(a[:n] + b[:n]), sigmoid(a[n : 2 * n] + b[n : 2 * n])
    return z * h + (1 - z) * np.tanh(a[2 * n :] + r * b[2 * n :])


def plain_memory(w, config, ids):
    """What the encoder makes of one source without padding, float64[places, width]; cell gru."""
    w = {name: np.asarray(array, np.float64) for name, array in w.items()}
    values = w["source/embeddings"][ids]
    for number in range(config.layers):
        ways = []
        for way, order in (("forward", range(len(ids))), ("backward", reversed(range(len(ids))))):
            half = (config.units + 1) // 2
            h, out = np.zeros(half), np.zeros((len(ids), half))
            for place in order:
                h = out[place] = gru(w, f"encoder{number}/{way}", values[place], h)
            ways.append(out)
        values = np.concatenate(ways, 1)
    return values


def plain_logits(w, config, ids, before):
    """Logits float64[steps, target] and attention [layers, steps, places] of one source, the plain way; cell gru."""
    w = {name: np.asarray(array, np.float64) for name, array in w.items()}
    memory, n, half = plain_memory(w, config, ids), config.units, (config.units + 1) // 2
    begin = np.tanh(np.concatenate([memory[-1, :half], memory[0, half:]]) @ w["bridge/kernel"] + w["bridge/bias"])
    states = [begin[k * n : (k + 1) * n] for k in range(config.decoder_layers)]
    logits, seen = [], []
    for token in before:
        x, own = w["target/embeddings"][token], []
        for k in range(config.decoder_layers):
            states[k] = gru(w, f"decoder{k}", x, states[k])
            scores = np.exp(memory @ (states[k] @ w[f"attention{k}/kernel"]))
            own.append(scores / scores.sum())
            x = np.concatenate([states[k], own[-1] @ memory])
        logits.append(
            np.tanh(x @ w["combine/kernel"] + w["combine/bias"]) @ w["target/embeddings"].T + w["output/bias"]
        )
        seen.append(own)
    return np.array(logits), np.array(seen).transpose(1, 0, 2)


def small_translator(rng, kind="encoder-decoder", **options):
    """A translator from characters to tokens with random weights."""
    source, target = Side(CharTokenizer(list("abcdefgh"))), Side(BlankTokenizer(["K", "L", "M"]))
    config = TranslateConfig(pairs=PairsConfig(**options), network=network_config())
    aligned = kind == "aligned"
    sizes = dict(source=10 + (not aligned), target=5 + (not aligned), aligned=aligned)
    weights = Weights(random_weights(rng, config.network, 1.0, **sizes))
    maker = AlignedNetwork if aligned else EncoderDecoderNetwork
    network = maker(config.network, sizes["source"], sizes["target"], weights)
    return Translator(kind, source, target, network, config, 1.5)
