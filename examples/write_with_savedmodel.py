"""Writes text with a language model that `textrnn export NAME --to savedmodel` wrote; textrnn is not needed.

pip install tensorflow
python write_with_savedmodel.py NAME.savedmodel "Once upon a time"
"""

import json
import sys

import numpy as np
import tensorflow as tf


def encode(text, tokens):
    """The ids of a text: the longest token that fits, one after the other; what is no token is left out."""
    ids = {token: number for number, token in enumerate(tokens) if token}
    place, longest = 0, max(map(len, ids))
    while place < len(text):
        size = next((size for size in range(longest, 0, -1) if text[place : place + size] in ids), 0)
        if size:
            yield ids[text[place : place + size]]
        place += size or 1


def main(model, seed="", length=200, temperature=0.8):
    with open(model.removesuffix(".savedmodel") + ".tokens.json", encoding="utf-8") as file:
        vocabulary = json.load(file)
    tokens = [token.encode("latin-1" if vocabulary["bytes"] else "utf-8") for token in vocabulary["tokens"]]
    rng, written = np.random.default_rng(), seed.encode()
    step_of_model = tf.saved_model.load(model).signatures["step"]
    given = {name: one.shape[1] for name, one in step_of_model.structured_input_signature[1].items() if name != "ids"}
    state = {name: tf.zeros((1, width)) for name, width in given.items()}

    def step(token, state):
        found = step_of_model(ids=tf.constant([token]), **state)
        return found["logits"][0].numpy(), {name: found[name.replace("state", "after")] for name in state}

    for token in [vocabulary["start_id"], *encode(seed.encode(), tokens)]:
        logits, state = step(token, state)
    for _ in range(int(length)):
        logits[: vocabulary["first_id"]] = -np.inf
        token = int((logits + float(temperature) * rng.gumbel(size=len(logits))).argmax())
        if token == vocabulary["end_id"]:
            break
        written += tokens[token]
        logits, state = step(token, state)
    print(written.decode("utf-8", "replace"))


main(*sys.argv[1:])
