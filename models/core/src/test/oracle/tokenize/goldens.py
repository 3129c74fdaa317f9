"""What transformers makes of texts.py with small tokenizers of every family, trained here.

    python goldens.py OUT [NAME...]      OUT is src/test/resources/golden/tokenize; transformers 5.18, tokenizers, sentencepiece

A family is a folder of files and cases.json: folders made of these files, with what AutoTokenizer makes of the texts. Results of more than
24 numbers are given as their count and CRC-32 of their 32-bit little-endian form.
"""
import json
import pathlib
import shutil
import struct
import sys
import tempfile
import zlib

import families
from texts import TEXTS, text
from transformers import AutoTokenizer

SOURCE = [text(entry) for entry in TEXTS]
NAMES = [entry[0] for entry in TEXTS]
PAIRS = [("plain", "accents"), ("empty", "empty"), ("one letter", "plain"), ("plain", "empty"), ("emoji", "lone and emoji"), ("plain", "long text"),
         ("long chinese", "long emoji"), ("specials glued", "turkish")]
CUTS = ["longest_first", "only_first", "only_second"]
LONG = 512


def short(numbers):
    numbers = [int(n) for n in numbers]
    return numbers if len(numbers) <= 24 else {"n": len(numbers), "crc": zlib.crc32(struct.pack("<%di" % len(numbers), *numbers))}


def units(source):
    """Where each code point begins in UTF-16."""
    places = [0]
    for c in source:
        places.append(places[-1] + (2 if ord(c) > 0xFFFF else 1))
    return places


def types(encoding):
    return encoding["token_type_ids"][0] if "token_type_ids" in encoding else [0] * len(encoding["input_ids"][0])


def spans(encoding, index, sources):
    """sequence, word, start and end of each token."""
    places = [units(s) for s in sources]
    row = encoding.encodings[index]
    numbers = []
    for sequence, word, (start, end) in zip(row.sequence_ids, row.word_ids, row.offsets):
        at = places[sequence] if sequence is not None else None
        numbers += [-1, -1, 0, 0] if sequence is None else [sequence, -1 if word is None else word, at[start], at[end]]
    return short(numbers)


def truncated(tokenizer, first, second, cut, length):
    try:
        return short(tokenizer([[first, second]], truncation=cut, max_length=length)["input_ids"][0])
    except Exception:
        return None


def is_odd(tokenizer, first, second, length):
    """Whether both are cut to unequal lengths: tokenizers 0.23.2 counts neither to its end, and so takes the wrong one for the longer."""
    room = length - tokenizer.num_special_tokens_to_add(True)
    counts = [len(tokenizer(source, add_special_tokens=False)["input_ids"]) for source in (first, second)]
    return room % 2 == 1 and min(counts) > room // 2


def windows(tokenizer, first, second, length, stride):
    """By Encoding.truncate: tokenizers 0.23.2 forgets tokens that overflow when it truncates for itself."""
    backend = tokenizer.backend_tokenizer
    sources = [first] if second is None else [first, second]
    whole = tokenizer([first] if second is None else [[first, second]]).encodings[0]
    frame = [(i, whole.sequence_ids[i]) for i in range(len(whole.ids))]
    parts = [backend.encode(source, add_special_tokens=False) for source in sources]
    room = length - sum(sequence is None for _, sequence in frame) - sum(len(part.ids) for part in parts[:-1])
    parts[-1].truncate(room, stride, tokenizer.truncation_side)
    rows = []
    for part in [parts[-1], *parts[-1].overflowing]:
        ids, numbers, seen = [], [], 0
        for i, sequence in frame:
            if sequence is None:
                ids.append(whole.ids[i])
                numbers += [-1, -1, 0, 0]
            if sequence is None or sequence != seen - 1:
                while sequence is not None and seen <= sequence:
                    row = part if seen == len(sources) - 1 else parts[seen]
                    ids += row.ids
                    for word, (start, end) in zip(row.word_ids, row.offsets):
                        numbers += [seen, -1 if word is None else word, units(sources[seen])[start], units(sources[seen])[end]]
                    seen += 1
        rows.append({"ids": short(ids), "spans": short(numbers)})
    return rows


def results(folder, whole):
    """Of the first folder of a family everything, of the others no more than the ids of shorter texts."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.model_max_length, own = 10 ** 9, tokenizer.model_max_length
    result = {"class": type(tokenizer).__name__, "ids": [], "pairs": []}
    if own < 10 ** 9:
        result["model_max_length"] = own
    by_name = dict(zip(NAMES, SOURCE))
    for source in by_name.values():
        if whole or len(source) < 1000:
            result["ids"].append(short(tokenizer(source)["input_ids"]))
    for first, second in PAIRS if whole else PAIRS[:3]:
        encoding = tokenizer([[by_name[first], by_name[second]]])
        result["pairs"].append({"first": first, "second": second, "ids": short(encoding["input_ids"][0]), "types": short(types(encoding))})
    if not whole:
        return result
    result["cut"] = [short(tokenizer(by_name["long text"], truncation=True, max_length=length)["input_ids"])
                     for length in (max(1, tokenizer.num_special_tokens_to_add(False)), 5, 17, 128)]
    result["spans"] = [spans(tokenizer([source]), 0, [source]) for source in SOURCE]
    result["cut pairs"] = []
    for first, second in [("plain", "accents"), ("one letter", "plain"), ("plain", "empty"), ("plain", "plain"), ("long text", "long emoji")]:
        for cut in CUTS:
            for length in list(range(4, 14)) + [33, 34]:
                if cut == "longest_first" and is_odd(tokenizer, by_name[first], by_name[second], length):
                    continue
                ids = truncated(tokenizer, by_name[first], by_name[second], cut, length)
                result["cut pairs"].append({"first": first, "second": second, "cut": cut, "length": length, "ids": ids})
    result["windows"] = []
    for first, second, length, stride in [("plain", None, 9, 2), ("plain", None, 100, 10), ("empty", None, 9, 2), ("emoji", None, 7, 0),
                                          ("one letter", "emoji", 12, 3), ("numbers", "accents", 60, 3), ("one letter", "empty", 12, 3)]:
        row = {"first": first, "second": second, "length": length, "stride": stride,
               "windows": windows(tokenizer, by_name[first], None if second is None else by_name[second], length, stride)}
        result["windows"].append(row)
    return result


def main():
    out = pathlib.Path(sys.argv[1])
    for name, make in families.FAMILIES.items():
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        target = out / name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        cases = []
        for case in make(target):
            with tempfile.TemporaryDirectory() as folder:
                folder = pathlib.Path(folder)
                for there, here in case["files"].items():
                    shutil.copy(target / here, folder / there)
                for there, value in case["json"].items():
                    (folder / there).write_text(json.dumps(value), encoding="utf-8")
                case.update(results(folder, case.pop("whole")))
            cases.append(case)
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        (target / "cases.json").write_text("[" + lines + "]\n", encoding="utf-8")
        print(name, [(case["name"], case["class"]) for case in cases])
    (out / "texts.json").write_text(json.dumps([list(t) for t in TEXTS], separators=(",", ":")) + "\n", encoding="utf-8")


main()
