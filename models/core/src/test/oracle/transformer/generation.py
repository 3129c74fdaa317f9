"""Goldens of generation: greedy and beam search, and the distributions that sampling draws from.

    python3 generation.py ../../resources/golden/transformer/generation        (PyTorch 1.13; needs ../token, see tokens.py)

The search is written from the published semantics of Hugging Face `generate` (BeamSearchScorer), independently of any Java
code; README.md in this directory states the rules. It recomputes everything at every step: no cache. An input is dropped where,
under any configuration, two numbers that a decision compares lie within MARGIN of each other, until INPUTS are left; the search
then runs in float64 and in float32, and both must give the same tokens.
"""
import json
import math
import os
import sys

import torch

from token_model import TokenModel

MARGIN, INPUTS, MAX_SOURCE = 1e-4, 200, 23
NEG = float("-inf")
MODEL = "tied-sinusoidal-post-relu"

DEFAULTS = {"num_beams": 1, "max_length": 24, "min_length": 0, "length_penalty": 1.0, "early_stopping": False, "num_return_sequences": 1,
            "repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "forced_bos_token_id": None, "forced_eos_token_id": None}
CONFIGS = {
    "greedy": {},
    "greedy_min_forced": {"min_length": 9, "max_length": 14, "forced_bos_token_id": 7, "forced_eos_token_id": 2},
    "greedy_repetition": {"repetition_penalty": 1.7, "max_length": 20},
    "greedy_ngram": {"no_repeat_ngram_size": 2},
    "beam4": {"num_beams": 4},
    "beam4_early": {"num_beams": 4, "early_stopping": True, "length_penalty": 0.6},
    "beam3_never_long": {"num_beams": 3, "early_stopping": "never", "length_penalty": 2.0, "max_length": 16},
    "beam5_nbest": {"num_beams": 5, "num_return_sequences": 3, "max_length": 16},
    "beam2_short": {"num_beams": 2, "num_return_sequences": 2, "length_penalty": -1.0, "max_length": 12},
    "beam4_min_forced": {"num_beams": 4, "min_length": 8, "max_length": 12, "forced_bos_token_id": 7, "forced_eos_token_id": 2,
                         "early_stopping": True},
    "beam3_repetition": {"num_beams": 3, "repetition_penalty": 1.4, "no_repeat_ngram_size": 3, "length_penalty": 0.0, "max_length": 16},
}


class NearTie(Exception):
    """Two values that a decision compares are so close that rounding could swap them."""


class Watch:
    """Checks the margins of decisions."""

    def __init__(self, margin):
        self.margin = margin

    def compare(self, a, b):
        if math.isfinite(a) and math.isfinite(b) and abs(a - b) < self.margin:
            raise NearTie
        return a, b

    def ranked(self, values):
        """Neighbours among ranked values; beams that never got a token of their own (-1e9) do not count."""
        alive = [value for value in values if value > -1e8]
        for a, b in zip(alive, alive[1:]):
            self.compare(a, b)


def process(ids, scores, options, eos):
    """The logits processors, in the order of Hugging Face, on one row; ids include the start token."""
    scores = scores.clone()
    if options["repetition_penalty"] != 1.0:
        seen = torch.tensor(sorted(set(ids)))
        picked = scores[seen]
        penalty = options["repetition_penalty"]
        scores[seen] = torch.where(picked < 0, picked * penalty, picked / penalty)
    size = options["no_repeat_ngram_size"]
    if size > 0 and len(ids) + 1 >= size:
        prefix = ids[len(ids) - size + 1:]
        for start in range(len(ids) - size + 1):
            if ids[start:start + size - 1] == prefix:
                scores[ids[start + size - 1]] = NEG
    if len(ids) < options["min_length"]:
        scores[eos] = NEG
    if options["forced_bos_token_id"] is not None and len(ids) == 1:
        scores = force(scores, options["forced_bos_token_id"])
    if options["forced_eos_token_id"] is not None and len(ids) == options["max_length"] - 1:
        scores = force(scores, options["forced_eos_token_id"])
    return scores


def force(scores, token):
    forced = torch.full_like(scores, NEG)
    forced[token] = 0.0
    return forced


def next_logits(model, state, sequences):
    memory, padding = state
    rows = len(sequences)
    logits = model.decode(torch.tensor(sequences), memory.expand(rows, -1, -1), padding.expand(rows, -1))
    return logits[:, -1].detach()


def greedy(model, source, options, watch):
    """Processors see raw logits. Returns [(ids after the start token, None)]."""
    config = model.config
    state = model.encode(torch.tensor([source]))
    ids = [config["decoder_start_token_id"]]
    while len(ids) < options["max_length"]:
        scores = process(ids, next_logits(model, state, [ids])[0], options, config["eos_token_id"])
        best = torch.topk(scores, 2)
        watch.compare(*best.values.tolist())
        ids.append(best.indices[0].item())
        if ids[-1] == config["eos_token_id"]:
            break
    return [(ids[1:], None)]


class Hypotheses:
    """The finished sequences of one input: at most num_beams, worst_score the entry bar."""

    def __init__(self, options, watch):
        self.options, self.watch = options, watch
        self.entries, self.worst = [], 1e9

    def add(self, ids, sum_log_probs, generated):
        beams = self.options["num_beams"]
        score = sum_log_probs / generated ** self.options["length_penalty"]
        if len(self.entries) >= beams and score <= self.watch.compare(score, self.worst)[1]:
            return
        self.entries.append((score, ids))
        if len(self.entries) > beams:
            self.entries.sort(key=lambda entry: entry[0])
            self.watch.ranked([entry[0] for entry in self.entries])
            del self.entries[0]
            self.worst = self.entries[0][0]
        else:
            self.worst = min(score, self.worst)

    def is_done(self, best_sum, generated):
        if len(self.entries) < self.options["num_beams"]:
            return False
        early, penalty = self.options["early_stopping"], self.options["length_penalty"]
        if early is True:
            return True
        if early == "never" and penalty > 0.0:
            generated = self.options["max_length"] - 1
        return self.worst >= self.watch.compare(self.worst, best_sum / generated ** penalty)[1]


def beam_search(model, source, options, watch):
    """Processors see log-probabilities. Returns the num_return_sequences best as (ids after the start token, score)."""
    config, beams = model.config, options["num_beams"]
    eos, vocab = config["eos_token_id"], config["vocab_size"]
    state = model.encode(torch.tensor([source]))
    sequences = [[config["decoder_start_token_id"]] for _ in range(beams)]
    sums = [0.0] + [-1e9] * (beams - 1)
    finished = Hypotheses(options, watch)
    done = False
    while not done and len(sequences[0]) < options["max_length"]:
        log_probs = torch.log_softmax(next_logits(model, state, sequences), -1)
        scores = torch.stack([process(ids, row, options, eos) + total for ids, row, total in zip(sequences, log_probs, sums)])
        best = torch.topk(scores.flatten(), 2 * beams + 1)
        values, places = best.values.tolist(), best.indices.tolist()
        watch.ranked(values)
        generated = len(sequences[0])  # the start token does not count, the token chosen now does
        kept, kept_sums = [], []
        for rank, (value, place) in enumerate(zip(values[:-1], places[:-1])):
            ids, token = sequences[place // vocab], place % vocab
            if token == eos:
                if rank < beams:
                    finished.add(ids[1:] + [eos], value, generated)
            else:
                kept.append(ids + [token])
                kept_sums.append(value)
            if len(kept) == beams:
                break
        done = finished.is_done(values[0], generated)
        if not done:
            sequences, sums = kept, kept_sums
    if not done:
        for ids, total in zip(sequences, sums):
            finished.add(ids[1:], total, len(ids) - 1)
    ranked = sorted(finished.entries, key=lambda entry: entry[0], reverse=True)
    watch.ranked([entry[0] for entry in ranked])
    return [(ids, score) for score, ids in ranked[: options["num_return_sequences"]]]


def generate(model, source, options, watch):
    return (greedy if options["num_beams"] == 1 else beam_search)(model, source, options, watch)


def check_exhaustive(model, source):
    """With as many beams as tokens the search over two tokens sees everything: its best must be the best there is."""
    config = model.config
    vocab, eos, start = config["vocab_size"], config["eos_token_id"], config["decoder_start_token_id"]
    state = model.encode(torch.tensor([source]))
    first = torch.log_softmax(next_logits(model, state, [[start]]), -1)[0]
    second = torch.log_softmax(next_logits(model, state, [[start, token] for token in range(vocab)]), -1) + first[:, None]
    for penalty in (0.0, 1.0, 3.0):
        every = [([eos], first[eos].item())]
        every += [([a, b], second[a, b].item() / 2 ** penalty) for a in range(vocab) if a != eos for b in range(vocab)]
        options = dict(DEFAULTS, num_beams=vocab, max_length=3, length_penalty=penalty, early_stopping="never")
        ids, score = beam_search(model, source, options, Watch(0.0))[0]
        best = max(every, key=lambda entry: entry[1])
        assert ids == best[0] and abs(score - best[1]) < 1e-9, (source, penalty, ids, best)


def warped(logits, temperature, top_k, top_p):
    """Temperature, then top-k, then top-p, as Hugging Face orders them; returns the probabilities sampling draws from."""
    scores = logits / temperature
    if top_k > 0:
        scores = scores.masked_fill(scores < torch.topk(scores, min(top_k, len(scores))).values[-1], NEG)
    if top_p < 1.0:
        ascending = torch.sort(scores)
        # The least likely tokens whose probabilities add up to at most 1 - top_p go; one token always stays.
        remove = torch.softmax(ascending.values, -1).cumsum(-1) <= 1 - top_p
        remove[-1] = False
        scores = scores.index_fill(0, ascending.indices[remove], NEG)
    return torch.softmax(scores, -1)


WARPERS = [(1.0, 0, 1.0), (0.5, 0, 1.0), (1.7, 0, 1.0), (1.0, 1, 1.0), (1.0, 5, 1.0), (0.8, 50, 1.0), (1.0, 0, 0.9), (1.0, 0, 0.3),
           (1.3, 12, 0.8), (0.7, 3, 0.95)]


def warper_goldens(model, sources):
    rows = []
    for source in sources[:5]:
        logits = next_logits(model, model.encode(torch.tensor([source])), [[model.config["decoder_start_token_id"]]])[0].float()
        cases = []
        for temperature, top_k, top_p in WARPERS:
            probabilities = warped(logits.double(), temperature, top_k, top_p).tolist()
            cases.append({"temperature": temperature, "top_k": top_k, "top_p": top_p, "probabilities": [round(p, 8) for p in probabilities]})
        rows.append({"logits": [round(x, 9) for x in logits.tolist()], "cases": cases})
    return rows


def main():
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    torch.set_num_threads(1)
    model_directory = os.path.join(directory, "..", "token", MODEL)
    narrow, wide = TokenModel.load(model_directory).train(), TokenModel.load(model_directory).double().train()
    g = torch.Generator().manual_seed(90)
    configs = {name: dict(DEFAULTS, **own) for name, own in CONFIGS.items()}
    sources, results, tried = [], {name: [] for name in configs}, 0
    while len(sources) < INPUTS:
        tried += 1
        length = (tried - 1) % MAX_SOURCE + 1
        source = torch.randint(3, wide.config["vocab_size"], (length,), generator=g).tolist()
        try:
            found = {name: generate(wide, source, options, Watch(MARGIN)) for name, options in configs.items()}
        except NearTie:
            continue
        for name, options in configs.items():
            again = generate(narrow, source, options, Watch(0.0))
            assert [ids for ids, _ in again] == [ids for ids, _ in found[name]], (name, source)
            results[name].append(found[name])
        sources.append(source)
    write(os.path.join(directory, "generate.json"), sources, configs, results)
    with open(os.path.join(directory, "warpers.json"), "w") as file:
        json.dump(warper_goldens(wide, sources), file, separators=(",", ":"))
        file.write("\n")
    for source in sources[:20]:
        check_exhaustive(wide, source)
    report(tried, results, wide.config["eos_token_id"])


def write(path, sources, configs, results):
    """One line an input, so that a difference can be read."""
    with open(path, "w") as file:
        file.write('{"model":"token/%s",\n"sources":[\n' % MODEL)
        file.write(",\n".join(json.dumps(source, separators=(",", ":")) for source in sources))
        file.write('],\n"configs":[\n')
        for index, (name, options) in enumerate(configs.items()):
            file.write('%s{"name":"%s","options":%s,"outputs":[\n' % (",\n" if index else "", name, json.dumps(options)))
            rows = [[{"ids": ids} if score is None else {"ids": ids, "score": round(score, 6)} for ids, score in found]
                    for found in results[name]]
            file.write(",\n".join(json.dumps(row, separators=(",", ":")) for row in rows))
            file.write("]}")
        file.write("]}\n")
    with open(path) as file:
        loaded = json.load(file)
    assert loaded["sources"] == sources
    for config in loaded["configs"]:
        assert [[r["ids"] for r in row] for row in config["outputs"]] == [[ids for ids, _ in found] for found in results[config["name"]]]


def report(tried, results, eos):
    print("%d inputs kept of %d" % (INPUTS, tried))
    for name, found in results.items():
        best = [row[0][0] for row in found]
        lengths = sorted(len(ids) for ids in best)
        print("%-20s lengths %d..%d (median %d), %d end in eos, %d distinct, %d tokens distinct, %d differ from greedy" % (
            name, lengths[0], lengths[-1], lengths[len(lengths) // 2], sum(ids[-1] == eos for ids in best), len(set(map(tuple, best))),
            len(set(sum(best, []))), sum(a != row[0][0] for a, row in zip(best, results["greedy"]))))


if __name__ == "__main__":
    main()
