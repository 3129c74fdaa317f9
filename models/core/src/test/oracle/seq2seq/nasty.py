"""Ids and texts of what tokenizers_of.py leaves out, long texts and lone surrogates: OUT/nasty.json, a row for each text of each folder there.

    python nasty.py ../../resources/golden/seq2seq-tokenizers        (transformers 5.18)

A row: the text's name, how many ids, the CRC-32 of their 32-bit little-endian form, and that of the text of these ids in UTF-8.
"""
import json
import struct
import sys
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tokenize"))
from texts import TEXTS, text
from tokenizers_of import decode
from transformers import AutoTokenizer

root = Path(sys.argv[1])
result = {}
for folder in sorted(p for p in root.iterdir() if p.is_dir()):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    source = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["source"]
    if source is not None:
        tokenizer.src_lang = source
    rows = []
    for entry in TEXTS:
        if entry[2] > 1 or "lone" in entry[0] or "reversed" in entry[0]:
            ids = tokenizer(text(entry), truncation=False)["input_ids"]
            back = decode(tokenizer, ids)
            rows.append([entry[0], len(ids), zlib.crc32(struct.pack("<%di" % len(ids), *ids)), zlib.crc32(back.encode("utf-8"))])
    result[folder.name] = rows
(root / "nasty.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
