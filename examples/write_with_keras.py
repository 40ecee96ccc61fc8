"""Writes text with a language model that `textrnn export NAME --to keras` wrote; textrnn is not needed.

pip install tensorflow keras
python write_with_keras.py NAME.keras "Once upon a time"
"""

import json
import sys

import keras
import numpy as np


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
    with open(model.removesuffix(".keras") + ".tokens.json", encoding="utf-8") as file:
        vocabulary = json.load(file)
    tokens = [token.encode("latin-1" if vocabulary["bytes"] else "utf-8") for token in vocabulary["tokens"]]
    rng, written = np.random.default_rng(), seed.encode()
    network = keras.models.load_model(model)
    ids = [vocabulary["start_id"]] * (vocabulary["window"] or 1) + list(encode(seed.encode(), tokens))
    for _ in range(int(length)):  # the whole text is read for each token: the other formats carry a state instead
        logits = np.array(network(np.array([ids[-(vocabulary["window"] or len(ids)) :]])))
        logits = logits.reshape(-1, logits.shape[-1])[-1]
        logits[: vocabulary["first_id"]] = -np.inf
        token = int((logits + float(temperature) * rng.gumbel(size=len(logits))).argmax())
        if token == vocabulary["end_id"]:
            break
        written += tokens[token]
        ids.append(token)
    print(written.decode("utf-8", "replace"))


main(*sys.argv[1:])
