package dev.gatun.models.audio;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against transformers' WhisperFeatureExtractor. */
class LogMelTest {
    @TempDir
    private Path folder;

    private static float[] features(LogMelConfig config, float[] samples, int block) throws IOException {
        SampleStream all = SampleStream.of(samples);
        float[] values = new float[config.bins() * 4000];
        int frames = 0;
        try (LogMel mel = new LogMel(config, (dst, offset, count) -> all.read(dst, offset, Math.min(count, block)))) {
            while (mel.next(values, frames * config.bins())) {
                frames++;
            }
        }
        float[] features = Arrays.copyOf(values, frames * config.bins());
        float max = Float.NEGATIVE_INFINITY;
        for (float value : features) {
            max = Math.max(max, value);
        }
        LogMel.normalize(features, 0, features.length, max);
        return features;
    }

    private static float[] every(float[] values, int bins, int step) {
        int frames = Math.ceilDiv(values.length / bins, step);
        float[] kept = new float[frames * bins];
        for (int i = 0; i < frames; i++) {
            System.arraycopy(values, i * step * bins, kept, i * bins, bins);
        }
        return kept;
    }

    @ParameterizedTest
    @CsvSource({"short-80,80,160,400,0,9001", "short-128,128,160,400,0,5000", "whole-80,80,160,400,0,-1", "odd,13,99,250,0,9999",
        "filled,8,160,400,0.01,5000", "silent,8,160,400,0,0"})
    void featuresAreThoseOfTransformers(String name, int bins, int hop, int window, float padding, int samples) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile golden = Goldens.open(arena, "audio/expected.safetensors");
            float[] audio = Goldens.floats(golden, "features/audio");
            float[] expected = Goldens.floats(golden, "features/" + name);
            for (int block : new int[] {4096, 61}) {
                float[] actual = features(new LogMelConfig(bins, 16000, hop, window, 1, padding),
                        samples < 0 ? audio : Arrays.copyOf(audio, samples), block);
                assertArrayEquals(expected, every(actual, bins, actual.length > 5000 ? 5 : 1), 1e-4f);
            }
        }
    }

    @Test
    void aChunkIsThirtySeconds() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile golden = Goldens.open(arena, "audio/expected.safetensors");
            float[] actual = features(LogMelConfig.whisper(80), Goldens.floats(golden, "features/audio"), 5000);
            float[] expected = Goldens.floats(golden, "features/thirty-seconds");
            int[] frames = {0, 1, 2, 50, 100, 137, 138, 139, 140, 1500, 2998, 2999};
            assertEquals(3000 * 80, actual.length);
            for (int i = 0; i < frames.length; i++) {
                assertArrayEquals(Arrays.copyOfRange(expected, i * 80, i * 80 + 80),
                        Arrays.copyOfRange(actual, frames[i] * 80, frames[i] * 80 + 80), 1e-4f, "frame " + frames[i]);
            }
        }
    }

    @Test
    void fieldsAreHonouredOrRefused() throws IOException {
        assertEquals(new LogMelConfig(128, 8000, 80, 200, 20, 0), read("""
                {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 128, "sampling_rate": 8000, "hop_length": 80,
                 "n_fft": 200, "chunk_length": 20, "n_samples": 160000, "nb_max_frames": 2000, "padding_side": "right", "dither": 0.0,
                 "return_attention_mask": false, "processor_class": "WhisperProcessor", "padding_value": 0.0}"""));
        assertEquals(LogMelConfig.whisper(80), read("{}"));
        for (String field : new String[] {"\"dither\": 0.1", "\"padding_side\": \"left\"", "\"do_normalize\": true",
            "\"mel_scale\": \"htk\"",
            "\"n_fft\": 1", "\"feature_extractor_type\": \"Wav2Vec2FeatureExtractor\""}) {
            String name = field.substring(1, field.indexOf('"', 1));
            assertTrue(assertThrows(WeightException.class, () -> read("{" + field + "}")).getMessage().contains(name), field);
        }
    }

    private LogMelConfig read(String json) throws IOException {
        Path file = Files.writeString(folder.resolve("preprocessor_config.json"), json);
        return LogMelConfig.of(ConfigFields.of(file, JsonFiles.object(file)));
    }

    @Test
    void whatIsNoNumberIsRefused() {
        assertThrows(AudioException.class, () -> features(LogMelConfig.whisper(80), new float[] {0, Float.NaN}, 100));
    }
}
