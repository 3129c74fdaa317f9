"""Small sounds of every kind that the reader knows, what libsndfile makes of them, scipy's resampling and transformers' features.

    python models/core/src/test/oracle/audio/audio.py models/core/src/test/resources/golden/audio

Needs numpy, scipy, soundfile, transformers and torch. Writes sound files, and expected.safetensors: "FILE" [moments, channels] as
libsndfile reads it; "resample/RATE" [n] and "resample/RATE/to16000"; "features/NAME" of WhisperFeatureExtractor, transposed to
[frames, bins], for "features/audio" [n] at 16 kHz.
"""
import os
import sys

import numpy as np
import soundfile as sf
from math import gcd
from safetensors.numpy import save_file
from scipy.signal import firwin, resample_poly
from transformers import WhisperFeatureExtractor

OUT = sys.argv[1]
rng = np.random.default_rng(5)
expected = {}


def voice(seconds, rate):
    """Pulses of a gliding pitch through three resonances, with some noise."""
    t = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * (110 * t + 60 * t ** 2 / max(seconds, 1e-9))
    x = sum(np.cos(k * phase) / (1 + ((k * 130 - f) / 180) ** 2) for k in range(1, 25) for f in (600, 1300, 2500))
    x = x / np.abs(x).max() * (0.3 + 0.3 * np.sin(2 * np.pi * 3 * t)) + 0.004 * rng.standard_normal(t.size)
    return x.astype(np.float32)


def write(name, x, rate, **options):
    path = os.path.join(OUT, name)
    sf.write(path, x, rate, **options)
    expected[name] = sf.read(path, dtype="float32", always_2d=True)[0]


mono = voice(0.06, 8000)
stereo = np.stack([mono, np.roll(mono, 9) * 0.5], 1)
for kind in ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]:
    write(f"wav-{kind.lower()}.wav", stereo, 8000, subtype=kind)
write("wavex-pcm_24.wav", np.stack([mono] * 3, 1), 11025, subtype="PCM_24", format="WAVEX")
write("rf64-pcm_16.wav", mono, 8000, subtype="PCM_16", format="RF64")
for rate in (16000, 22050):  # MPEG-2, whose frames are shorter
    x = voice(0.2, rate)
    write(f"mono-{rate}.flac", x, rate, subtype="PCM_16")
    write(f"mono-{rate}.ogg", x, rate, format="OGG", subtype="VORBIS")
    write(f"mono-{rate}.mp3", x, rate, format="MP3")
x = voice(0.08, 44100)
y = np.stack([x, np.roll(x, 31) * 0.7], 1)
write("stereo-44100.flac", y[:900], 44100, subtype="PCM_24")
write("stereo-44100.ogg", y, 44100, format="OGG", subtype="VORBIS")
write("stereo-44100.mp3", y, 44100, format="MP3")
sf.write(os.path.join(OUT, "opus.ogg"), voice(0.1, 48000), 48000, format="OGG", subtype="OPUS")
sf.write(os.path.join(OUT, "aiff.aiff"), mono[:50], 8000)

for rate in (8000, 11025, 22050, 44100, 48000, 96000, 44056):
    x = rng.standard_normal(int(0.015 * rate) + 7).astype(np.float32) * 0.3
    up, down = 16000 // gcd(16000, rate), rate // gcd(16000, rate)
    most = max(up, down)
    window = firwin(2 * 32 * most + 1, 0.95 / most, window=("kaiser", 10.0))
    expected[f"resample/{rate}"] = x
    expected[f"resample/{rate}/to16000"] = resample_poly(x.astype(np.float64), up, down, window=window).astype(np.float32)

audio = np.concatenate([voice(0.6, 16000), np.zeros(900, np.float32), voice(0.4, 16000)[:6137]])
expected["features/audio"] = audio
for name, bins, chunk, n, options in [("short-80", 80, 1, 9001, {}), ("short-128", 128, 1, 5000, {}), ("whole-80", 80, 1, audio.size, {}),
                                      ("odd", 13, 1, 9999, {"n_fft": 250, "hop_length": 99}), ("silent", 8, 1, 0, {}),
                                      ("filled", 8, 1, 5000, {"padding_value": 0.01})]:
    extractor = WhisperFeatureExtractor(feature_size=bins, chunk_length=chunk, **options)
    long = n > extractor.n_samples
    source = audio[:n] if n else np.zeros(300, np.float32)
    features = extractor(source, sampling_rate=16000, return_tensors="np", truncation=False,
                         padding="longest" if long else "max_length")["input_features"][0]
    expected["features/" + name] = np.ascontiguousarray(features.T[::5 if features.size > 5000 else 1])
extractor = WhisperFeatureExtractor(feature_size=80)
features = extractor(audio, sampling_rate=16000, return_tensors="np")["input_features"][0]
expected["features/thirty-seconds"] = np.ascontiguousarray(features.T[[0, 1, 2, 50, 100, 137, 138, 139, 140, 1500, 2998, 2999]])
save_file({k: np.ascontiguousarray(v, dtype=np.float32) for k, v in expected.items()}, os.path.join(OUT, "expected.safetensors"))
