"""Small tokenizers of every family. Each function writes files into a folder and lists the folders that are made of them."""
import json
import pathlib
import tempfile

import sentencepiece
import tokenizers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from texts import CORPUS
from transformers import AutoTokenizer


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
    yield case("cased, not said", cased, config, named)
    yield case("cased, class not said", cased, config)
    yield case("cased, general class", cased, config, {"tokenizer_class": "PreTrainedTokenizerFast"})
    yield case("cased, left", cased, config, {"tokenizer_class": "PreTrainedTokenizerFast", "truncation_side": "left"}, whole=True)
    yield case("accents kept", uncased, config, named | {"strip_accents": False})
    yield case("accents stripped", cased, config, named | {"do_lower_case": False, "strip_accents": True})
    yield case("chinese words", uncased, config, named | {"tokenize_chinese_chars": False})
    yield case("vocabulary", {"vocab.txt": "uncased.txt"}, config, named, whole=True)
    yield case("vocabulary, cased", {"vocab.txt": "cased.txt"}, config, named | {"do_lower_case": False})
    yield case("distilbert", {"vocab.txt": "uncased.txt"}, {"model_type": "distilbert"}, {"tokenizer_class": "DistilBertTokenizer"})
    yield case("electra", {"vocab.txt": "uncased.txt"}, {"model_type": "electra"})


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
    yield case("prefix space", same("tokenizer.json"), config, named | {"add_prefix_space": True})
    yield case("general class", same("tokenizer.json"), config, {"tokenizer_class": "PreTrainedTokenizerFast"}, whole=True)
    yield case("files", same("vocab.json", "merges.txt"), config, named, whole=True)
    yield case("files, class not said", same("vocab.json", "merges.txt"), config)


def mpnet(folder):
    specials = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "[UNK]", "mask": "<mask>"}
    tokenizer = wordpiece(specials, True)
    vocabulary(tokenizer, folder, "vocab.txt")
    tokenizer.add_special_tokens([tokenizers.AddedToken("<mask>", lstrip=True, special=True)])
    save(tokenizer, folder)
    config, named = {"model_type": "mpnet"}, {"tokenizer_class": "MPNetTokenizer"}
    yield case("json", same("tokenizer.json"), config, named, whole=True)
    yield case("files", same("vocab.txt"), config, named)
    yield case("cased", same("vocab.txt"), config, named | {"do_lower_case": False, "mask_token": "[UNK]"})


def gpt2(folder):
    tokenizer = byte_bpe(["<|endoftext|>"], False)
    merges(tokenizer, folder)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    save(tokenizer, folder)
    config, named = {"model_type": "gpt2"}, {"tokenizer_class": "GPT2Tokenizer"}
    both = same("vocab.json", "merges.txt")
    yield case("json", same("tokenizer.json"), config, named, whole=True)
    yield case("files", both, config, named)
    yield case("files, ends", both, config, named | {"add_bos_token": True, "add_eos_token": True}, whole=True)
    yield case("json, ends ignored", same("tokenizer.json"), config, named | {"add_bos_token": True, "add_eos_token": True})
    yield case("added", both, config, named | {"bos_token": "<s>", "extra_special_tokens": ["fox", "<new>"]}, {"pad_token": "<pad>"})
    yield case("added by ids", both, config, named | {"added_tokens_decoder": {
        "420": {"content": "brown", "lstrip": True, "rstrip": False, "single_word": True, "normalized": True, "special": False}}})


def qwen2(folder):
    tokenizer = byte_bpe(["<|endoftext|>", "<|im_start|>", "<|im_end|>"], False)
    tokenizer.normalizer = normalizers.NFC()
    merges(tokenizer, folder)
    ends = [("<|endoftext|>", 0)]
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single="$A <|endoftext|>", pair="$A <|endoftext|> $B:1 <|endoftext|>:1", special_tokens=ends)])
    save(tokenizer, folder)
    config, named = {"model_type": "qwen2"}, {"tokenizer_class": "Qwen2Tokenizer"}
    yield case("json", same("tokenizer.json"), config, named, whole=True)
    yield case("json, general class", same("tokenizer.json"), config, {"tokenizer_class": "PreTrainedTokenizerFast"})
    yield case("qwen3", same("tokenizer.json"), {"model_type": "qwen3"}, {"tokenizer_class": "PreTrainedTokenizerFast"})
    yield case("files", same("vocab.json", "merges.txt"), config, named)


def llama(folder):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    bytes_of_all = ["<0x%02X>" % i for i in range(256)]
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=600, special_tokens=["<unk>", "<s>", "</s>"] + bytes_of_all, show_progress=False))
    whole = json.loads(tokenizer.to_str())
    whole["pre_tokenizer"] = None
    whole["added_tokens"] = whole["added_tokens"][:3]
    tokenizer = Tokenizer.from_str(json.dumps(whole))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B:1", special_tokens=[("<s>", 1)])
    save(tokenizer, folder)
    named = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": True, "add_eos_token": False}
    config = {"model_type": "llama"}
    yield case("json", same("tokenizer.json"), config, named)
    yield case("legacy", same("tokenizer.json"), config, named | {"legacy": True, "tokenizer_class": "LlamaTokenizerFast"})
    yield case("no prefix space", same("tokenizer.json"), config, named | {"add_prefix_space": False})
    yield case("mistral", same("tokenizer.json"), {"model_type": "mistral"}, named | {"legacy": True})


def modernbert(folder):
    tokenizer = byte_bpe(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"], False)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    tokenizer.add_special_tokens([tokenizers.AddedToken("[MASK]", lstrip=True, special=True)])
    save(tokenizer, folder)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 8192, "cls_token": "[CLS]", "mask_token": "[MASK]",
                "model_input_names": ["input_ids", "attention_mask"]}
    yield case("json", same("tokenizer.json"), {"model_type": "modernbert"}, settings, whole=True)
    yield case("more tokens", same("tokenizer.json"), {"model_type": "modernbert"}, settings | {"extra_special_tokens": ["fox", "quick brown"]})


def clip(folder):
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(tokenizers.Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=["<|startoftext|>", "<|endoftext|>"], initial_alphabet=alphabet,
                                  end_of_word_suffix="</w>", show_progress=False)
    tokenizer.train_from_iterator(CORPUS + [" ".join("a".replace("a", c) for c in alphabet)], trainer)
    merges(tokenizer, folder)
    tokenizer.post_processor = processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0), add_prefix_space=False, trim_offsets=False)
    save(tokenizer, folder)
    config, named = {"model_type": "clip"}, {"tokenizer_class": "CLIPTokenizer"}
    yield case("json", same("tokenizer.json"), config, named | {"model_max_length": 77}, whole=True)
    yield case("files", same("vocab.json", "merges.txt"), config, named)


RULES = [("\ufb01", "fi"), ("\ufb03", "ffi"), ("\u00a0", " "), ("\u3000", " "), ("\u2003", " "), ("\t", " "), ("\n", " "), ("\uff28", "H"), ("\uff45", "e"),
         ("\uff4c", "l"), ("\uff4f", "o"), ("e\u0301", "\u00e9"), ("\u2460", "1"), ("\u00ad", ""), ("\u200b", ""), ("\ufeff", ""), ("\u1e9e", "\u00df")]


def unigram(folder, name, size=320, **options):
    """Real character maps have 240 KB: this one has a few rules."""
    with tempfile.TemporaryDirectory() as temporary:
        prefix = str(pathlib.Path(temporary) / "model")
        rules = pathlib.Path(temporary) / "rules.tsv"
        rules.write_text("".join("%s\t%s\n" % tuple(" ".join("%X" % ord(c) for c in side) for side in rule) for rule in RULES))
        options["normalization_rule_tsv"] = str(rules)
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_prefix=prefix, vocab_size=size, model_type="unigram",
                                                 hard_vocab_limit=False, minloglevel=2, **options)
        (folder / name).write_bytes(pathlib.Path(prefix + ".model").read_bytes())


def as_json(folder, files, config, settings):
    """The tokenizer.json that transformers saves for a folder of files."""
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        for name in files:
            (temporary / name).write_bytes((folder / name).read_bytes())
        for name, value in (("config.json", config), ("tokenizer_config.json", settings)):
            (temporary / name).write_text(json.dumps(value))
        AutoTokenizer.from_pretrained(temporary).save_pretrained(temporary / "out")
        saved = json.loads((temporary / "out" / "tokenizer.json").read_text(encoding="utf-8"))
        (folder / "tokenizer.json").write_text(json.dumps(saved, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")
        return json.loads((temporary / "out" / "tokenizer_config.json").read_text(encoding="utf-8"))


def xlm_roberta(folder):
    name = "sentencepiece.bpe.model"
    unigram(folder, name)
    config, named = {"model_type": "xlm-roberta"}, {"tokenizer_class": "XLMRobertaTokenizer"}
    saved = as_json(folder, [name], config, named)
    yield case("files", same(name), config, named, whole=True)
    yield case("json", same("tokenizer.json"), config, named)
    yield case("json, as saved", same("tokenizer.json"), config, saved, whole=True)
    yield case("json, general class", same("tokenizer.json"), config, {"tokenizer_class": "PreTrainedTokenizerFast"})
    yield case("no prefix space", same(name), config, named | {"add_prefix_space": False})


def camembert(folder):
    name = "sentencepiece.bpe.model"
    unigram(folder, name, user_defined_symbols=["<user>", "fox"])
    config, named = {"model_type": "camembert"}, {"tokenizer_class": "CamembertTokenizer"}
    saved = as_json(folder, [name], config, named)
    yield case("files", same(name), config, named, whole=True)
    yield case("json, as saved", same("tokenizer.json"), config, saved)


def albert(folder):
    name = "spiece.model"
    unigram(folder, name, pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols=["[CLS]", "[SEP]"], user_defined_symbols=["[MASK]"])
    config, named = {"model_type": "albert"}, {"tokenizer_class": "AlbertTokenizer"}
    saved = as_json(folder, [name], config, named)
    yield case("files", same(name), config, named, whole=True)
    yield case("accents and case kept", same(name), config, named | {"do_lower_case": False, "keep_accents": True})
    yield case("json, as saved", same("tokenizer.json"), config, saved)


def deberta_v2(folder):
    name = "spm.model"
    unigram(folder, name, pad_id=0, unk_id=3, bos_id=1, eos_id=2, pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]")
    config, named = {"model_type": "deberta-v2"}, {"tokenizer_class": "DebertaV2Tokenizer"}
    saved = as_json(folder, [name], config, named)
    yield case("files", same(name), config, named, whole=True)
    yield case("lower case, by punctuation", same(name), config, named | {"do_lower_case": True, "split_by_punct": True})
    yield case("json, as saved", same("tokenizer.json"), config, saved)


def t5(folder):
    name = "spiece.model"
    unigram(folder, name, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    config, named = {"model_type": "t5"}, {"tokenizer_class": "T5Tokenizer", "extra_ids": 5}
    saved = as_json(folder, [name], config, named)
    yield case("files", same(name), config, named, whole=True)
    yield case("files, 100 sentinels", same(name), config, {"tokenizer_class": "T5Tokenizer"})
    yield case("json, as saved", same("tokenizer.json"), config, saved)


def siglip(folder):
    name = "spiece.model"
    unigram(folder, name, pad_id=-1, eos_id=1, unk_id=2, bos_id=0)
    config, named = {"model_type": "siglip"}, {"tokenizer_class": "SiglipTokenizer"}
    yield case("files", same(name), config, named | {"model_max_length": 64})
    yield case("case kept", same(name), config, named | {"do_lower_case": False})


FAMILIES = {f.__name__: f for f in (bert, mpnet, roberta, gpt2, qwen2, modernbert, llama, clip, xlm_roberta, camembert, albert, deberta_v2, t5, siglip)}
