"""Tells the labels of texts with a classifier that `textrnn export NAME --to onnx` wrote; textrnn is not needed.

pip install onnxruntime numpy
python classify_with_onnx.py NAME.onnx "Lovely tea." "Never again."
"""

import json
import re
import sys
import unicodedata

import numpy as np
import onnxruntime


def encode(text, told):
    """The ids of a text: its words or characters in lower case, of a long one those at both ends."""
    text = unicodedata.normalize(told["unicode"], text).lower()
    for old, new in told["replace"]:
        text = text.replace(old, new)
    found = re.findall(told["words"], text.replace("\n", " ")) if told["words"] else " ".join(text.split())
    known = {token: number for number, token in enumerate(told["tokens"]) if token}
    ids = [known.get(token, told["unknown_id"]) for token in found] or [told["unknown_id"]]
    most = told["max_length"]
    return ids if len(ids) <= most else ids[: most - most // 2] + ids[len(ids) - most // 2 :]


def main(model, *texts):
    with open(model.removesuffix(".onnx") + ".tokens.json", encoding="utf-8") as file:
        told = json.load(file)
    session = onnxruntime.InferenceSession(model)
    for text in texts:
        (chances,) = session.run(None, {"ids": np.array([encode(text, told)], np.int32)})[0]
        labels = [told["labels"][chances.argmax()]]
        if told["task"] == "multi":
            each = zip(told["labels"], chances, told["thresholds"], strict=True)
            labels = [label for label, chance, least in each if chance >= least]
        print("; ".join(labels), f"{chances.max():.3f}", text, sep="\t")


main(*sys.argv[1:])
