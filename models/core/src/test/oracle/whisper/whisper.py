"""Writes golden/whisper: folders of tiny Whisper models with random F16 weights, what transformers computes of them, and a recording.

    python whisper.py ../../resources/golden/whisper        (transformers 5.18, torch 2.13, soundfile)

Each folder is as one downloads it. Beside it cases.safetensors: "states" F32 [sourceLen, dModel] of the first window of the recording,
"ids" I32 [n] and "logits" F32 [n, vocabSize]; and cases.json: for each case the arguments of generate and what came of it, segment by
segment: tokens, times, and the figures that the fallback goes by. "texts" and "pieces" are what the tokenizer makes of tokens.
"""
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import soundfile as sf
import tokenizers as K
import torch
import transformers as T
from safetensors.torch import save_file
from tokenizers import decoders, models, pre_tokenizers, trainers

HERE = Path(__file__).resolve().parent
from transformers.models.whisper.tokenization_whisper import _combine_tokens_into_words

OUT = Path(sys.argv[1])
RATE = 16000
WINDOW = 50
LANGUAGES = ["en", "de", "fr", "yue"]
TEXTS = ["the cat sat on the mat.", "der alte Haus ein Satz", " Anna walks to Old River; the dog ran, and sings: 42!", "größer übel 中文 sat 🙂"] * 3


def recording():
    """4.3 s: a gliding voice, pauses and noise."""
    rng = np.random.default_rng(11)
    t = np.arange(int(4.3 * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * 0.7 * t)) / RATE
    formants = (500 + 300 * np.sin(2 * np.pi * 1.3 * t), 1500 + 600 * np.sin(2 * np.pi * 0.9 * t + 1))
    x = sum(np.cos(k * phase) / (1 + ((k * 120 - f) / 200) ** 2) for k in range(1, 25) for f in formants)
    x = x / np.abs(x).max() * 0.6 * np.clip(np.sin(2 * np.pi * 0.8 * t) * 3, 0, 1) + 0.003 * rng.standard_normal(t.size)
    return (np.round(x * 8192) / 32768 * 2).astype(np.float32)


def tokenizer(multilingual):
    t = K.Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=300, show_progress=False,
                                                     initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    vocab = json.loads(t.to_str())["model"]["vocab"]
    merges = [tuple(m) for m in json.loads(t.to_str())["model"]["merges"]]
    special = ["<|endoftext|>", "<|startoftranscript|>"] + [f"<|{l}|>" for l in LANGUAGES if multilingual]
    special += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    w = T.WhisperTokenizer(vocab=vocab, merges=merges)
    w.add_tokens([K.AddedToken(s, special=True, normalized=False) for s in special])
    w.add_tokens([K.AddedToken("<|%.2f|>" % (i * 0.02), special=False, normalized=False) for i in range(WINDOW + 1)])
    return w


def randomize(model, seed, scale):
    """Weights that F16 holds exactly, large enough that every part matters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.requires_grad:
                norm = "norm.weight" in name
                p.copy_(torch.randn(p.shape, generator=generator) * (0.2 if norm else scale) + (1.0 if norm else 0.0))
            p.copy_(p.half().float())
    return model.eval()


def save(model, folder):
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = [type(model).__name__]
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    save_file({k: v.half().contiguous() for k, v in model.state_dict().items() if k != "proj_out.weight"}, folder / "model.safetensors",
              metadata={"format": "pt"})


def figures(model, segment, temperature):
    result = segment["result"]
    if not isinstance(result, dict) or "scores" not in result:
        return {}
    prompt = len(result["sequences"]) - len(result["scores"])
    tokens = result["sequences"][prompt:]
    return {"compression": model._retrieve_compression_ratio(tokens, model.config.vocab_size),
            "logProb": float(model._retrieve_avg_logprobs(result["scores"], tokens, temperature))}


def case(model, extractor, processor, audio, long, **options):
    inputs = extractor(audio, sampling_rate=RATE, return_tensors="pt", return_attention_mask=True,
                       **({"truncation": False, "padding": "longest"} if long else {}))
    arguments = dict(options)
    if options.get("return_token_timestamps"):
        arguments["attention_mask"] = inputs["attention_mask"]
    if "prompt" in options:
        del arguments["prompt"]
        arguments["prompt_ids"] = torch.tensor(processor.get_prompt_ids(options["prompt"]))
    result = model.generate(inputs["input_features"], return_segments=True,
                            **{"logprob_threshold": -1e9, "temperature": (0.0,), **arguments})
    segments = []
    for s in result["segments"][0]:
        segment = {"start": float(s["start"]), "end": float(s["end"]), "tokens": s["tokens"].tolist(), **figures(model, s, 0.0)}
        if "token_timestamps" in s:
            segment["times"] = s["token_timestamps"].tolist()
        segment["text"] = processor.decode(s["tokens"], skip_special_tokens=True)
        segments.append(segment)
    told = {"prompt_ids": arguments["prompt_ids"].tolist()[1:]} if "prompt" in options else {}
    return {"samples": len(audio), "options": options, "segments": segments, **told}


def folder(name, seed, multilingual, config, generation, audio, cases):
    out = OUT / name
    t = tokenizer(multilingual)
    ids = {k: t.convert_tokens_to_ids(f"<|{k}|>") for k in LANGUAGES + ["endoftext", "startoftranscript", "translate", "transcribe",
                                                                        "startofprev", "notimestamps"]}
    sizes = dict(vocab_size=len(t), max_source_positions=WINDOW, pad_token_id=ids["endoftext"], bos_token_id=ids["endoftext"],
                 eos_token_id=ids["endoftext"], decoder_start_token_id=ids["startoftranscript"], suppress_tokens=None,
                 begin_suppress_tokens=None)
    torch.manual_seed(0)
    model = randomize(T.WhisperForConditionalGeneration(T.WhisperConfig(**sizes, **config)), seed, 0.25)
    with torch.no_grad():
        # Else a random model says the same again and again, whatever it hears.
        for k, p in model.named_parameters():
            scale = 2.5 if "decoder.embed_positions" in k else 5 if "encoder_attn.out_proj.weight" in k or "encoder_attn.q_proj" in k else 1
            p.copy_((p * scale).half().float())
    save(model, out)
    t.save_pretrained(out)
    extractor = T.WhisperFeatureExtractor(feature_size=config["num_mel_bins"], chunk_length=1)
    extractor.save_pretrained(out)
    g = {"decoder_start_token_id": ids["startoftranscript"], "eos_token_id": ids["endoftext"], "pad_token_id": ids["endoftext"],
         "bos_token_id": ids["endoftext"], "no_timestamps_token_id": ids["notimestamps"], "prev_sot_token_id": ids["startofprev"],
         "suppress_tokens": [3, 7, 11, ids["startofprev"], ids["startoftranscript"]], "begin_suppress_tokens": [5, ids["endoftext"]],
         "max_initial_timestamp_index": 20, "is_multilingual": multilingual, "return_timestamps": False,
         "alignment_heads": [[0, 1], [config["decoder_layers"] - 1, 0]], **generation}
    if multilingual:
        g |= {"lang_to_id": {f"<|{l}|>": ids[l] for l in LANGUAGES}, "task_to_id": {k: ids[k] for k in ("transcribe", "translate")}}
    (out / "generation_config.json").write_text(json.dumps(g, indent=1) + "\n")
    model = T.WhisperForConditionalGeneration.from_pretrained(out, attn_implementation="eager", dtype=torch.float32).eval()
    features = extractor(audio[:RATE], sampling_rate=RATE, return_tensors="pt")["input_features"]
    given = [ids["startoftranscript"]] + ([ids["de"], ids["transcribe"]] if multilingual else []) + [ids["notimestamps"], 44, 9, 101, 260, 9]
    with torch.no_grad():
        states = model.model.encoder(features).last_hidden_state[0]
        logits = model(features, decoder_input_ids=torch.tensor([given])).logits[0]
    save_file({"states": states.contiguous(), "ids": torch.tensor(given, dtype=torch.int32), "logits": logits.contiguous()},
              out / "cases.safetensors")
    results = {k: case(model, extractor, t, audio if long else audio[:n], long, **options) for k, (long, n, options) in cases.items()}
    if multilingual:
        results["detect"] = {"language": t.convert_ids_to_tokens(model.detect_language(features).tolist())[0][2:-2]}
    drawn = [[int(i) for i in np.random.default_rng(s).integers(0, len(t), 12)] for s in range(12)]
    # A text that begins with what was said before would be cut.
    texts = [i for i in drawn if i[0] != ids["startofprev"]]
    results["texts"] = [{"ids": i, "text": t.decode(i, skip_special_tokens=True)} for i in texts]
    said = [t(text, add_special_tokens=False)["input_ids"] for text in TEXTS[:4] + [' "quoted" (and more), 3.5 % - so! größer 中文。 x ']]
    results["pieces"] = [{"ids": i, "language": l, "words": [[w, n[0], n[-1] + 1] for w, n in zip(*_combine_tokens_into_words(t, i, l)[::2])]}
                        for i in said + [[i for i in x if i < ids["endoftext"]] for x in drawn[:6]] for l in ("english", "chinese")]
    (out / "cases.json").write_text(json.dumps(results, indent=None, ensure_ascii=True) + "\n")
    for k, r in results.items():
        if isinstance(r, dict) and "segments" in r:
            print(name, k, [(round(s["start"], 2), round(s["end"], 2), len(s["tokens"]), len(set(s["tokens"]))) for s in r["segments"]])


shutil.rmtree(OUT, ignore_errors=True)
OUT.mkdir(parents=True)
sf.write(OUT / "recording.flac", recording(), RATE, subtype="PCM_16")
sound = sf.read(OUT / "recording.flac", dtype="float32")[0]
SHORT = {"plain": (False, 15000, {"return_timestamps": False}), "stamped": (False, 13001, {"return_timestamps": True}),
         "long": (True, 0, {"return_timestamps": True}), "words": (True, 0, {"return_timestamps": True, "return_token_timestamps": True}),
         "shortwords": (False, 12500, {"return_timestamps": True, "return_token_timestamps": True}),
         "conditioned": (True, 0, {"return_timestamps": True, "condition_on_prev_tokens": True}),
         "prompted": (True, 0, {"return_timestamps": True, "prompt": "Anna, the dog & 42 "}),
         "promptedwords": (False, 14000, {"return_timestamps": True, "return_token_timestamps": True, "prompt": "Satz"}),
         "promptedconditioned": (True, 0, {"return_timestamps": True, "condition_on_prev_tokens": True, "prompt": "der alte Haus"}),
         "beams": (False, 15000, {"return_timestamps": False, "num_beams": 4}),
         "beamsstamped": (False, 13001, {"return_timestamps": True, "num_beams": 3}),
         "beamslong": (True, 0, {"return_timestamps": True, "num_beams": 5, "condition_on_prev_tokens": True, "prompt": "Satz"}),
         "beamsskipped": (True, 0, {"return_timestamps": True, "num_beams": 2, "logprob_threshold": 0.0, "no_speech_threshold": 1e-4}),
         "skipped": (True, 0, {"return_timestamps": True, "logprob_threshold": 0.0, "no_speech_threshold": 1e-4})}
MULTI = {**SHORT, "german": (True, 0, {"return_timestamps": True, "language": "German", "task": "translate"}),
         "french": (False, 16000, {"return_timestamps": False, "language": "fr"}),
         "task": (False, 16000, {"return_timestamps": True, "task": "transcribe"})}
folder("multilingual", 3, True, dict(num_mel_bins=20, encoder_layers=2, encoder_attention_heads=3, decoder_layers=3,
                                     decoder_attention_heads=2, decoder_ffn_dim=56, encoder_ffn_dim=40, d_model=24,
                                     max_target_positions=60), {"max_length": 31}, sound, MULTI)
folder("english", 8, False, dict(num_mel_bins=128, encoder_layers=1, encoder_attention_heads=2, decoder_layers=1,
                                 decoder_attention_heads=4, decoder_ffn_dim=24, encoder_ffn_dim=50, d_model=16,
                                 max_target_positions=40, activation_function="relu", median_filter_width=3),
       {"max_new_tokens": 12, "forced_decoder_ids": None}, sound, SHORT)
