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


OTHERS = {
    "columns of numbers before the texts": "1\ttea\t7\tthé\n2\tmilk\t8\tlait\n",
    "a header": "en\tfr\ntea\tthé\nmilk\tlait\n",
    "a delimiter of several signs": "".join(f"tea {n} ||| thé {n}\n" for n in range(20)),
    "a first line without a target": "alone\ntea\tthé\nmilk\tlait\n",
}


@pytest.mark.parametrize("kind", OTHERS)
def test_the_two_texts_of_a_line_are_found(tmp_path, kind):
    found = read(tmp_path, OTHERS[kind])
    assert found.sources[0].startswith("tea") and found.targets[0].startswith("thé")


@pytest.mark.parametrize("name", ["p.tsv", "p.csv"])
def test_a_first_line_that_is_no_pair_is_told(tmp_path, name):
    found = read(tmp_path, OTHERS["a header"].replace("\t", "\t" if name == "p.tsv" else ","), name)
    assert (found.sources, found.between) == (["tea", "milk"], "en to fr, as the first line says")


def test_numbers_are_texts_where_there_is_nothing_else(tmp_path):
    assert read(tmp_path, "1\tone\n2\ttwo\n").sources == ["1", "2"]


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


THREE = "cat  K AE1 T\ndog  D AO1 G\nfish  F IH1 SH\n"
DICTIONARIES = {
    "three words": (THREE, ["cat", "dog", "fish"]),
    "comments at the head": ("# words\n#and phonemes\n;;; of English\n\n" + THREE, ["cat", "dog", "fish"]),
    "entries that begin with a number sign": (
        "#head\n" + THREE + "#hash HH AE1 SH\n# end\n",
        ["cat", "dog", "fish", "#hash"],
    ),
    "tabs and variants": (THREE.replace("  ", "\t") + "cat(2)\tK AH0 T ;;; rare\n", ["cat", "dog", "fish", "cat"]),
    "other signs": ("cat k æ t\ndog d ɒ ɡ\nfish f ɪ ʃ\n", ["cat", "dog", "fish"]),
}


@pytest.mark.parametrize("kind", DICTIONARIES)
def test_small_dictionaries_with_comments_are_found_out(tmp_path, kind):
    text, words = DICTIONARIES[kind]
    found = read(tmp_path, text, "small.dict")
    assert (found.form, found.sources, found.warnings) == ("cmudict", words, [])
    assert not any(sign in target for target in found.targets for sign in "#;")


def test_comments_at_the_head_of_pairs_are_none(tmp_path):
    found = read(tmp_path, "# English and French\n;;; by someone\n#1\tn° 1\nGo # on.\tVa !\n")
    assert (found.sources, found.form, found.warnings) == (["#1", "Go # on."], "tsv", [])


@pytest.mark.parametrize("text", ["月 落\n乌 啼\n霜 满天\n", "So it is\nas we do\nor not\nwhen they came\n"])
def test_prose_is_no_dictionary(tmp_path, text):
    with pytest.raises(DataError, match="one column only"):
        read(tmp_path, text)


def test_reverse_turns_any_file_round(tmp_path):
    found = read(tmp_path, CMU, reverse=True)
    assert (found.sources[0], found.targets[0], found.is_reversed) == ("R EH1 D", "read", True)
    assert chosen_kind(found, PairsConfig())[1] == ("token", "char")
    assert chosen_kind(found.some([0, 2]), PairsConfig(target_level="word"))[1] == ("token", "word")
    columns = dict(source_column="a", target_column="b", reverse=True)
    assert read(tmp_path, "a,b\none,eins\n", "t.csv", **columns).sources == ["eins"]


def parallel(tmp_path, sources, targets, **options):
    (tmp_path / "a.en").write_bytes(sources.encode())
    (tmp_path / "a.fr").write_bytes(targets.encode("utf-16"))
    paths = dict(path=str(tmp_path / "a.en"), target=str(tmp_path / "a.fr"))
    return read_pairs(options=PairOptions(**options), config=NormalizeConfig(), **paths)


def test_two_files_are_read_line_by_line(tmp_path):
    found = parallel(tmp_path, "tea\tcup\r\n\r\nsee\u2028it\r\n", "tasse\n \nvois-le")
    assert (found.sources, found.targets) == (["tea cup", "see it"], ["tasse", "vois-le"])
    assert (found.form, found.warnings) == ("parallel", ["a.en: 1 pair with an empty side left out"])
    assert (found.file["name"], found.file["target"]["name"], found.file["target"]["bytes"]) == ("a.en", "a.fr", 32)
    assert parallel(tmp_path, "a\nb", "c\nd", reverse=True).sources == ["c", "d"]


@pytest.mark.parametrize(
    ("sources", "targets", "told"),
    [
        (
            "a\n\nb\n",
            "c\nd\n",
            "a.en has 3 lines and a.fr has 2 lines: .*line 2 is the first blank one of a.en, a.fr has no",
        ),
        (
            "a\n",
            "c\nd\n\n",
            "a.en has 1 line and a.fr has 3 lines: .*a.en has no blank line, line 3 is the first",
        ),
    ],
)
def test_two_files_need_equally_many_lines(tmp_path, sources, targets, told):
    with pytest.raises(DataError, match=told):
        parallel(tmp_path, sources, targets)


JSON = {
    "known names": (
        '{"id": "1", "tgt": "thé", "src": "tea"}\n{"id": "2", "tgt": "va", "src": "go"}\n',
        {},
        "src to tgt",
    ),
    "two texts": ('{"id": 1, "en": "tea", "fr": "thé"}\n\n{"id": 2, "en": "go", "fr": "va"}\n', {}, "en to fr"),
    "nested": (
        '{"translation": {"en": "tea", "fr": "thé"}}\n{"translation": {"en": "go", "fr": "va"}}\n',
        {},
        "translation.en to translation.fr",
    ),
    "chosen": (
        '{"t": {"en": "tea", "fr": "thé", "de": "Tee"}}\n{"t": {"en": "go", "fr": "va", "de": "geh"}}\n',
        dict(source_column="en", target_column="t.fr"),
        "t.en to t.fr",
    ),
    "one is chosen": ('{"fr": "thé", "en": "tea"}\n{"fr": "va", "en": "go"}\n', dict(target_column="fr"), "en to fr"),
    "lists": ('["tea", "thé"]\n["go", "va"]\n', {}, "1 to 2"),
    "a list of objects": ('[\n {"en": "tea", "fr": "thé"},\n {"en": "go",\n "fr": "va"}\n]\n', {}, "en to fr"),
    "a list within an object": (
        '{"version": "1", "data": [{"question": "tea", "answer": "thé"}, {"question": "go", "answer": "va"}]}',
        {},
        "question to answer",
    ),
    "instructions": (
        '[{"instruction": "tea", "input": "", "output": "thé"}, {"instruction": "go", "input": "", "output": "va"}]',
        {},
        "instruction to output",
    ),
    "talks": (
        '{"messages": [{"role": "system", "content": "!"}, {"role": "user", "content": "tea"},'
        ' {"role": "assistant", "content": "thé"}]}\n'
        '{"conversations": [{"from": "human", "value": "go"}, {"from": "gpt", "value": "va"}]}\n',
        {},
        "user to assistant",
    ),
    "a talk alone": (
        '{"messages": [{"role": "user", "content": "tea"}, {"role": "assistant", "content": "thé"}, 1,'
        '{"role": "user", "content": "go"}, {"role": "assistant", "content": "va"}]}',
        {},
        "user to assistant",
    ),
    "a list of lists": ('[["tea", "thé"], ["go", "va"]]', {}, "1 to 2"),
}


@pytest.mark.parametrize("kind", JSON)
def test_json_is_read(tmp_path, kind):
    text, options, between = JSON[kind]
    found = read(tmp_path, text, "pairs.txt", **options)
    assert (found.sources, found.targets, found.form) == (["tea", "go"], ["thé", "va"], "jsonl")
    assert (found.between, found.warnings) == (between, [])


def test_json_says_what_is_missing(tmp_path):
    found = read(tmp_path, '{"en": "a", "fr": "b"}\n{"en": "c"}\n{"en": "d", "fr": " "}\n7\n', "p.jsonl")
    assert found.warnings == [
        "p.jsonl: 2 records without texts left out",
        "p.jsonl: 1 pair with an empty side left out",
    ]
    for text, told, options in (
        ('{"en": "a", "fr": "b", "de": "c"}', "its texts are en, fr, de; name two by --source-column", {}),
        ('{"en": "a", "fr": "b"}', "no text 'es' as --target-column: there are en, fr", dict(target_column="es")),
        ('{"en": "a", "fr": "b"', "line 1 is no JSON", {}),
        (r'{"e\nn": "a", "fr": "b", "de": "c"}', "its texts are e n, fr, de; name", {}),
        ("[1, 2]", "its texts are none", {}),
    ):
        with pytest.raises(DataError, match=told):
            read(tmp_path, text, "p.jsonl", **options)


def tmx(*units, head='<!DOCTYPE tmx SYSTEM "tmx14.dtd">', srclang="*all*"):
    """A translation memory; of each unit the texts by language."""
    variants = ("".join(f'<tuv xml:lang="{name}"><seg>{text}</seg></tuv>' for name, text in unit) for unit in units)
    body = "".join(f"<tu>\n<note>no text</note>{unit}</tu>\n" for unit in variants)
    return f'<?xml version="1.0"?>\n{head}\n<tmx version="1.4"><header srclang="{srclang}"/><body>{body}</body></tmx>'


EN_FR = [("en-GB", "a &lt;b&gt;<ph>{1}</ph> <hi>tea</hi>"), ("FR", "un\n thé")]


def test_translation_memories_are_read_without_empty_units(tmp_path):
    found = read(tmp_path, tmx(EN_FR, [("en-GB", ""), ("FR", " ")], [], [("en-GB", "alone")]), "m.tmx")
    assert (found.sources, found.targets, found.form) == (["a <b> tea"], ["un thé"], "tmx")
    assert found.between == "en-gb to fr"
    assert found.warnings == ["m.tmx: 2 units without texts left out", "m.tmx: 1 pair with an empty side left out"]
    assert read(tmp_path, tmx(EN_FR, srclang="fr"), "memory").sources == ["un thé"]
    assert read(tmp_path, tmx(EN_FR), "m.tmx", source_column="fr").sources == ["un thé"]
    three = tmx([*EN_FR, ("de", "Tee")])
    assert read(tmp_path, three, "m.tmx", source_column="de", target_column="en").targets == ["a <b> tea"]
    for text, told, options in (
        (three, "texts in en-gb, fr, de: name two by --source-column", {}),
        (three, "no language 'es' as --target-column: there are en-gb, fr, de", dict(target_column="es")),
        (tmx([*EN_FR, ("d" * 500, "Tee")]), "texts in en-gb, fr, d{1,190}: name two", {}),
        (tmx([("en", "a")]), "texts in one language only", {}),
        (three[:-9], "no whole XML, line", {}),
    ):
        with pytest.raises(DataError, match=told):
            read(tmp_path, text, "m.tmx", **options)


@pytest.mark.parametrize(
    "entities",
    [
        '<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;',
    ],
)
def test_translation_memories_with_entities_are_refused(tmp_path, entities):
    text = tmx([("en", "&a;"), ("fr", "b")], head=f"<!DOCTYPE tmx [{entities}]>")
    with pytest.raises(DataError, match=r"m\.tmx defines the entity '(a|b)'"):
        read(tmp_path, text, "m.tmx")


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
    short = read(tmp_path, "english\n" + "one,eins\ntwo,zwei\n" * 4, "t.csv", source_column="english")
    assert (short.between, len(short.sources)) == ("english to column 2, as the first line says", 2)


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
