"""`/v1/score`, `/v1/classify`, `/v1/translate` and `/v1/answer`: what the other commands do, for texts of a request."""

from __future__ import annotations

import base64
import itertools
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from textrnn.answerer.stories import question_of
from textrnn.base.errors import ConfigError, DataError, TextRNNError
from textrnn.classifier.predict_file import PredictOptions, predict, summary
from textrnn.language_model.score import scored_chars
from textrnn.serve.problems import Problem
from textrnn.serve.requests import Answering, Classifying, Scoring, Translating, check_chars, texts_of
from textrnn.serve.shelf import LANGUAGE_MODEL, Opened, Service
from textrnn.text.normalize import normalize
from textrnn.text.table.joined import open_tables
from textrnn.text.table.table import TableOptions
from textrnn.translator.options import DecodeConfig

R = TypeVar("R")
CLASSIFIER, TRANSLATOR, ANSWERER = "classifier", "translator", "answerer"
MOST_TEXTS = 10_000  # of a request to classify or translate
KEPT = ("rows", "column", "test", "unlike", "unknown_labels")  # of what `predict` returns
SHOWN_ROWS = 50  # of a table, in the answer
TABLE_NAME = re.compile(r"\.(csv|tsv|txt|json|jsonl|ndjson|xlsx|parquet|csv\.gz|tsv\.gz)$")


async def _worked(service: Service, name: str | None, kind: str, work: Callable[[Opened], R]) -> R:
    """What some work with a run gives; it counts as one text."""
    with service.places.taken(1):
        async with service.shelf.using(name, kind) as opened:
            return await service.pool.run(lambda: work(opened))


async def score(service: Service, asked: Scoring) -> dict[str, Any]:
    """Answers `/v1/score`."""
    check_chars([asked.input], service.config.max_chars)

    def work(opened: Opened) -> dict[str, Any]:
        model = opened.model if asked.use is None else opened.model.using(asked.use)
        found = dict(model=opened.name, **model.score(asked.input).to_json())
        if asked.use is None and len(model.predictors) > 1:
            found["parts"] = {name: model.using(name).score(asked.input).bits_per_char for name in model.predictors}
        if asked.per_char:
            found["characters"] = list(scored_chars(model, [normalize(asked.input, model.normalize_config)]))
        return found

    return await _worked(service, asked.model, LANGUAGE_MODEL, work)


async def classify(service: Service, asked: Classifying) -> dict[str, Any]:
    """Answers `/v1/classify`."""
    texts = check_chars(texts_of(asked.input, "input", MOST_TEXTS), service.config.max_chars)

    def work(opened: Opened) -> dict[str, Any]:
        data = opened.model.explain(texts) if asked.explain else opened.model.classify(texts)
        return dict(object="list", model=opened.name, task=opened.model.kind.task, data=data)

    return await _worked(service, asked.model, CLASSIFIER, work)


async def classify_table(service: Service, model: str | None, name: str, table: bytes) -> dict[str, Any]:
    """Answers `/v1/classify/table`: the table with its new columns.

    Args:
        service: of the run.
        model: its name.
        name: of the file; its end says of which form it is.
        table: the file.

    Raises:
        Problem: no table has such a name.
        DataError: it cannot be read.
    """
    found = TABLE_NAME.search(name.lower())
    if found is None:
        expected = ".csv, .tsv, .txt, .json, .jsonl, .xlsx or .parquet"
        raise Problem(400, f"the file {name!r:.80} is no table: expected {expected}")

    def work(opened: Opened) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="textrnn-") as folder:
            source, target = Path(folder, "table" + found[0]), Path(folder, "table.predicted" + found[0])
            source.write_bytes(table)
            warnings = list[str]()
            options = PredictOptions(output=str(target))
            try:
                result = predict(str(source), opened.model, TableOptions(), options, warnings.append)
            except TextRNNError as error:
                raise DataError(_named(str(error), name)) from None
            shown = _first_rows(opened, str(target), str(result["column"]))
            content = base64.b64encode(target.read_bytes()).decode()
        words = [line.replace(str(target), "") for line in summary(result).splitlines()]
        words[1:2] = []  # where it was written
        stem = name[: -len(found[0])][-100:]
        kept = {key: result[key] for key in KEPT if key in result}
        lines = dict(summary=[_named(line, name) for line in words], warnings=[_named(line, name) for line in warnings])
        file = dict(name=f"{stem}.predicted{found[0]}", content=content, shown=shown)
        return {"model": opened.name, **kept, **lines, **file}

    return await _worked(service, model, CLASSIFIER, work)


def _named(line: str, name: str) -> str:
    """A line on the table by the name that it has for the client, without the folder it was in for a moment."""
    line = re.sub(r"\S*textrnn-\w+[/\\]", "", line)
    return re.sub(r"\btable\.(?:predicted\.)?\w+(\.gz)?\b", lambda _: name, line)


def _first_rows(opened: Opened, path: str, column: str) -> list[dict[str, Any]]:
    """The texts of the first rows, and what is said of them."""
    learnt, options = opened.model.details.get("table"), TableOptions()
    if isinstance(learnt, dict):
        options = options.like(learnt.get("text_column"), column)
    with open_tables([path], options, needs_label=False) as table:
        texts = [row.text for row in itertools.islice(table.rows(), SHOWN_ROWS)]
    made = opened.model.classify(texts)
    return [{"text": text[:300], **one} for text, one in zip(texts, made, strict=True)]


async def translate(service: Service, asked: Translating) -> dict[str, Any]:
    """Answers `/v1/translate`."""
    texts = check_chars(texts_of(asked.input, "input", MOST_TEXTS), service.config.max_chars)

    def work(opened: Opened) -> dict[str, Any]:
        made = opened.model.some(texts, DecodeConfig(beam=asked.beam))
        data = [
            dict(text=one.text, nats=one.nats, unseen=list(opened.model.unseen(text)))
            for text, one in zip(texts, made, strict=True)
        ]
        return dict(object="list", model=opened.name, data=data)

    return await _worked(service, asked.model, TRANSLATOR, work)


async def answer(service: Service, asked: Answering) -> dict[str, Any]:
    """Answers `/v1/answer`."""
    story = asked.story if isinstance(asked.story, str) else texts_of(asked.story, "story", MOST_TEXTS)
    check_chars([story if isinstance(story, str) else "".join(story), asked.question], service.config.max_chars)
    if not asked.question.strip():
        raise ConfigError("question is empty: expected one such as 'Where is Mira?'")

    def work(opened: Opened) -> dict[str, Any]:
        question = question_of(story, asked.question)
        (found,) = opened.model.answer_all([question])
        return dict(
            model=opened.name,
            answer=found.text,
            confidence=found.confidence,
            attention=found.attention.tolist(),
            unseen=list(opened.model.unseen(question)),
        )

    return await _worked(service, asked.model, ANSWERER, work)
