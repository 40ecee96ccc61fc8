"""A memory network in NumPy: it answers questions about stories, and shows which sentences it looked at.

With a question q of words and sentences x_i, counted back from the question, tables E_0 ... E_K of words and
T_0 ... T_K of places (each hop's second table is the next hop's first one):

    q = sum over words of l * E_0[word];     o = 0;     in hop k, counted from 0:
    m_i = sum over words of l * E_k[word] + T_k[i];     c_i = sum over words of l * E_(k+1)[word] + T_(k+1)[i]
    p = softmax over sentences of (q + o) . m_i;     o = o + sum of p_i c_i
    at last logits = (q + o) W + (q * o / 0.1) V

l is 1 for a bag of words, and with position encoding, for word j of J and feature d of D, both counted from 1,
(1 - j / J) - (d / D) (1 - 2 j / J). The products q * o are beyond the paper: a sum cannot tell whether what was found
is what was asked for, so that without them yes and no are learnt by heart. 0.1 is how far the first weights spread.

References:
    Sukhbaatar et al., 2015, End-to-end memory networks; after Weston et al., 2015, Memory networks;
    Kumar et al., 2016, Ask me anything: dynamic memory networks, for products of question and memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from textrnn.answerer.options import SPREAD, AnswerConfig, MemoryNetworkConfig
from textrnn.answerer.stories import Question, question_of
from textrnn.base.errors import RunError, TextRNNError, for_python
from textrnn.base.files import MODEL_FILE, TOKENIZER_FILE, read_json, read_weights
from textrnn.base.run import read_run
from textrnn.nn.numpy.weights import Weights
from textrnn.text.normalize import normalize
from textrnn.text.tokens.vocabulary import Vocabulary

KIND = "answerer"
CHUNK = 256  # questions worked at a time


@dataclass(frozen=True)
class Answer:
    """What is said to a question.

    Attributes:
        text: the answer, as written in the stories it was learnt from.
        confidence: its probability.
        attention: float64[hops, sentences], how much each hop looked at each sentence of the story; those that are too
            far back have 0.
    """

    text: str
    confidence: float
    attention: np.ndarray


@dataclass(frozen=True)
class Arrays:
    """Questions and sentences as ids, padded with 0.

    Attributes:
        sentences: int32[batch, sentences, words], the last one told first.
        questions: int32[batch, words].
    """

    sentences: np.ndarray
    questions: np.ndarray


def to_arrays(questions: Sequence[Question], vocabulary: Vocabulary, config: AnswerConfig) -> Arrays:
    """Questions and their stories as ids; at least one sentence and one word wide."""
    most = config.network.sentences
    known: dict[str, np.ndarray] = {}

    def encode(text: str) -> np.ndarray:
        if text not in known:
            known[text] = vocabulary.encode(normalize(text, config.normalize))
        return known[text]

    told = [[encode(text) for text in question.sentences[::-1][:most]] for question in questions]
    asked = [encode(question.text) for question in questions]
    depth = max([1, *map(len, told)])
    words = max([1, *(len(ids) for ids in asked), *(len(ids) for story in told for ids in story)])
    sentences, own = np.zeros((len(told), depth, words), np.int32), np.zeros((len(told), words), np.int32)
    for row, (story, ids) in enumerate(zip(told, asked, strict=True)):
        own[row, : len(ids)] = ids
        for place, sentence in enumerate(story):
            sentences[row, place, : len(sentence)] = sentence
    return Arrays(sentences, own)


class MemoryNetwork:
    """The network of `textrnn.answerer.network`, with its weights.

    Args:
        config: the architecture.
        vocab_size: number of tokens.
        num_answers: number of answers.
        weights: its arrays by name.

    Raises:
        RunError: the weights are not those of this architecture.
    """

    def __init__(self, config: MemoryNetworkConfig, vocab_size: int, num_answers: int, weights: Weights) -> None:
        self.config, self.vocab_size, self.num_answers = config, vocab_size, num_answers
        tables = config.hops + 1
        self._words = weights.get("words", tables, vocab_size, config.embed)
        self._places = weights.get("places", tables, config.sentences, config.embed)
        self._output = weights.get("output", 2 * config.embed, num_answers)

    def logits(self, arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
        """Logits float32[batch, answers], and the attention float32[batch, hops, sentences]."""
        told = (arrays.sentences > 0).any(2)
        depth, attention = arrays.sentences.shape[1], list[np.ndarray]()
        asked = self._encoded(0, arrays.questions)
        found = np.zeros_like(asked)
        m = self._encoded(0, arrays.sentences) + self._places[0, :depth]
        for hop in range(self.config.hops):
            c = self._encoded(hop + 1, arrays.sentences) + self._places[hop + 1, :depth]
            scores = np.where(told, np.einsum("be,bse->bs", asked + found, m), -np.inf)
            top = scores.max(1, keepdims=True)
            shares = np.exp(scores - np.where(np.isfinite(top), top, 0))
            shares /= np.maximum(shares.sum(1, keepdims=True), np.float32(1e-30))
            found = found + np.einsum("bs,bse->be", shares, c)
            attention.append(shares)
            m = c
        both = np.concatenate([asked + found, asked * found / np.float32(SPREAD)], 1)
        logits: np.ndarray = both @ self._output
        return logits, np.stack(attention, 1)

    def _encoded(self, table: int, ids: np.ndarray) -> np.ndarray:
        """Sentences of ids [..., words] as vectors float32[..., embed]."""
        vectors = self._words[table][ids] * (ids > 0)[..., None]
        bag: np.ndarray = vectors.sum(-2)
        if self.config.encoder == "bag":
            return bag
        words = np.maximum((ids > 0).sum(-1), 1)[..., None]
        place = (np.arange(1, ids.shape[-1] + 1) / words).astype(np.float32)
        feature = (np.arange(1, self.config.embed + 1) / self.config.embed).astype(np.float32)
        # (1 - j / J) - (d / D) (1 - 2 j / J) = (1 - d / D) - j / J (1 - 2 d / D)
        weighted = (vectors * place[..., None]).sum(-2)
        encoded: np.ndarray = (1 - feature) * bag - (1 - 2 * feature) * weighted
        return encoded


@dataclass
class Answerer:
    """A memory network with the vocabulary and the answers that belong to it.

    Attributes:
        network: from ids to logits.
        vocabulary: text to ids.
        answers: what it can say.
        config: all options it was trained with.
        details: the content of `run.json`.
        path: the folder it was loaded from.
    """

    network: MemoryNetwork
    vocabulary: Vocabulary
    answers: list[str]
    config: AnswerConfig
    details: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}: {len(self.answers)} answers, {self.vocabulary.vocab_size} tokens>"

    @for_python
    def answer(self, story: str | Sequence[str], question: str) -> Answer:
        """Answers a question about a story.

        Args:
            story: its sentences, first to last; or one text with a sentence a line.
            question: what is asked.

        Raises:
            DataError: the question is empty.

        Example:
            textrnn.load("models/stories").answer(["Mira walked to the mill."], "Where is Mira?").text
        """
        return self.answer_all([question_of(story, question)])[0]

    def unseen(self, question: Question) -> tuple[str, ...]:
        """The words of a question, and of those sentences of its story that are read, which the model never saw."""
        read = [*question.sentences[-self.config.network.sentences :], question.text]
        words = (self.vocabulary.split(normalize(text, self.config.normalize)) for text in read)
        return tuple(dict.fromkeys(word for some in words for word in some if word not in self.vocabulary))

    def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Answers many questions, each about its own story."""
        found = list[Answer]()
        for begin in range(0, len(questions), CHUNK):
            part = questions[begin : begin + CHUNK]
            logits, attention = self.network.logits(to_arrays(part, self.vocabulary, self.config))
            shares = np.exp(logits - logits.max(1, keepdims=True).astype(np.float64))
            shares /= shares.sum(1, keepdims=True)
            for question, own, looked in zip(part, shares, attention, strict=True):
                best, told = int(own.argmax()), min(len(question.sentences), looked.shape[1])
                shown = np.zeros((len(looked), len(question.sentences)))
                shown[:, len(question.sentences) - told :] = looked[:, :told][:, ::-1]
                found.append(Answer(self.answers[best], float(own[best]), shown))
        return found


def open_answerer(path: Path) -> Answerer:
    """Opens the answerer in a folder.

    Raises:
        RunError: it is damaged, of another kind, or its parts do not belong together.
    """
    details = read_run(path, KIND)
    answers = details.get("answers")
    if not isinstance(answers, list) or not answers or not all(isinstance(answer, str) for answer in answers):
        raise RunError(f"{path} is damaged: its answers are {answers!r:.60}; train again")
    try:
        config = AnswerConfig.from_json(details.get("config"))
        values = read_json(path / TOKENIZER_FILE)
        values.pop("sha256")
        vocabulary = Vocabulary.from_json(values)
    except TextRNNError as error:
        raise error if isinstance(error, RunError) else RunError(f"{path} is damaged: {error}") from None
    weights = Weights(read_weights(path / MODEL_FILE)[0])
    try:
        network = MemoryNetwork(config.network, vocabulary.vocab_size, len(answers), weights)
        weights.check_all_used()
    except RunError as error:
        raise RunError(f"{path / MODEL_FILE}: {error}") from None
    return Answerer(network, vocabulary, answers, config, details, path)
