"""Small tokenizers of every family. Each function writes files into a folder and lists the folders that are made of them."""
import json

import tokenizers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from texts import CORPUS


def case(name, files, config=None, settings=None, special=None, whole=False):
    """A folder: files by their names there and here, config.json, tokenizer_config.json, special_tokens_map.json."""
    contents = {"config.json": config, "tokenizer_config.json": settings, "special_tokens_map.json": special}
    return {"name": name, "files": files, "json": {k: v for k, v in contents.items() if v is not None}, "whole": whole}


def same(*names):
    return {name: name for name in names}


def save(tokenizer, folder, name="tokenizer.json"):
    (folder / name).write_text(json.dumps(json.loads(tokenizer.to_str()), separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")


def wordpiece(specials, lowercase, size=220, **options):
    tokenizer = Tokenizer(models.WordPiece(unk_token=specials["unk"]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase, **options)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=size, special_tokens=list(specials.values()), show_progress=False))
    ids = [(specials[k], tokenizer.token_to_id(specials[k])) for k in ("cls", "sep")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="%s $A %s" % (ids[0][0], ids[1][0]), pair="%s $A %s $B:1 %s:1" % (ids[0][0], ids[1][0], ids[1][0]), special_tokens=ids)
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


BERT = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}


def vocabulary(tokenizer, folder, name):
    words = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / name).write_text("".join(word + "\n" for word, _ in words), encoding="utf-8")


def bert(folder):
    for name, lowercase in (("cased", False), ("uncased", True)):
        tokenizer = wordpiece(BERT, lowercase)
        save(tokenizer, folder, name + ".json")
        vocabulary(tokenizer, folder, name + ".txt")
    config = {"model_type": "bert"}
    cased, uncased = {"tokenizer.json": "cased.json"}, {"tokenizer.json": "uncased.json"}
    named = {"tokenizer_class": "BertTokenizer"}
    yield case("uncased", uncased, config, named | {"do_lower_case": True, "model_max_length": 77}, whole=True)
    yield case("cased", cased, config, named | {"do_lower_case": False})
    yield case("cased, general class", cased, config, {"tokenizer_class": "PreTrainedTokenizerFast"})
    yield case("cased, left", cased, config, {"tokenizer_class": "PreTrainedTokenizerFast", "truncation_side": "left"}, whole=True)
    yield case("accents kept", uncased, config, named | {"strip_accents": False})
    yield case("accents stripped", cased, config, named | {"do_lower_case": False, "strip_accents": True})
    yield case("chinese words", uncased, config, named | {"tokenize_chinese_chars": False})


def byte_bpe(specials, prefix, size=420):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def merges(tokenizer, folder):
    model = json.loads(tokenizer.to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"], separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")
    pairs = [m.split(" ") if isinstance(m, str) else m for m in model["merges"]]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(" ".join(p) + "\n" for p in pairs), encoding="utf-8")


def roberta(folder):
    tokenizer = byte_bpe(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], False)
    merges(tokenizer, folder)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer.add_special_tokens([tokenizers.AddedToken("<mask>", lstrip=True, special=True)])
    save(tokenizer, folder)
    config, named = {"model_type": "roberta"}, {"tokenizer_class": "RobertaTokenizer"}
    yield case("plain", same("tokenizer.json"), config, named, whole=True)
    yield case("general class", same("tokenizer.json"), config, {"tokenizer_class": "PreTrainedTokenizerFast"}, whole=True)


FAMILIES = {"bert": bert, "roberta": roberta}
