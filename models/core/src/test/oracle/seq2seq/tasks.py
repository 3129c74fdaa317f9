"""Writes golden/seq2seq-tasks: whole folders, tokenizer and random F16 weights, and what transformers makes of texts with them.

    python3 tasks.py ../../resources/golden/seq2seq-tasks        (transformers 5.18)

expected.json: `source`, `target`, `prefix`, and for each text what comes out as the folder's generation_config.json says.
"""
import json
import shutil
import sys
from pathlib import Path

import torch
import transformers as T

import seq2seq
import tokenizers_of as of
from transformers import AutoTokenizer, GenerationConfig

TEXTS = ["The quick brown fox jumps over the lazy dog.", "A cat sat on the mat", "I love cats and dogs <pad> x", "naïve café", "",
         "hello world here test this is it", "numbers 3.14159 and 1,000,000", "你好世界 中文字", "the old house by the river is red and blue!"]
SIZES = dict(d_model=20, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=30,
             decoder_ffn_dim=30, max_position_embeddings=40)
TASKS = {
    "marian": (of.marian, T.MarianConfig, T.MarianMTModel, lambda t: dict(SIZES, pad_token_id=t.pad_token_id, eos_token_id=0,
               decoder_start_token_id=t.pad_token_id, forced_eos_token_id=0), dict(num_beams=3, max_length=20), ""),
    "m2m_100": (of.m2m_100, T.M2M100Config, T.M2M100ForConditionalGeneration, lambda t: dict(SIZES, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                decoder_start_token_id=2), dict(num_beams=2, max_length=18, early_stopping=True, length_penalty=0.6), ""),
    "t5": (of.t5, T.T5Config, T.T5ForConditionalGeneration, lambda t: dict(d_model=20, d_kv=8, d_ff=30, num_layers=1, num_heads=2,
           decoder_start_token_id=0), dict(num_beams=1, max_new_tokens=12, no_repeat_ngram_size=2), "summarize: "),
}


def main(root):
    for seed, (name, (files, config_class, model_class, sizes, generation, prefix)) in enumerate(TASKS.items()):
        folder = root / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        model_type, settings, source, target = files(folder)
        of.dump(folder, "config.json", {"model_type": model_type})
        of.dump(folder, "tokenizer_config.json", settings)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        count = 1 + max([*tokenizer.get_vocab().values(), *getattr(tokenizer, "id_to_lang_token", {})])
        config = config_class(vocab_size=count, **sizes(tokenizer))
        if prefix:
            config.task_specific_params = {"summarization": {"prefix": prefix}}
        model = seq2seq.randomize(model_class(config), 40 + seed, 0.35)
        kept = model.generation_config.to_dict()
        model.generation_config = GenerationConfig(**{**kept, **generation, "bad_words_ids": [[config.pad_token_id]]})
        seq2seq.save(model, folder)
        forced, start = {}, ""
        if name == "marian":
            start = ">>%s<< " % target
        elif target is not None:
            tokenizer.src_lang = source
            forced = {"forced_bos_token_id": tokenizer.get_lang_id(target)}
        found = []
        for text in TEXTS:
            ids = model.generate(**tokenizer(start + prefix + text, return_tensors="pt"), **forced)[0] if text else []
            found.append(of.decode(tokenizer, [int(i) for i in ids]) if text else "")
        of.dump(folder, "expected.json", {"source": source, "target": target, "texts": TEXTS, "found": found})


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
