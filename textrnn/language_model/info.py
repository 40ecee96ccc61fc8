"""What `textrnn info` says of a language model."""

from __future__ import annotations

from typing import Any

from textrnn.base.run_changes import size_in_words
from textrnn.base.tasks import RunRow
from textrnn.language_model.chat import ChatConfig
from textrnn.language_model.copies import Copies
from textrnn.text.documents import Documents, describe_documents


def row(name: str, run: dict[str, Any]) -> RunRow:
    """Its line in the list of runs."""
    config, bits = run["config"], run["metrics"].get("val_bits_per_char")
    files = ", ".join(file["name"] for file in run["corpus"]["files"])
    return RunRow(
        name,
        config["model"]["arch"],
        config["tokenizer"]["level"],
        f"{run['parameters']:,}",
        f"{bits:.3f} bits/char" if bits is not None else "-",
        run["status"],
        files,
    )


def parts_in_words(models: dict[str, dict[str, float]]) -> str:
    """The held-out loss of counts, network and mixture, for a person.

    Example:
        >>> parts_in_words({name: {"val_bits_per_char": bits} for name, bits in (("counts", 2.2), ("network", 2.4))})
        'counts alone 2.200 bits per character, network alone 2.400'
    """
    words = {"counts": "counts alone", "network": "network alone", "mixture": "both together"}
    parts = [f"{words.get(name, name)} {found['val_bits_per_char']:.3f}" for name, found in models.items()]
    return ", ".join([f"{parts[0]} bits per character", *parts[1:]])


def forgotten_in_words(start: dict[str, Any]) -> str:
    """What a run that began from another has forgotten of its text, for a person.

    Example:
        >>> forgotten_in_words(
        ...     {"run": "models/a", "tokens": 9000, "bits_per_char_before": 2.1, "bits_per_char_after": 2.8}
        ... )
        '9,000 tokens of the held-out text of models/a: 2.100 bits per character before, 2.800 now'
    """
    before, after = start["bits_per_char_before"], start["bits_per_char_after"]
    part = f"{start['tokens']:,} tokens of the held-out text of {start['run']}"
    return f"{part}: {before:.3f} bits per character before, {after:.3f} now"


def _file_in_words(file: dict[str, Any]) -> str:
    weight = f", weight {file['weight']:g}" if file.get("weight", 1) != 1 else ""
    return f"{file['name']} ({file['bytes']:,} bytes{weight})"


def lines(run: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and values of what is known about it."""
    config, corpus, metrics = run["config"], run["corpus"], run["metrics"]
    model, data = config["model"], config["data"]
    found = [
        ("run", run["run"]),
        (
            "what",
            f"language model, {model['arch']}, {model['layers']} x {model['units']} units, "
            f"{size_in_words(run['parameters'], run['model_bytes'])}",
        ),
        ("tokens", f"{config['tokenizer']['level']}, {run['vocab_size']:,} in the vocabulary"),
        ("text", "; ".join(map(_file_in_words, corpus["files"]))),
        ("learnt from", f"{corpus['train']['chars']:,} characters; {corpus['valid']['chars']:,} held out"),
        ("window", f"{data['window']} tokens, batch {data['batch']}, {data['batching']}"),
    ]
    template = ChatConfig.from_json(config.get("chat", {})).template()
    found.append(("chat", f"written as {template.text!r} (textrnn serve)"))
    if documents := Documents.from_json(run["documents"], run["vocab_size"]):
        column = config["documents"]["condition"]
        name, _, words = describe_documents(documents, column).partition(": ")
        found.append((name, words))
    if metrics:
        bits, nats = metrics["val_bits_per_char"], metrics["val_nats_per_token"]
        loss = f"{bits:.4f} bits per character ({nats:.4f} nats per token), at epoch {metrics['epoch']:.3g}"
        found.append(("held-out loss", loss))
        models = metrics.get("models") or {}
        if len(models) > 1:
            found.append(("of which", parts_in_words(models)))
    if "bits_per_char_after" in (run.get("from") or {}):
        found.append(("began from", forgotten_in_words(run["from"])))
    if run.get("copies"):
        found.append(("copied", Copies(**run["copies"]).in_words()))
    return found
