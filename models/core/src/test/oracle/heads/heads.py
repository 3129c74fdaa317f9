"""Writes golden/heads: whole folders of tiny models with heads, with random F16 weights, each with expected.json: what transformers' pipelines,
sentence-transformers' CrossEncoder, and for questions the algorithm of transformers 4 answer in float32.

    python3 heads.py ../../resources/golden/heads        (transformers 5.18, sentence-transformers 6.0, tokenizers, torch 2.13)

Offsets count UTF-16 units, as Java does. transformers 5 has no pipeline for questions any more: answers() follows that of 4.
"""
import copy
import json
import os
import sys
from pathlib import Path

import numpy as np
import tokenizers as K
import torch
import transformers as T
from sentence_transformers import CrossEncoder
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "bert"), str(HERE.parent / "families")]
import tiny_tokenizer  # noqa: E402
from families import randomize, save  # noqa: E402

MAX = 40
TEXTS = ["", "a", "the cat sat on the mat.", "der alte Haus ein Satz (new) 7",
         "Anna walks to Old River; the dog ran in the sun 🙂 and sings to Red Bird house", "ж! unknown ΩΩ words, the 中文 sat",
         "the old bird of the river jumps and plays in the blue house. " * 4]
CORPUS = TEXTS + ["the quick brown fox jumps over the lazy dog", "ein kleines Haus steht am Fluss", "a question, an answer: 42!"] * 3
LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
QUESTIONS = [("who sat?", "the cat sat on the mat."), ("where is the bird", TEXTS[4]), ("a", "b"),
             ("what plays in the house", TEXTS[6] + "🙂 ok")]


def special(tokens):
    return dict(zip(("cls_token", "sep_token", "pad_token", "unk_token", "mask_token"), tokens))


def word_piece():
    tokenizer = K.Tokenizer.from_str(json.dumps(tiny_tokenizer.tokenizer()))
    return T.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=MAX, **special(["[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"]))


def byte_bpe():
    tokenizer = K.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=301, special_tokens=names, show_progress=False,
                                                              initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    return T.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=MAX, model_input_names=["input_ids", "attention_mask"],
                                     **special(["<s>", "</s>", "<pad>", "<unk>", "<mask>"]))


def unigram():
    tokenizer = K.Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(CORPUS, trainers.UnigramTrainer(vocab_size=111, special_tokens=names, unk_token="<unk>", show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
                                                             special_tokens=[("<s>", 0), ("</s>", 2)])
    return T.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=MAX, model_input_names=["input_ids", "attention_mask"],
                                     **special(["<s>", "</s>", "<pad>", "<unk>", "<mask>"]))


def make(root, name, kind, tokenizer, config, extra=None, **more):
    """A folder; returns it."""
    folder = root / name
    sizes = dict(hidden_size=12, num_hidden_layers=1, num_attention_heads=3, intermediate_size=20, vocab_size=len(tokenizer))
    offset = config in (T.RobertaConfig, T.XLMRobertaConfig, T.CamembertConfig)
    if config is T.DistilBertConfig:
        sizes = dict(dim=12, n_layers=1, n_heads=3, hidden_dim=20, vocab_size=len(tokenizer), max_position_embeddings=MAX)
    elif offset:
        sizes.update(max_position_embeddings=MAX + 2, type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2)
    else:
        sizes.update(max_position_embeddings=MAX + (2 if config is T.MPNetConfig else 0))
    if config is T.ModernBertConfig:
        sizes.update(pad_token_id=tokenizer.pad_token_id, local_attention=8)
    if config in (T.ElectraConfig, T.AlbertConfig):
        sizes.update(embedding_size=7)
    sizes.update((key, more.pop(key)) for key in ("hidden_size", "pad_token_id") if key in more)
    if "labels" in more:
        labels = more.pop("labels")
        sizes.update(id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)})
    torch.manual_seed(0)
    model = randomize(kind(config(**sizes, **more)), len(name))
    model.tie_weights()
    save(model, folder)
    tokenizer.save_pretrained(folder)
    if extra:
        path = folder / "config.json"
        path.write_text(json.dumps(dict(json.loads(path.read_text()), **extra), indent=1, sort_keys=True) + "\n")
    file = folder / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text()), ensure_ascii=False, separators=(",", ":")) + "\n")
    return folder


def pipe(task, folder, **more):
    return T.pipeline(task, model=str(folder), dtype=torch.float32, device="cpu", **more)


def write(folder, expected):
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


def classify(folder):
    p = pipe("text-classification", folder, top_k=None, truncation=True)
    # The pipeline takes an empty second text for none.
    pairs = [{"text": a, "text_pair": b} for a, b in zip(TEXTS, TEXTS[::-1]) if b]
    write(folder, {"texts": TEXTS, "labels": [p(t)[0] for t in TEXTS], "pairs": [[p["text"], p["text_pair"]] for p in pairs],
                   "pair_labels": [p(x) for x in pairs]})


def rerank(folder):
    model = CrossEncoder(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    query = "where is the old bird?"
    write(folder, {"query": query, "documents": TEXTS, "scores": model.predict([(query, t) for t in TEXTS]).tolist(),
                   "order": [r["corpus_id"] for r in model.rank(query, TEXTS)]})


def units(text, at):
    return len(text[:at].encode("utf-16-le")) // 2


def windows(tokenizer, stride, *texts):
    """The sequences of a text, or of a pair, as truncation with a stride makes them: tokenizers 0.23.2 itself forgets tokens that overflow."""
    whole = tokenizer(*texts, return_offsets_mapping=True, return_special_tokens_mask=True)
    own = [i for i, s in enumerate(whole.sequence_ids(0)) if s == len(texts) - 1]
    first, last = (own[0], own[-1] + 1) if own else (1, 1)
    room = MAX - (len(whole["input_ids"]) - len(own))
    rows, at = [], first
    while True:
        end = min(at + room, last)
        keep = [*range(first), *range(at, end), *range(last, len(whole["input_ids"]))]
        rows.append({k: [whole[k][i] for i in keep] for k in whole} | {"sequence_ids": [whole.sequence_ids(0)[i] for i in keep]})
        if end == last:
            return rows
        at += room - stride


def tag(folder):
    cases = []
    for strategy in ("none", "simple", "first", "average", "max"):
        p = pipe("token-classification", folder, aggregation_strategy=strategy)

        def preprocess(sentence, **_):
            rows = windows(p.tokenizer, MAX // 4, sentence)
            for i, row in enumerate(rows):
                row.pop("sequence_ids")
                yield {k: torch.tensor(v)[None] for k, v in row.items()} | {"sentence": sentence if i == 0 else None, "is_last": i == len(rows) - 1}
        p.preprocess = preprocess
        for text in TEXTS[1:]:
            cases.append({"strategy": strategy, "text": text, "tags": [
                {"label": f.get("entity", f.get("entity_group")), "score": float(f["score"]), "start": units(text, f["start"]),
                 "end": units(text, f["end"])} for f in p(text)]})
    write(folder, {"cases": cases})


def fill(folder):
    p = pipe("fill-mask", folder, top_k=4)
    mask = p.tokenizer.mask_token
    texts = [f"the {mask} sat.", mask, f"a {mask} in the {mask} {mask} house, and the old bird sings", f"new {mask}"]
    out = []
    for text in texts:
        found = p(text)
        found = [found] if isinstance(found[0], dict) else found
        out.append([[{"token": f["token"], "score": f["score"], "text": f["token_str"]} for f in row] for row in found])
    write(folder, {"texts": texts, "fills": out})


def entail(folder):
    p = pipe("zero-shot-classification", folder)
    labels = ["old", "a river", "sing", "the house is blue"]
    cases = []
    for multi in (False, True):
        for template in ("This example is {}.", "the {} is new"):
            for text in TEXTS[1:]:
                found = p(text, candidate_labels=labels, hypothesis_template=template, multi_label=multi)
                cases.append({"text": text, "multi": multi, "template": template, "labels": found["labels"], "scores": found["scores"]})
    one = p("the cat", candidate_labels=["old"])
    cases.append({"text": "the cat", "multi": False, "template": "This example is {}.", "labels": one["labels"], "scores": one["scores"], "only": ["old"]})
    write(folder, {"candidates": labels, "cases": cases})


def answers(model, tokenizer, question, context, top, impossible, longest=15):
    found, null = [], 1e6
    for row in windows(tokenizer, MAX // 2, question, context):
        inputs = {k: torch.tensor(row[k])[None] for k in ("input_ids", "token_type_ids", "attention_mask") if k in row}
        with torch.no_grad():
            out = model(**inputs)
        wanted = np.array([s == 1 for s in row["sequence_ids"]])
        keep = wanted.copy()
        keep[0] = True
        start, end = (np.where(keep, x[0].numpy(), -10000.0) for x in (out.start_logits, out.end_logits))
        start, end = (np.exp(x - x.max()) / np.exp(x - x.max()).sum() for x in (start, end))
        null = min(null, float(start[0] * end[0]))
        scores = np.triu(np.outer(start, end))
        for a, b in zip(*np.where(scores >= 0)):
            if wanted[a] and wanted[b] and a <= b < a + longest:
                s, e = row["offset_mapping"][a][0], row["offset_mapping"][b][1]
                found.append((float(scores[a, b]), s, e))
    best = {}
    for score, s, e in found:
        best[s, e] = max(score, best.get((s, e), 0.0))
    rows = [{"score": v, "start": units(context, s), "end": units(context, e), "text": context[s:e]} for (s, e), v in best.items()]
    if impossible:
        rows.append({"score": null, "start": 0, "end": 0, "text": ""})
    return sorted(rows, key=lambda r: -r["score"])[:top]


def answer(folder):
    model = T.AutoModelForQuestionAnswering.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = T.AutoTokenizer.from_pretrained(folder)
    write(folder, {"cases": [{"question": q, "context": c, "impossible": impossible, "answers": answers(model, tokenizer, q, c, 5, impossible)}
                             for q, c in QUESTIONS for impossible in (False, True)]})


def main(root):
    wp, bpe, uni = word_piece(), byte_bpe(), unigram()
    families = {"bert": (T.BertConfig, "Bert", wp), "roberta": (T.RobertaConfig, "Roberta", bpe),
                "xlm-roberta": (T.XLMRobertaConfig, "XLMRoberta", uni), "distilbert": (T.DistilBertConfig, "DistilBert", wp),
                "electra": (T.ElectraConfig, "Electra", wp), "albert": (T.AlbertConfig, "Albert", uni),
                "mpnet": (T.MPNetConfig, "MPNet", wp), "deberta-v2": (T.DebertaV2Config, "DebertaV2", uni),
                "modernbert": (T.ModernBertConfig, "ModernBert", bpe)}
    problems = {"bert": {}, "roberta": {"problem_type": "multi_label_classification"}, "xlm-roberta": {"problem_type": "single_label_classification"},
                "distilbert": {"problem_type": "regression"}, "electra": {}, "albert": {}, "mpnet": {}, "modernbert": {},
                "deberta-v2": {"relative_attention": True, "position_buckets": 6, "pos_att_type": ["p2c", "c2p"], "share_att_key": True}}
    for family, (config, prefix, tokenizer) in families.items():
        def kind(head):
            return getattr(T, prefix + head)
        classify(make(root, family + "-classify", kind("ForSequenceClassification"), tokenizer, config, labels=["bad", "so-so", "good"],
                      **problems[family]))
        # Of ModernBERT's tokens without characters transformers' pipeline gives one twice where windows overlap.
        if family != "modernbert":
            tag(make(root, family + "-tag", kind("ForTokenClassification"), tokenizer, config, labels=LABELS))
        fill(make(root, family + "-fill", kind("ForMaskedLM"), tokenizer, config))
        answer(make(root, family + "-answer", kind("ForQuestionAnswering"), tokenizer, config))
    rotary = {"hidden_size": 24, "pad_token_id": 1}  # heads of 8, and what is not counted at a text's end
    grouped = rotary | {"num_key_value_heads": 1, "head_dim": 8}
    for name, kind, config, more in (("gte", T.GteForSequenceClassification, T.GteConfig, rotary),
                                     ("nomic", T.NomicBertForSequenceClassification, T.NomicBertConfig, rotary),
                                     ("qwen3", T.Qwen3ForSequenceClassification, T.Qwen3Config, grouped),
                                     ("eurobert", T.EuroBertForSequenceClassification, T.EuroBertConfig, grouped | {"classifier_pooling": "mean"}),
                                     ("eurobert-late", T.EuroBertForSequenceClassification, T.EuroBertConfig, grouped)):
        classify(make(root, name + "-classify", kind, bpe, config, labels=["bad", "so-so", "good"], **more))
    classify(make(root, "camembert-classify", T.CamembertForSequenceClassification, uni, T.CamembertConfig, labels=["only"]))
    fill(make(root, "bert-fill-untied", T.BertForMaskedLM, wp, T.BertConfig, tie_word_embeddings=False))
    fill(make(root, "modernbert-fill-untied", T.ModernBertForMaskedLM, bpe, T.ModernBertConfig, tie_word_embeddings=False))
    fill(make(root, "deberta-v2-fill-authors", T.DebertaV2ForMaskedLM, uni, T.DebertaV2Config, legacy=False, hidden_act="relu",
              tie_word_embeddings=False))  # which transformers 5.18 cannot tie; the words are used all the same
    rerank(make(root, "bert-rerank", T.BertForSequenceClassification, wp, T.BertConfig, labels=["LABEL_0"]))
    rerank(make(root, "xlm-roberta-rerank", T.XLMRobertaForSequenceClassification, uni, T.XLMRobertaConfig, labels=["LABEL_0"],
                extra={"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity", "version": "4.1.0"}}))
    entail(make(root, "roberta-nli", T.RobertaForSequenceClassification, bpe, T.RobertaConfig, labels=["contradiction", "neutral", "entailment"]))
    entail(make(root, "bert-nli", T.BertForSequenceClassification, wp, T.BertConfig, labels=["ENTAILMENT", "neutral", "contradiction"]))
    for file in root.rglob("*"):
        if file.is_file():
            os.chmod(file, 0o644)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
