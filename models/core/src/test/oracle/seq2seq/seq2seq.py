"""Writes golden/seq2seq: a folder for each family of models from text to text, with random F16 weights and what transformers answers, and
fields.json, every field of each family's config class.

    python3 seq2seq.py ../../resources/golden/seq2seq        (transformers 5.18, torch 2.13)

Each folder: config.json, generation_config.json, model.safetensors; cases.safetensors: sources and targets I32 that lie end to end, their
offsets I32 [n + 1], memory F32 [source tokens, d_model] and logits F32 [target tokens, vocab_size], computed in float64; generate.json: ids
after the start token, greedy and with 4 beams, of each of `inputs`; many.json the same of 200 inputs, computed in float64, a character for
each id, "0" for id 0, and of beams the best two with their scores.
"""
import copy
import inspect
import json
import sys
from pathlib import Path

import torch
import transformers as T
from safetensors.torch import save_file

VOCAB, LONGEST = 61, 26
SIZES = dict(vocab_size=VOCAB, d_model=24, encoder_layers=2, decoder_layers=2, encoder_attention_heads=3, decoder_attention_heads=2,
             encoder_ffn_dim=35, decoder_ffn_dim=29, max_position_embeddings=LONGEST)
ROUND = dict(SIZES, pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2)
T5 = dict(vocab_size=VOCAB, d_model=24, d_kv=7, d_ff=35, num_layers=3, num_decoder_layers=2, num_heads=3, decoder_start_token_id=0,
          relative_attention_num_buckets=8, relative_attention_max_distance=12)
MODELS = {
    "marian": (T.MarianConfig(**SIZES, pad_token_id=60, decoder_start_token_id=60, eos_token_id=0, forced_eos_token_id=0,
                              activation_function="swish", scale_embedding=True), T.MarianMTModel),
    "marian-apart": (T.MarianConfig(**{**SIZES, "d_model": 18}, pad_token_id=60, decoder_start_token_id=60, eos_token_id=0,
                                    share_encoder_decoder_embeddings=False), T.MarianMTModel),
    "bart": (T.BartConfig(**ROUND), T.BartForConditionalGeneration),
    "mbart": (T.MBartConfig(**ROUND, scale_embedding=True), T.MBartForConditionalGeneration),
    "pegasus": (T.PegasusConfig(**SIZES, activation_function="relu", scale_embedding=True), T.PegasusForConditionalGeneration),
    "m2m_100": (T.M2M100Config(**ROUND), T.M2M100ForConditionalGeneration),
    "m2m_100-apart": (T.M2M100Config(**{**ROUND, "scale_embedding": False}, tie_word_embeddings=False), T.M2M100ForConditionalGeneration),
    "t5": (T.T5Config(**T5), T.T5ForConditionalGeneration),
    "t5-gated": (T.T5Config(**T5, feed_forward_proj="gated-gelu", tie_word_embeddings=False), T.T5ForConditionalGeneration),
    "mt5": (T.MT5Config(**T5), T.MT5ForConditionalGeneration),
    "umt5": (T.UMT5Config(**T5), T.UMT5ForConditionalGeneration),
    "marian-separate": (T.MarianConfig(**{**SIZES, "d_model": 18}, decoder_vocab_size=47, pad_token_id=46, decoder_start_token_id=46,
                                       eos_token_id=0, share_encoder_decoder_embeddings=False), T.MarianMTModel),
}


def randomize(model, seed, scale):
    """Weights that F16 holds exactly, large enough that every part matters; scores that end most sequences early."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.requires_grad:
                norm = "norm" in name and name.endswith("weight")
                factor = 3 if "out_proj" in name or "fc2" in name else 0.5 if "wi" in name or ".q.weight" in name else 1
                p.copy_(torch.randn(p.shape, generator=generator) * (0.2 if norm else factor * scale) + (1.0 if norm else 0.0))
                p.copy_(p.half().float())
        if hasattr(model, "final_logits_bias"):
            model.final_logits_bias.copy_((torch.randn(model.final_logits_bias.shape, generator=generator) * 0.5).half().float())
            model.final_logits_bias[0, model.config.eos_token_id] = 3
    return model.eval()


def save(model, folder):
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = [type(model).__name__]
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    model.generation_config.save_pretrained(folder)
    own, seen = {}, set()
    for name, tensor in sorted(model.state_dict().items(), key=lambda item: ("shared" not in item[0], item[0])):
        if tensor.data_ptr() not in seen and "embed_positions.weight" not in name or "bart" in folder.name:
            if tensor.data_ptr() not in seen:
                own[name] = tensor.half().contiguous()
            seen.add(tensor.data_ptr())
    save_file(own, folder / "model.safetensors", metadata={"format": "pt"})


def tokens(model, lengths, seed, vocab=VOCAB):
    """Ids without those that stand for nothing in a text."""
    generator = torch.Generator().manual_seed(seed)
    config = model.config
    allowed = [i for i in range(vocab) if i not in (config.pad_token_id, config.eos_token_id, config.decoder_start_token_id)]
    return [torch.tensor(allowed)[torch.randint(len(allowed), (n,), generator=generator)] for n in lengths]


def ragged(rows):
    return torch.cat(rows), torch.tensor([0] + [len(r) for r in rows]).cumsum(0).int()


def cases(model, folder):
    double = copy.deepcopy(model).double()
    sources = tokens(model, (1, 2, 3, 7, 16, 17, LONGEST), 5)
    targets = tokens(model, (LONGEST, 1, 2, 5, 9, 17, 3), 6, getattr(model.config, "decoder_vocab_size", VOCAB))
    memory, logits = [], []
    for source, target in zip(sources, targets):
        target[0] = model.config.decoder_start_token_id
        with torch.no_grad():
            exact = double(input_ids=source[None], decoder_input_ids=target[None])
            single = model(input_ids=source[None], decoder_input_ids=target[None])
        assert (exact.logits - single.logits).abs().max() < 4e-5, folder
        memory.append(exact.encoder_last_hidden_state[0].float())
        logits.append(exact.logits[0].float())
    found = {"memory": torch.cat(memory), "logits": torch.cat(logits)}
    for name, rows in (("sources", sources), ("targets", targets)):
        ids, offsets = ragged(rows)
        found |= {name: ids.int(), name + "_offsets": offsets}
    save_file(found, folder / "cases.safetensors")


def generate(model, folder):
    eos = torch.tensor([model.config.eos_token_id])
    inputs = [torch.cat([row, eos]) for row in tokens(model, [1 + i % 13 for i in range(22)], 7)]
    answers = {"inputs": [row.tolist() for row in inputs]}
    for name, options in (("greedy", {}), ("beams", {"num_beams": 4})):
        answers[name] = [model.generate(row[None], max_length=15, do_sample=False, **options)[0, 1:].tolist() for row in inputs]
        # Beams that end early are filled up.
        answers[name] = [row[:row.index(eos.item()) + 1] if eos.item() in row else row for row in answers[name]]
    (folder / "generate.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")


def many(model, folder):
    """In batches of inputs of one length: nothing is padded."""
    eos = model.config.eos_token_id
    model = copy.deepcopy(model).double()
    inputs = [torch.cat([row, torch.tensor([eos])]) for row in tokens(model, [1 + i % 17 for i in range(200)], 11)]
    text = lambda ids: "".join(chr(ord("0") + i) for i in (ids[:ids.index(eos) + 1] if eos in ids else ids))
    answers = {"inputs": [text(row.tolist()) for row in inputs], "greedy": [None] * 200, "beams": [None] * 200, "scores": [None] * 200}
    for length in range(2, 19):
        group = [i for i, row in enumerate(inputs) if len(row) == length]
        batch = torch.stack([inputs[i] for i in group])
        greedy = model.generate(batch, max_length=15, do_sample=False)[:, 1:].tolist()
        beams = model.generate(batch, max_length=15, do_sample=False, num_beams=4, num_return_sequences=2, output_scores=True,
                               return_dict_in_generate=True)
        for at, i in enumerate(group):
            answers["greedy"][i] = text(greedy[at])
            answers["beams"][i] = [text(row) for row in beams.sequences[2 * at:2 * at + 2, 1:].tolist()]
            answers["scores"][i] = [round(float(s), 5) for s in beams.sequences_scores[2 * at:2 * at + 2]]
    (folder / "many.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")


def fields(root):
    names = {}
    for name, (config, _) in MODELS.items():
        own = inspect.signature(type(config).__init__).parameters.keys() - {"self", "kwargs", "args"}
        names[name] = sorted(own | set(config.to_dict()) - {"model_type"})
    (root / "fields.json").write_text(json.dumps(names, indent=1) + "\n")


def main(root):
    for seed, (name, (config, model_class)) in enumerate(MODELS.items()):
        config._attn_implementation = "eager"
        model = randomize(model_class(config), seed, 0.35)
        save(model, root / name)
        cases(model, root / name)
        generate(model, root / name)
        many(model, root / name)
    fields(root)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
