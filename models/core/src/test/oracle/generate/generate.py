"""Goldens of generation: transformers' own `generate` over the token model of ../transformer.

    python3 generate.py ../../resources/golden/generate        (torch 2.13, transformers 5.18; needs ../transformer/token)

searches.json: sources, and for each configuration what `generate` returns for them: ids behind the prompt (eos included, padding cut), for
beams scores. Sources whose result changes when 2e-5 of noise is added to the logits are dropped: there rounding may decide.
fields.json: the fields of GenerationConfig.
"""
import json
import os
import sys

import torch
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "transformer"))
from token_model import TokenModel  # noqa: E402

MODEL, INPUTS, NOISE = "tied-sinusoidal-post-relu", 200, 2e-5
FEW = 40
CONFIGS = {
    "greedy": {},
    "greedy_min_forced": {"min_length": 9, "max_length": 14, "forced_bos_token_id": 7, "forced_eos_token_id": 2},
    "greedy_repetition_ngram": {"repetition_penalty": 1.7, "no_repeat_ngram_size": 2, "max_length": 20},
    "greedy_new_tokens": {"max_new_tokens": 11, "min_new_tokens": 6},
    "greedy_prompt": {"decoder_input_ids": [1, 9, 14, 5], "max_length": 16, "begin_suppress_tokens": [4, 6, 11, 12, 28], "min_length": 7},
    "greedy_encoder": {"encoder_repetition_penalty": 1.8, "encoder_no_repeat_ngram_size": 3},
    "greedy_words": {"bad_words_ids": [[5], [2], [8, 9], [11], [30, 3, 4]], "sequence_bias": [[[7], -1.5], [[4, 6], 4.0], [[12], 1.25]]},
    "greedy_suppress": {"suppress_tokens": [3, 10, 28], "begin_suppress_tokens": [7, 4], "forced_bos_token_id": 9},
    "greedy_decay": {"exponential_decay_length_penalty": [3, 1.25], "max_length": 20},
    "greedy_several_eos": {"eos_token_id": [2, 5, 17]},
    "greedy_prefix": {"prefix": True},
    "beam4": {"num_beams": 4},
    "beam4_early": {"num_beams": 4, "early_stopping": True, "length_penalty": 0.6},
    "beam3_never_long": {"num_beams": 3, "early_stopping": "never", "length_penalty": 2.0, "max_length": 16},
    "beam5_nbest": {"num_beams": 5, "num_return_sequences": 5, "max_length": 16},
    "beam2_short": {"num_beams": 2, "num_return_sequences": 2, "length_penalty": -1.0, "max_length": 12},
    "beam4_min_forced": {"num_beams": 4, "min_length": 8, "max_length": 12, "forced_bos_token_id": 7, "forced_eos_token_id": 2,
                         "early_stopping": True},
    "beam3_repetition": {"num_beams": 3, "repetition_penalty": 1.4, "no_repeat_ngram_size": 3, "length_penalty": 0.0, "max_length": 16,
                         "num_return_sequences": 2},
    "beam3_several_eos": {"num_beams": 3, "eos_token_id": [2, 5, 17], "num_return_sequences": 3},
    # encoder_repetition_penalty is not among beams: transformers 5.18 applies it to the first rows of a batch only.
    "beam3_encoder": {"num_beams": 3, "encoder_no_repeat_ngram_size": 2, "num_return_sequences": 3},
    "beam4_words_renormalized": {"num_beams": 4, "bad_words_ids": [[5], [2], [8, 9], [11]], "sequence_bias": [[[7], -1.5], [[4, 6], 4.0]],
                                 "renormalize_logits": True, "num_return_sequences": 2},
    "beam3_decay_suppress": {"num_beams": 3, "exponential_decay_length_penalty": [4, 1.1], "suppress_tokens": [3, 10],
                             "begin_suppress_tokens": [7], "num_return_sequences": 3},
    "beam3_prompt": {"num_beams": 3, "decoder_input_ids": [1, 9, 14, 5], "max_length": 18, "num_return_sequences": 3},
    "beam3_prefix": {"num_beams": 3, "prefix": True, "num_return_sequences": 2},
}


class Config(PretrainedConfig):
    model_type = "token-model"


class Encoder(torch.nn.Module):
    main_input_name = "input_ids"

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, **_):
        return BaseModelOutput(last_hidden_state=self.model.encode(input_ids)[0])


class Generator(PreTrainedModel, GenerationMixin):
    """The token model as transformers wants a model, without a cache."""
    config_class = Config
    main_input_name = "input_ids"

    def __init__(self, model):
        own = model.config
        super().__init__(Config(is_encoder_decoder=True, vocab_size=own["vocab_size"]))
        self.model = model
        self.encoder = Encoder(model)
        self.noise = 0.0
        self.generation_config = GenerationConfig(
            pad_token_id=own["pad_token_id"], bos_token_id=own["bos_token_id"], eos_token_id=own["eos_token_id"],
            decoder_start_token_id=own["decoder_start_token_id"], max_length=24, use_cache=False)

    def get_encoder(self, *_, **__):
        return self.encoder

    def prepare_inputs_for_generation(self, input_ids, encoder_outputs=None, **_):
        return {"decoder_input_ids": input_ids, "encoder_outputs": encoder_outputs}

    def forward(self, input_ids=None, decoder_input_ids=None, encoder_outputs=None, **_):
        memory = encoder_outputs[0]
        logits = self.model.decode(decoder_input_ids, memory, torch.zeros(memory.shape[:2], dtype=torch.bool))
        return Seq2SeqLMOutput(logits=logits + self.noise * torch.randn(logits.shape))


def prefix(source, ids):
    """Every token may follow but those that differ from the last by a multiple of three; once there are ten, only eos and two more."""
    if len(ids) > 10:
        return [2, 6, 7]
    return [token for token in range(37) if (token - int(ids[-1])) % 3 != 0 or token == 2]


def generate(model, sources, options):
    """For each source its results. Sources are of one length."""
    options = dict(options)
    if options.pop("prefix", False):
        options["prefix_allowed_tokens_fn"] = prefix
    prompt = options.pop("decoder_input_ids", [1])
    options["decoder_input_ids"] = torch.tensor([prompt] * len(sources))
    beams = options.get("num_beams", 1) > 1
    found = model.generate(torch.tensor(sources), return_dict_in_generate=True, output_scores=True, **options)
    rows = []
    ends = options.get("eos_token_id", 2)
    ends = ends if isinstance(ends, list) else [ends]
    scores = model.compute_transition_scores(found.sequences, found.scores, getattr(found, "beam_indices", None), normalize_logits=not beams)
    for i, ids in enumerate(found.sequences.tolist()):
        ids = ids[len(prompt):]
        end = next((at + 1 for at, token in enumerate(ids) if token in ends), len(ids))
        if end == len(ids) or ids[end - 1] not in ends:
            while end > 0 and ids[end - 1] == 0:
                end -= 1
        row = {"ids": ids[:end], "last": round(scores[i][end - 1].item(), 4)}
        if beams:
            row["score"] = round(found.sequences_scores[i].item(), 5)
        rows.append(row)
    each = options.get("num_return_sequences", 1)
    return [rows[i * each:(i + 1) * each] for i in range(len(sources))]


def by_length(model, sources, options):
    results = [None] * len(sources)
    for length in sorted({len(source) for source in sources}):
        at = [i for i, source in enumerate(sources) if len(source) == length]
        for i, rows in zip(at, generate(model, [sources[i] for i in at], options)):
            results[i] = rows
    return results


def ids_of(rows):
    return [row["ids"] for row in rows]


def searches(model, path):
    g = torch.Generator().manual_seed(90)
    sources = [torch.randint(3, 37, (i % 23 + 1,), generator=g).tolist() for i in range(INPUTS + 60)]
    results = {name: by_length(model, sources, options) for name, options in CONFIGS.items()}
    stable = set(range(len(sources)))
    for seed in range(2):
        torch.manual_seed(seed)
        model.noise = NOISE
        for name, options in CONFIGS.items():
            again = by_length(model, sources, options)
            stable -= {i for i in stable if ids_of(again[i]) != ids_of(results[name][i])}
        model.noise = 0.0
    kept = sorted(stable)[:INPUTS]
    assert len(kept) == INPUTS, len(kept)
    with open(path, "w") as file:
        file.write('{"model":"transformer/token/%s",\n"sources":[\n' % MODEL)
        file.write(",\n".join(json.dumps(sources[i], separators=(",", ":")) for i in kept))
        file.write('],\n"configs":[\n')
        for index, (name, options) in enumerate(CONFIGS.items()):
            file.write('%s{"name":"%s","options":%s,"outputs":[\n' % (",\n" if index else "", name, json.dumps(options)))
            shown = kept if name in ("greedy", "beam4", "beam5_nbest") else kept[:FEW]
            file.write(",\n".join(json.dumps(results[name][i], separators=(",", ":")) for i in shown))
            file.write("]}")
        file.write("]}\n")
    for name in CONFIGS:
        rows = [results[name][i][0]["ids"] for i in kept]
        print("%-26s tokens %3d, ends in eos %3d, differs from greedy %3d" % (
            name, sum(map(len, rows)) // INPUTS, sum(row[-1] in (2, 5, 17) for row in rows),
            sum(row != results["greedy"][i][0]["ids"] for row, i in zip(rows, kept))))


def main():
    directory = sys.argv[1]
    torch.set_num_threads(1)
    model = Generator(TokenModel.load(os.path.join(directory, "..", "transformer", "token", MODEL)).train()).train()
    searches(model, os.path.join(directory, "searches.json"))
    names = [name for name in vars(GenerationConfig()) if not name.startswith("_")]
    with open(os.path.join(directory, "fields.json"), "w") as file:
        json.dump(names, file)
        file.write("\n")


if __name__ == "__main__":
    main()
