"""Goldens of single processors and warpers: logits and ids in, logits out, by transformers' own classes.

    python3 processors.py ../../resources/golden/generate        (torch 2.13, transformers 5.18)

processors.safetensors: for each case `NAME.in` and `NAME.out` F32 [rows, vocab], `NAME.ids` I32 [rows, length]; the case's parameters are
JSON in the metadata. Warpers' outputs are the probabilities that are drawn from.
"""
import json
import os
import sys

import torch
from safetensors.torch import save_file
from transformers.generation import logits_process as lp

EOS = [2, 5]
SOURCE = [3, 9, 4, 9, 4, 11, 3, 9]


def processors(vocab):
    source = torch.tensor([SOURCE, SOURCE[::-1]])
    last = vocab - 1
    return {
        "repetition_penalty": (lp.RepetitionPenaltyLogitsProcessor(1.3), 1.3),
        "repetition_penalty_low": (lp.RepetitionPenaltyLogitsProcessor(0.7), 0.7),
        "encoder_repetition_penalty": (lp.EncoderRepetitionPenaltyLogitsProcessor(1.6, source), 1.6),
        "no_repeat_ngram_size_1": (lp.NoRepeatNGramLogitsProcessor(1), 1),
        "no_repeat_ngram_size_2": (lp.NoRepeatNGramLogitsProcessor(2), 2),
        "no_repeat_ngram_size_3": (lp.NoRepeatNGramLogitsProcessor(3), 3),
        "encoder_no_repeat_ngram_size_1": (lp.EncoderNoRepeatNGramLogitsProcessor(1, source), 1),
        "encoder_no_repeat_ngram_size_2": (lp.EncoderNoRepeatNGramLogitsProcessor(2, source), 2),
        "encoder_no_repeat_ngram_size_3": (lp.EncoderNoRepeatNGramLogitsProcessor(3, source), 3),
        "bad_words_ids": (lp.NoBadWordsLogitsProcessor([[2], [7], [9, 4], [4, 9], [4, 9, 3], [last], [4, 4, 4, 4, 4, 4, 4, 4, 4, 8]], EOS),
                          [[2], [7], [9, 4], [4, 9], [4, 9, 3], [last], [4, 4, 4, 4, 4, 4, 4, 4, 4, 8]]),
        "sequence_bias": (lp.SequenceBiasLogitsProcessor([[[7], -10.5], [[9, 4], 3.25], [[4], 1.5], [[last], float("-inf")]]),
                          [[[7], -10.5], [[9, 4], 3.25], [[4], 1.5], [[last], "-inf"]]),
        "min_length": (lp.MinLengthLogitsProcessor(4, EOS), 4),
        "min_new_tokens": (lp.MinNewTokensLengthLogitsProcessor(1, 3, EOS), 3),
        "prefix_allowed_tokens_fn": (lp.PrefixConstrainedLogitsProcessor(lambda _, ids: [int(ids[-1]), last, 0], 1), None),
        "forced_bos_token_id": (lp.ForcedBOSTokenLogitsProcessor(6), 6),
        "forced_eos_token_id": (lp.ForcedEOSTokenLogitsProcessor(7, [2, 8]), [2, 8]),
        "remove_invalid_values": (lp.InfNanRemoveLogitsProcessor(), None),
        "exponential_decay_length_penalty": (lp.ExponentialDecayLengthPenalty((2, 1.4), EOS, 1), [2, 1.4]),
        "suppress_tokens": (lp.SuppressTokensLogitsProcessor([0, 9, last]), [0, 9, last]),
        "begin_suppress_tokens": (lp.SuppressTokensAtBeginLogitsProcessor([1, 4], 1), [1, 4]),
    }


def warpers():
    return {
        "temperature": [(0.3,), (1.7,)],
        "top_h": [(0.4,), (0.95,), (0.05,)],
        "top_k": [(1, 1), (5, 1), (1000, 1), (2, 3)],
        "top_p": [(0.9, 1), (0.3, 1), (0.05, 3), (1e-6, 1)],
        "min_p": [(0.1, 1), (0.9, 3), (0.0, 1), (1.0, 1)],
        "typical_p": [(0.9, 1), (0.2, 1), (0.05, 3), (0.6, 2)],
        "epsilon_cutoff": [(0.01, 1), (0.3, 3), (0.9, 1)],
        "eta_cutoff": [(0.01, 1), (0.3, 3), (0.9, 1)],
    }


CLASSES = {"temperature": lp.TemperatureLogitsWarper, "top_h": lp.TopHLogitsWarper, "top_k": lp.TopKLogitsWarper, "top_p": lp.TopPLogitsWarper,
           "min_p": lp.MinPLogitsWarper, "typical_p": lp.TypicalLogitsWarper, "epsilon_cutoff": lp.EpsilonLogitsWarper,
           "eta_cutoff": lp.EtaLogitsWarper}
CHAINS = [{"temperature": 0.8, "top_k": 9, "top_p": 0.85}, {"temperature": 1.9, "top_k": 50, "typical_p": 0.7, "eta_cutoff": 0.02},
          {"top_h": 0.6, "top_k": 30, "min_p": 0.05}, {"top_p": 0.95, "typical_p": 0.8, "epsilon_cutoff": 0.03}]


def main():
    path = os.path.join(sys.argv[1], "processors.safetensors")
    g = torch.Generator().manual_seed(11)
    tensors, metadata = {}, {}

    def case(name, parameters, logits, ids, out):
        tensors[name + ".in"], tensors[name + ".out"] = logits.clone(), out.float().contiguous()
        tensors[name + ".ids"] = ids.int()
        metadata[name] = json.dumps(parameters)

    for vocab in (13, 19):
        for name, (processor, parameters) in processors(vocab).items():
            for length in (1, 6, 9):
                ids = torch.tensor([[4, 9, 4, 9, 3, 4, 9, 4, 9], [9, 4, 11, 3, 9, 4, 9, 3, 9]])[:, :length]
                logits = torch.randn(2, vocab, generator=g) * 4
                if name == "remove_invalid_values":
                    logits[0, 1], logits[0, 3], logits[1, 0] = float("nan"), float("inf"), float("-inf")
                case("%s@%d@%d" % (name, vocab, length), parameters, logits, ids, processor(ids, logits.clone()))
    ids = torch.tensor([[1]])
    for vocab in (7, 109):
        logits = torch.randn(1, vocab, generator=g) * 1.5
        logits[0, 3] = float("-inf")
        for name, runs in warpers().items():
            for i, arguments in enumerate(runs):
                keep = {} if len(arguments) == 1 else {"min_tokens_to_keep": arguments[1]}
                out = CLASSES[name](arguments[0], **keep)(ids, logits.double().clone())
                case("%s#%d@%d" % (name, i, vocab), {name: arguments[0], "keep": keep.get("min_tokens_to_keep", 1)}, logits, ids, out.softmax(-1))
        for i, chain in enumerate(CHAINS):
            out = logits.double().clone()
            for name in chain:
                out = CLASSES[name](chain[name])(ids, out)
            case("chain#%d@%d" % (i, vocab), dict(chain, keep=1), logits, ids, out.softmax(-1))
    save_file(tensors, path, metadata)
    print(len(metadata), "cases", os.path.getsize(path), "bytes")


if __name__ == "__main__":
    main()
