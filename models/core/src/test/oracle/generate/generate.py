"""Goldens of generation: transformers' own `generate` over the token model of ../transformer.

    python3 generate.py ../../resources/golden/generate BEAMS        (torch 2.13, transformers 5.18; needs ../transformer/token)

BEAMS is the folder transformers/generation of transformers 4.57, the last that has BeamSearchScorer: groups of beams are its; the loop over
them is here (5.18 has it outside its core: transformers-community/group-beam-search).

searches-KIND.safetensors: sources, and for each configuration what `generate` returns for them, one sequence after the other: `NAME.ids` U8
of all, behind the prompt (eos included, padding cut), `NAME.lengths` U8, `NAME.scores` F32: of beams the sequence's, else the last token's.
Sources whose result changes when 1e-4 of noise is added to the logits are dropped: there rounding may decide.
fields.json: the fields of GenerationConfig.
"""
import importlib.util
import json
import os
import sys

import numpy as np
import torch
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.generation import GenerateBeamEncoderDecoderOutput
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "transformer"))
import safetensors_io  # noqa: E402
from token_model import TokenModel  # noqa: E402

SCORER = None
MODEL, INPUTS, NOISE = "tied-sinusoidal-post-relu", 200, 1e-4
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
    "beam3_several_eos": {"num_beams": 3, "eos_token_id": [2, 5, 17], "num_return_sequences": 2},
    # encoder_repetition_penalty is not among beams: transformers 5.18 applies it to the first rows of a batch only.
    "beam3_encoder": {"num_beams": 3, "encoder_no_repeat_ngram_size": 2, "num_return_sequences": 2},
    "beam4_words_renormalized": {"num_beams": 4, "bad_words_ids": [[5], [2], [8, 9], [11]], "sequence_bias": [[[7], -1.5], [[4, 6], 4.0]],
                                 "renormalize_logits": True, "num_return_sequences": 2},
    "beam3_decay_suppress": {"num_beams": 3, "exponential_decay_length_penalty": [4, 1.1], "suppress_tokens": [3, 10],
                             "begin_suppress_tokens": [7], "num_return_sequences": 2},
    "beam3_prompt": {"num_beams": 3, "decoder_input_ids": [1, 9, 14, 5], "max_length": 18, "num_return_sequences": 2},
    "beam3_prefix": {"num_beams": 3, "prefix": True, "num_return_sequences": 2},
    "beam2_new_tokens": {"num_beams": 2, "max_new_tokens": 11, "min_new_tokens": 6},
    # A group that has ended goes on with padding, for which other groups would pay: it is suppressed. Of several eos the scorer writes
    # the first, whichever was chosen: there is one.
    "groups2": {"num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 0.7, "num_return_sequences": 4, "suppress_tokens": [0]},
    "groups3_of_one": {"num_beams": 3, "num_beam_groups": 3, "diversity_penalty": 5.0, "num_return_sequences": 3, "max_length": 14,
                       "suppress_tokens": [0]},
    "groups3_never": {"num_beams": 6, "num_beam_groups": 3, "diversity_penalty": 0.3, "early_stopping": "never", "length_penalty": 2.0,
                      "num_return_sequences": 2, "max_length": 12, "suppress_tokens": [0]},
    "groups2_rules": {"num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 1.5, "early_stopping": True, "length_penalty": 0.6,
                      "repetition_penalty": 1.4, "no_repeat_ngram_size": 2, "num_return_sequences": 2,
                      "decoder_input_ids": [1, 9, 14], "suppress_tokens": [0]},
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


def scorer_class(folder):
    """BeamSearchScorer of another transformers, within this one."""
    for name in ("beam_constraints", "beam_search"):
        spec = importlib.util.spec_from_file_location("transformers.generation." + name, os.path.join(folder, name + ".py"))
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return module.BeamSearchScorer


def group_search(model, ids, logits_processor, stopping_criteria, generation_config, **inputs):
    """Diverse beam search (arXiv 1610.02424, algorithm 1) with Hamming diversity."""
    c = generation_config
    size, prompt, batch = c.num_beams // c.num_beam_groups, ids.shape[1], ids.shape[0] // c.num_beams
    scorer = SCORER(batch, c.num_beams, ids.device, c.length_penalty, c.early_stopping, c.num_return_sequences, c.num_beam_groups,
                    c.max_length)
    ends, pad = c._eos_token_tensor, c._pad_token_tensor
    ids = ids.view(batch, c.num_beams, -1)
    sums = torch.full((batch, c.num_beams), -1e9)
    sums[:, ::size] = 0
    while True:
        flat = ids.view(batch * c.num_beams, -1)
        logits = model(decoder_input_ids=flat, encoder_outputs=inputs["encoder_outputs"]).logits[:, -1].float()
        scores = logits_processor(flat, logits.log_softmax(-1)).view(batch, c.num_beams, -1)
        vocab, grown = scores.shape[-1], []
        for group in range(c.num_beam_groups):
            own = slice(group * size, (group + 1) * size)
            chosen = torch.cat([g[:, :, -1] for g in grown], 1) if grown else torch.zeros(batch, 0, dtype=torch.long)
            cost = torch.nn.functional.one_hot(chosen, vocab).sum(1) * c.diversity_penalty
            totals = (scores[:, own] - cost[:, None] + sums[:, own, None]).reshape(batch, -1)
            best, at = totals.topk(max(2, len(ends) + 1) * size)
            mine = ids[:, own].reshape(batch * size, -1)
            out = scorer.process(mine, best, at % vocab, at // vocab, pad_token_id=pad, eos_token_id=ends, group_index=group,
                                 decoder_prompt_len=prompt)
            sums[:, own] = out["next_beam_scores"].view(batch, size)
            grown.append(torch.cat([mine[out["next_beam_indices"]], out["next_beam_tokens"][:, None]], 1).view(batch, size, -1))
        ids = torch.cat(grown, 1)
        if scorer.is_done or ids.shape[-1] >= c.max_length:
            break
    found = scorer.finalize(ids.view(batch * c.num_beams, -1), sums.view(-1), None, None, max_length=c.max_length, pad_token_id=pad,
                            eos_token_id=ends, decoder_prompt_len=prompt)
    return GenerateBeamEncoderDecoderOutput(sequences=found["sequences"], sequences_scores=found["sequence_scores"])


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
    if "num_beam_groups" in options:
        options["custom_generate"] = group_search
    found = model.generate(torch.tensor(sources), return_dict_in_generate=True, output_scores=True, **options)
    rows = []
    ends = options.get("eos_token_id", 2)
    ends = ends if isinstance(ends, list) else [ends]
    scores = None if beams else model.compute_transition_scores(found.sequences, found.scores, None, normalize_logits=True)
    for i, ids in enumerate(found.sequences.tolist()):
        ids = ids[len(prompt):]
        end = next((at + 1 for at, token in enumerate(ids) if token in ends), len(ids))
        if end == len(ids) or ids[end - 1] not in ends:
            while end > 0 and ids[end - 1] == 0:
                end -= 1
        rows.append((ids[:end], found.sequences_scores[i].item() if beams else scores[i][end - 1].item()))
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
    return [row[0] for row in rows]


def kind(name):
    return "greedy" if name.startswith("greedy") else "beams" if name.startswith("beam") else "groups"


def flat(prefix, lists):
    return {prefix + "ids": np.array([id for ids in lists for id in ids], np.uint8),
            prefix + "lengths": np.array([len(ids) for ids in lists], np.uint8)}


def searches(model, directory):
    g = torch.Generator().manual_seed(90)
    sources = [torch.randint(3, 37, (i % 23 + 1,), generator=g).tolist() for i in range(INPUTS + 130)]
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
    for file in ("greedy", "beams", "groups"):
        names = [name for name in CONFIGS if kind(name) == file]
        tensors = flat("", [sources[i] for i in kept])
        for name in names:
            rows = [row for i in kept for row in results[name][i]]
            tensors |= flat(name + ".", ids_of(rows))
            tensors[name + ".scores"] = np.array([row[1] for row in rows], np.float32)
        path = os.path.join(directory, "searches-%s.safetensors" % file)
        safetensors_io.write(path, tensors, {name: json.dumps(CONFIGS[name]) for name in names})
        print(file, os.path.getsize(path), "bytes")
    for name in CONFIGS:
        rows = [results[name][i][0][0] for i in kept]
        print("%-26s tokens %3d, ends in eos %3d, differs from greedy %3d" % (
            name, sum(map(len, rows)) // INPUTS, sum(row[-1] in (2, 5, 17) for row in rows),
            sum(row != results["greedy"][i][0][0] for row, i in zip(rows, kept))))


def main():
    global SCORER
    directory = sys.argv[1]
    SCORER = scorer_class(sys.argv[2])
    torch.set_num_threads(1)
    model = Generator(TokenModel.load(os.path.join(directory, "..", "transformer", "token", MODEL)).train()).train()
    searches(model, directory)
    names = [name for name in vars(GenerationConfig()) if not name.startswith("_")]
    with open(os.path.join(directory, "fields.json"), "w") as file:
        json.dump(names, file)
        file.write("\n")


if __name__ == "__main__":
    main()
