"""Small networks made by hand for the tests of `textrnn inspect`, and runs of them on disk."""

import hashlib
from pathlib import Path

import numpy as np

from textrnn.base.files import MODEL_FILE, RUN_FILE, TOKENIZER_FILE, write_json, write_weights
from textrnn.classifier.options import ClassifierConfig
from textrnn.language_model.options import Config
from textrnn.language_model.predict import LanguageModel
from textrnn.nn.numpy.load import make_network
from textrnn.text.tokens.load import build_tokenizer
from textrnn.text.tokens.vocabulary import Vocabulary

UNITS, EMBED = 7, 5
GATES = {"simple": 1, "gru": 3, "lstm": 4}
LABELS = ["bad", "good"]


def layer_shapes(prefix, kind, inputs, units=UNITS):
    width = GATES[kind] * units
    bias = (2, width) if kind == "gru" else (width,)
    return {f"{prefix}/kernel": (inputs, width), f"{prefix}/recurrent_kernel": (units, width), f"{prefix}/bias": bias}


def draw(rng, shapes, scale=0.7):
    return {name: rng.normal(0, scale, shape).astype(np.float32) for name, shape in shapes.items()}


def config_of(**options):
    return Config.from_options({"units": UNITS, "embed": EMBED, "layers": 1, **options}).resolve()


def language_model_arrays(config, vocab, rng):
    model = config.model
    one_hot, both_ways = model.input == "one-hot", model.arch == "bidirectional"
    shapes, width = {} if one_hot else {"embedding/embeddings": (vocab, model.embed)}, vocab if one_hot else model.embed
    for number in range(model.layers):
        if both_ways:
            shapes |= layer_shapes(f"layer{number}/forward", "gru", width) | layer_shapes(
                f"layer{number}/backward", "gru", width
            )
        else:
            shapes |= layer_shapes(f"layer{number}", model.arch, width)
        width = UNITS * (1 + both_ways)
    if not model.tied:
        shapes["output/kernel"] = (width, vocab)
    elif width != model.embed:
        shapes["projection/kernel"] = (width, model.embed)
    return draw(rng, {**shapes, "output/bias": (vocab,)})


def language_model(rng, text, **options):
    """A language model with random weights whose vocabulary is that of a text, and its arrays."""
    config = config_of(**options)
    tokenizer = build_tokenizer(config.tokenizer, [text])
    arrays = language_model_arrays(config, tokenizer.vocab_size, rng)
    network = make_network(config.model, tokenizer.vocab_size, arrays, window=config.data.window, start_id=2)
    return LanguageModel(network, tokenizer, config, 2, {}), arrays


def write_language_model(path: Path, rng, text, **options):
    """A run of `language_model` with a text that was held out."""
    model, arrays = language_model(rng, text, **options)
    (path / "checkpoint").mkdir(parents=True)
    write_weights(path / MODEL_FILE, arrays)
    write_json(path / TOKENIZER_FILE, model.tokenizer.to_json())
    data = model.tokenizer.encode(text).astype(np.uint8).tobytes()
    (path / "checkpoint" / "valid.ids").write_bytes(data)
    details = {
        "format_version": 1,
        "kind": "language_model",
        "config": model.config.to_json(),
        "vocab_size": model.vocab_size,
        "start_id": 2,
        "corpus": {"valid": {"sha256": hashlib.sha256(data).hexdigest()}},
    }
    write_json(path / RUN_FILE, details)
    return model


def write_classifier(path: Path, rng, words, *, pooling="attention", members=2, **options):
    """A run of a classifier with random weights; without members it is a linear one in name only."""
    config = ClassifierConfig.from_options({"units": UNITS, "embed": EMBED, "pooling": pooling, **options})
    vocabulary = Vocabulary(list(words), "word")
    encoder, arrays = config.encoder, {}
    for member in range(members):
        shapes, width = {"embedding/embeddings": (vocabulary.vocab_size, EMBED)}, EMBED
        for number in range(encoder.layers):
            ways = (f"layer{number}/forward", f"layer{number}/backward") if encoder.both_ways else (f"layer{number}",)
            for way in ways:
                shapes |= layer_shapes(way, encoder.spec.name, width)
            width = encoder.width
        shapes |= {"output/kernel": (width * len(encoder.pools), 2), "output/bias": (2,)}
        shapes |= {"pooling/query": (width, 1)} if pooling == "attention" else {}
        arrays |= {f"rnn{member}/{name}": array for name, array in draw(rng, shapes).items()}
    path.mkdir(parents=True)
    write_weights(path / MODEL_FILE, arrays)
    write_json(path / TOKENIZER_FILE, vocabulary.to_json())
    details = {
        "format_version": 1,
        "kind": "classifier",
        "config": config.to_json(),
        "classes": LABELS,
        "model": {
            "chosen": "rnn",
            "members": members,
            "linear": None,
            "mixture": None,
            "shares": [0.5, 0.5],
            "temperatures": {"rnn": 1.0},
        },
    }
    write_json(path / RUN_FILE, details)
    return arrays
