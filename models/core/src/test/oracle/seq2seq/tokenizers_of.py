"""Writes golden/seq2seq-tokenizers: a small tokenizer of each class of models from text to text, and what transformers makes with it.

    python3 tokenizers_of.py ../../resources/golden/seq2seq-tokenizers        (transformers 5.18, sentencepiece 0.2)

Each folder: the tokenizer's files, config.json, and expected.json: for each of `texts` of ../tokenize/texts.py that is short, the ids that a
model reads and the text of these ids without special tokens; then the texts of some ids that are drawn; `source` and `target` are languages.
"""
import io
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tokenize"))
import sentencepiece
from families import RULES
from texts import CORPUS, TEXTS, text
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

MORE = ["Die Straße ist schön und groß.", "Le petit garçon mange une pomme.", "Ein Vogel singt im Wald"] * 4


def train(corpus, size, **options):
    """Real character maps have 240 KB: this one has a few rules."""
    model = io.BytesIO()
    with tempfile.TemporaryDirectory() as temporary:
        rules = Path(temporary) / "rules.tsv"
        rules.write_text("".join("%s\t%s\n" % tuple(" ".join("%X" % ord(c) for c in side) for side in rule) for rule in RULES))
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus), model_writer=model, vocab_size=size, hard_vocab_limit=False,
                                                 minloglevel=2, normalization_rule_tsv=str(rules), **options)
    return model.getvalue()


def pieces(model):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [processor.id_to_piece(i) for i in range(processor.get_piece_size())]


def dump(folder, name, value):
    (folder / name).write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def marian(folder):
    source, target = train(CORPUS, 180), train(MORE + CORPUS[:4], 120)
    (folder / "source.spm").write_bytes(source)
    (folder / "target.spm").write_bytes(target)
    words = ["</s>", "<unk>"] + [p for p in dict.fromkeys(pieces(source) + pieces(target)) if p not in ("</s>", "<unk>")] + [
        ">>deu<<", ">>fra<<", "<pad>"]
    dump(folder, "vocab.json", {w: i for i, w in enumerate(words)})
    return "marian", {"tokenizer_class": "MarianTokenizer", "source_lang": "eng", "target_lang": "deu", "model_max_length": 512}, None, "fra"


def marian_separate(folder):
    """Of each language its own words; both have the special tokens first, because transformers leaves out those of the source's ids."""
    source, target = train(CORPUS, 180), train(MORE + CORPUS[:4], 120)
    for spm, name, model, codes in (("source", "vocab", source, [">>deu<<", ">>fra<<"]), ("target", "target_vocab", target, [])):
        (folder / (spm + ".spm")).write_bytes(model)
        words = ["</s>", "<unk>", "<pad>"] + [p for p in pieces(model) if p not in ("</s>", "<unk>")] + codes
        dump(folder, name + ".json", {w: i for i, w in enumerate(words)})
    return "marian", {"tokenizer_class": "MarianTokenizer", "source_lang": "eng", "target_lang": "deu", "model_max_length": 512,
                      "separate_vocabs": True}, None, "fra"


def m2m_100(folder):
    model = train(CORPUS, 200, model_type="bpe")
    (folder / "sentencepiece.bpe.model").write_bytes(model)
    words = ["<s>", "<pad>", "</s>", "<unk>"] + [p for p in pieces(model) if p not in ("<s>", "</s>", "<unk>")]
    dump(folder, "vocab.json", {w: i for i, w in enumerate(words)})
    return "m2m_100", {"tokenizer_class": "M2M100Tokenizer", "src_lang": "en"}, "fr", "de"


def t5(folder):
    (folder / "spiece.model").write_bytes(train(CORPUS, 180, pad_id=0, eos_id=1, unk_id=2, bos_id=-1))
    return "t5", {"tokenizer_class": "T5Tokenizer", "extra_ids": 5, "clean_up_tokenization_spaces": True}, None, None


def mbart50(folder):
    (folder / "sentencepiece.bpe.model").write_bytes(train(CORPUS, 180))
    return "mbart", {"tokenizer_class": "MBart50Tokenizer", "src_lang": "en_XX"}, "de_DE", "fr_XX"


def pegasus(folder):
    (folder / "spiece.model").write_bytes(train(CORPUS, 180, pad_id=0, eos_id=1, unk_id=2, bos_id=-1))
    return "pegasus", {"tokenizer_class": "PegasusTokenizer"}, None, None


def saved(of, **settings):
    """The same, as save_pretrained writes it."""
    def made(folder):
        with tempfile.TemporaryDirectory() as temporary:
            model_type, config, source, target = of(Path(temporary))
            dump(Path(temporary), "config.json", {"model_type": model_type})
            dump(Path(temporary), "tokenizer_config.json", config | settings)
            AutoTokenizer.from_pretrained(temporary).save_pretrained(folder)
        return model_type, None, source, target
    return made


def nllb(folder):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    codes = ["deu_Latn", "eng_Latn", "fra_Latn", "zho_Hans"]
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=240, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False))
    tokenizer.add_special_tokens(codes + ["<mask>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    return "m2m_100", {"tokenizer_class": "NllbTokenizer", "src_lang": "eng_Latn", "additional_special_tokens": codes}, "fra_Latn", "deu_Latn"


def bart(folder):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=330, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
                                                              initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    return "bart", {"tokenizer_class": "BartTokenizer"}, None, None


CLASSES = {"marian": marian, "marian-separate": marian_separate, "m2m_100": m2m_100, "t5": t5, "mbart50": mbart50, "mbart50-saved": saved(mbart50), "mbart": saved(mbart50, tokenizer_class="MBartTokenizer"),
           "pegasus": pegasus, "pegasus-saved": saved(pegasus), "nllb": nllb, "nllb-legacy": lambda f: (nllb(f)[0], nllb(f)[1] | {"legacy_behaviour": True},) + nllb(f)[2:],
           "bart": bart}


def decode(tokenizer, ids):
    """Codes of languages are no part of a text, though M2M100's tokenizer does not know that they are special."""
    languages = getattr(tokenizer, "id_to_lang_token", {})
    known = tokenizer.decoder if getattr(tokenizer, "separate_vocabs", False) else ids
    return tokenizer.decode([i for i in ids if i not in languages and i in known], skip_special_tokens=True)


def main(root):
    for name, make in CLASSES.items():
        folder = root / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        model_type, settings, source, target = make(folder)
        dump(folder, "config.json", {"model_type": model_type})
        if settings is not None:
            dump(folder, "tokenizer_config.json", settings)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        if source is not None:
            tokenizer.src_lang = source
        short = [text(entry).encode("utf-16", "surrogatepass").decode("utf-16", "replace") for entry in TEXTS if entry[2] == 1]
        short += [">>deu<< The fox", ">>xyz<<dog", "Straße schön ß ü", "a</s>b  <pad>c"]
        rows = []
        for one in short:
            ids = tokenizer(one, truncation=False)["input_ids"]
            rows.append([one, ids, decode(tokenizer, ids)])
        draw = random.Random(1)
        drawn = [[draw.randrange(len(tokenizer)) for _ in range(12)] for _ in range(20)]
        with_target = tokenizer(">>%s<< The quick fox" % target)["input_ids"] if model_type == "marian" else None
        dump(folder, "expected.json", {"source": source, "target": target, "texts": rows, "with_target": with_target,
                                       "target_id": None if target is None or model_type == "marian" else tokenizer.convert_tokens_to_ids(
                                           "__%s__" % target if name == "m2m_100" else target),
                                       "drawn": [[ids, decode(tokenizer, ids)] for ids in drawn]})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
