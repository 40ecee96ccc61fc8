"""Files of pairs: formats, columns, levels, kinds; and a source in one part only."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textrnn.base.errors import ConfigError, DataError, TokenizerError
from textrnn.text.options import NormalizeConfig
from textrnn.translator.batches import EncodedPairs, PairBatches
from textrnn.translator.options import PairsConfig, TranslateConfig
from textrnn.translator.pairs import PairOptions, Pairs, read_pairs
from textrnn.translator.split import by_source, source_key, split
from textrnn.translator.store import read_pairs_file, write_pairs
from textrnn.translator.tokens import BlankTokenizer, Side, build_side, chosen_kind, side_from_json, units


def read(tmp_path, text, name="pairs.tsv", **options):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_pairs(str(tmp_path / name), PairOptions(**options), NormalizeConfig())


def test_third_column_is_ignored_and_quotes_are_text(tmp_path):
    found = read(tmp_path, 'Say "hi".\tDis "salut".\tCC-BY: someone\nGo.\tVa !\nGo.\tVa !\n')
    assert (found.sources, found.targets) == (['Say "hi".', "Go."], ['Dis "salut".', "Va !"])


def test_lines_without_a_target_and_empty_sides_are_told(tmp_path):
    found = read(tmp_path, "a\tb\n" * 1 + "".join(f"x{n}\ty{n}\n" for n in range(30)) + "alone\n\tz\n")
    assert len(found) == 31
    assert found.warnings == [
        "pairs.tsv: 1 line without a target left out",
        "pairs.tsv: 1 pair with an empty side left out",
    ]


def test_lines_end_at_line_feeds_and_carriage_returns_alone(tmp_path):
    found = read(tmp_path, "a\u2028b\tc\x85d\r\ne\ff\tg\vh\x1ci\r" + "long\t" + 99 * "j")
    assert (found.sources[:2], found.targets[:2]) == (["a b", "e f"], ["c d", "g h i"])


CMU = ";;; a comment\nread R EH1 D\nread(2) R IY1 D\n# another\nred  R EH1 D # a colour\n"


@pytest.mark.parametrize("form", [None, "cmudict"])
def test_variants_of_a_dictionary_belong_with_their_word(tmp_path, form):
    found = read(tmp_path, CMU, "cmu.dict", form=form)
    assert found.form == "cmudict"
    assert by_source(found) == (["read", "red"], [["R EH1 D", "R IY1 D"], ["R EH1 D"]])


def test_columns_of_a_table_are_named(tmp_path):
    text = 'id,french,english\n1,"Oui, oui",yes\n2,Non,no\n'
    found = read(tmp_path, text, "t.csv", source_column="english", target_column="2")
    assert (found.sources, found.targets) == (["yes", "no"], ["Oui, oui", "Non"])
    with pytest.raises(DataError, match=r"3 columns .*--source-column"):
        read(tmp_path, text, "t.csv")
    with pytest.raises(DataError, match="no column 'german' as --target-column"):
        read(tmp_path, text, "t.csv", source_column="english", target_column="german")


def test_two_columns_need_no_names(tmp_path):
    found = read(tmp_path, "eins;one\nzwei;two\ndrei;three\n", "t.csv")
    assert (found.sources[0], found.targets[0], len(found)) == ("eins", "one", 3)
    assert read(tmp_path, "a,b\nc,d\n", "t.csv", target_column="1").sources == ["b", "d"]


def test_levels_show_in_the_pairs():
    phonemes = Pairs(["cat", "at", "tea"], ["K AE1 T", "AE1 T", "T IY1"], form="cmudict")
    assert chosen_kind(phonemes, PairsConfig()) == ("encoder-decoder", ("char", "token"))
    assert chosen_kind(Pairs(["hello"], ["ohlol"]), PairsConfig()) == ("aligned", ("char", "char"))
    tags = Pairs(["the cat sat", "a dog"], ["DT NN VB", "DT NN"])
    assert chosen_kind(tags, PairsConfig()) == ("aligned", ("token", "token"))
    assert chosen_kind(tags, PairsConfig(kind="encoder-decoder"))[0] == "encoder-decoder"
    prose = Pairs(["I am here now.", "Go on, please!"] * 600, ["我在这里。", "请继续！"] * 600)
    assert chosen_kind(prose, PairsConfig()) == ("encoder-decoder", ("token", "char"))
    assert chosen_kind(prose, PairsConfig(source_level="bpe"))[1] == ("bpe", "char")
    with pytest.raises(ConfigError, match="'cat' and 'K AE1 T' have 3 and 7"):
        chosen_kind(phonemes, PairsConfig(kind="aligned", level="char"))


TEXTS = ["Don't stop, he said.", "He said 20 % of it.", "Stop, he said."]


@pytest.mark.parametrize("level", ["char", "word", "token", "bpe"])
def test_texts_come_back_from_their_ids(level):
    side = build_side(TEXTS, level, PairsConfig(min_count=1, vocab_size=400))
    again = side_from_json(side.tokenizer.to_json())
    for text in TEXTS:
        assert again.decode(side.encode(text)) == text and again.level == level
    assert len(side.encode("")) == 0
    assert units("Va !", level) == (["V", "a", " ", "!"] if level == "char" else ["Va", "!"])


def test_first_word_is_no_other_word():
    side = build_side(["he said he", "said he"], "word", PairsConfig(min_count=1))
    ids = side.encode("he said he")
    assert len(ids) == 3 and ids[0] == ids[2]


@pytest.mark.parametrize("values", [{"level": "token"}, {"level": "token", "tokens": ["a b"]}, {"level": "x"}, None])
def test_damaged_vocabularies_are_refused(values):
    with pytest.raises(TokenizerError):
        side_from_json(values)


def test_unknown_tokens_have_the_id_of_the_unknown():
    assert Side(BlankTokenizer(["K"])).encode("K X").tolist() == [2, 1]


SOURCES = st.lists(st.sampled_from([*"abcdefghijklmnop", "A", "B ", "c  c", "C C"]), min_size=14, max_size=40)


@settings(max_examples=50, deadline=None)
@given(SOURCES, st.integers(0, 5), st.integers(1, 9), st.booleans())
def test_no_source_is_in_two_parts(sources, seed, most, has_test):
    pairs = Pairs(sources, [f"t{number}" for number in range(len(sources))])
    keys = set(map(source_key, sources))
    if len(keys) < 10:
        return
    test = Pairs(["B", "zz"], ["x", "y"]) if has_test else None
    parts, _ = split(pairs, share=0.3, max_rows=most, test=test, rng=np.random.default_rng(seed))
    seen = [set(map(source_key, part.sources)) for part in parts.values()]
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
    assert all(seen)
    if not has_test:
        assert sum(map(len, parts.values())) == len(pairs)
        largest = max(sum(source_key(one) == key for one in sources) for key in keys)
        assert len(parts["test"]) <= max(most, largest)


def test_few_pairs_are_learnt_and_measured_on():
    pairs = Pairs(["a", "b"], ["c", "d"])
    parts, words = split(pairs, share=0.1, max_rows=9, test=None, rng=np.random.default_rng(0))
    assert parts["train"] is parts["test"] is pairs and "too few" in words


def test_pairs_come_back_from_disk(tmp_path):
    parts = {name: Pairs([f"{name} é", "b"], ["中", "d e"]) for name in ("train", "valid", "test")}
    write_pairs(tmp_path / "pairs.safetensors", parts)
    found = read_pairs_file(tmp_path / "pairs.safetensors")
    assert {name: (p.sources, p.targets) for name, p in found.items()} == {
        name: (p.sources, p.targets) for name, p in parts.items()
    }


def test_batches_hold_each_pair_once_an_epoch_and_hang_on_the_seed_alone():
    ids = [np.full(number % 5 + 1, number, np.int32) for number in range(23)]
    one, same = (PairBatches(EncodedPairs(ids, ids), 4, 7) for _ in range(2))
    seen = [batch[0][:, 0].tolist() for batch in (one.batch(1, index) for index in range(one.num_batches))]
    assert sorted(row for rows in seen for row in rows) == list(range(23))
    assert same.batch(1, 3)[0].tolist() == one.batch(1, 3)[0].tolist() != one.batch(2, 3)[0].tolist()
    sources, _, _, mask = one.batch(0, 0)
    assert mask.sum() == sum(len(ids[number]) for number in sources[:, 0])


def test_options_round_trip_and_sizes_follow_the_text():
    config = TranslateConfig.from_options({"units": 9, "epochs": 2.0}).sized(num_tokens=60_000)
    assert (config.network.units, config.network.embed, config.learning.batch) == (9, 9, 128)
    assert TranslateConfig.from_json(config.to_json()) == config
    with pytest.raises(ConfigError, match="--level is for both sides"):
        PairsConfig(level="char", source_level="word")
    with pytest.raises(ConfigError, match="bpe needs at least 259"):
        PairsConfig(level="bpe", vocab_size=100)
