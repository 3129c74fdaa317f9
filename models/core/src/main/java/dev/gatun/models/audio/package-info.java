/**
 * Sound: WAV, FLAC, Ogg Vorbis and MP3 decoded block by block, mixed to one channel, resampled, and made a log-mel spectrogram as
 * transformers makes it. Memory does not grow with the length. Imports {@code checkpoint}, no model. A new format is a class that
 * implements {@link dev.gatun.models.audio.AudioStream} and a line in {@link dev.gatun.models.audio.AudioReader}.
 */
package dev.gatun.models.audio;
