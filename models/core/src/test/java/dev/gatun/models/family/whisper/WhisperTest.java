package dev.gatun.models.family.whisper;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.audio.AudioReader;
import dev.gatun.models.audio.AudioStream;
import dev.gatun.models.audio.FeatureWindows;
import dev.gatun.models.audio.LogMelConfig;
import dev.gatun.models.audio.SampleStream;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.generate.Encoded;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.generate.TokenListener;
import dev.gatun.models.generate.logits.LogitsProcessor;
import dev.gatun.models.generate.logits.TokenContext;
import dev.gatun.models.generate.logits.TokenScores;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against transformers; see oracle/whisper. */
class WhisperTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    private static float[] recording() throws IOException {
        try (AudioStream stream = AudioReader.open(Goldens.path("whisper/recording.flac"))) {
            float[] all = new float[100_000];
            float[] block = new float[4096];
            int total = 0;
            int read;
            while ((read = stream.read(block)) > 0) {
                System.arraycopy(block, 0, all, total, read);
                total += read;
            }
            return Arrays.copyOf(all, total);
        }
    }

    private static LogMelConfig mel(Path model) {
        Path file = model.resolve("preprocessor_config.json");
        return LogMelConfig.of(ConfigFields.of(file, JsonFiles.object(file)));
    }

    private static FeatureWindows windows(Path model, WhisperModel whisper, float[] samples) throws IOException {
        return FeatureWindows.of(mel(model), whisper.config().frames(), () -> SampleStream.of(samples));
    }

    @ParameterizedTest
    @ValueSource(strings = {"multilingual", "english"})
    void statesAndLogitsAreThoseOfTransformers(String name) throws IOException {
        Path path = Goldens.path("whisper/" + name);
        try (Arena arena = Arena.ofConfined(); WhisperModel model = WhisperModel.load(Checkpoint.open(path));
                GenerationSession session = model.newSession(2)) {
            SafetensorsFile golden = Goldens.open(arena, "whisper/" + name + "/cases.safetensors");
            float[] features = new float[model.config().frames() * model.config().melBins()];
            try (FeatureWindows windows = windows(path, model, Arrays.copyOf(recording(), 16000))) {
                assertEquals(model.config().frames(), windows.read(0, features));
            }
            float[] expected = Goldens.floats(golden, "logits");
            int[] ids = Goldens.ints(golden, "ids");
            float[][] states = new float[1][];
            try (Encoded window = session.encode(model.window(features), plan -> states[0] = plan.output("memory").toFloats())) {
                assertArrayEquals(Goldens.floats(golden, "states"), states[0], 1e-4f);
                for (int given = 1; given <= ids.length; given++) {
                    List<Integer> seen = new ArrayList<>();
                    LogitsProcessor watch = watch((scores, context) -> {
                        seen.add(context.length());
                        for (int id = 0; id < scores.size(); id++) {
                            assertEquals(expected[(context.length() - 1) * scores.size() + id], scores.get(id), 1e-4f);
                        }
                    });
                    session.generateFrom(List.of(window.from(Arrays.copyOf(ids, given))),
                            GenerationOptions.builder().maxNewTokens(1).processor(watch).build(), TokenListener.NONE);
                    assertEquals(IntStream.rangeClosed(1, given).boxed().toList(), seen);
                }
            }
            assertEquals(0, session.cacheBytesInUse());
        }
    }

    private static LogitsProcessor watch(LogitsProcessor processor) {
        return new LogitsProcessor() {
            @Override
            public void process(TokenScores scores, TokenContext context) {
                processor.process(scores, context);
            }

            @Override
            public boolean seesPrompt() {
                return true;
            }
        };
    }

    private static WhisperOptions options(JsonNode one) {
        JsonNode given = one.get("options");
        WhisperOptions options = WhisperOptions.greedy().withTimes(given.path("return_timestamps").asBoolean(),
                given.path("return_token_timestamps").asBoolean()).withPrevious(given.path("condition_on_prev_tokens").asBoolean())
                .withBeams(given.path("num_beams").asInt(1));
        options = one.has("prompt_ids") ? options.withPrompt(JSON.convertValue(one.get("prompt_ids"), int[].class)) : options;
        options = given.has("language") ? options.withLanguage(given.get("language").asText()) : options;
        options = given.has("task") ? options.withTask(given.get("task").asText().equals("translate")) : options;
        return options.withFallback(new double[] {0}, Double.POSITIVE_INFINITY, given.has("logprob_threshold")
                ? given.get("logprob_threshold").asDouble() : -1e9, given.path("no_speech_threshold").asDouble(Double.POSITIVE_INFINITY));
    }

    @ParameterizedTest
    @ValueSource(strings = {"multilingual", "english"})
    void segmentsAreThoseOfTransformers(String name) throws IOException {
        Path path = Goldens.path("whisper/" + name);
        JsonNode cases = JSON.readTree(path.resolve("cases.json").toFile());
        float[] audio = recording();
        try (WhisperModel model = WhisperModel.load(Checkpoint.open(path)); GenerationSession session = model.newSession(1)) {
            List<String> names = new ArrayList<>();
            cases.properties().stream().filter(c -> c.getValue().has("segments")).forEach(c -> names.add(c.getKey()));
            assertTrue(names.size() >= 7, names::toString);
            for (String each : names) {
                JsonNode one = cases.get(each);
                float[] samples = Arrays.copyOf(audio, one.get("samples").asInt());
                List<WhisperTranscriber.Segment> heard = new ArrayList<>();
                try (FeatureWindows windows = windows(path, model, samples)) {
                    List<WhisperTranscriber.Segment> segments = new WhisperTranscriber(model, session, options(one),
                            new WhisperTranscriber.Listener() {
                                @Override
                                public void onSegment(WhisperTranscriber.Segment segment) {
                                    heard.add(segment);
                                }
                            }).transcribe(windows);
                    assertEquals(segments, heard);
                    compare(name + " " + each, one.get("segments"), segments, samples.length / 16000.0);
                }
            }
        }
    }

    private static void compare(String what, JsonNode expected, List<WhisperTranscriber.Segment> actual, double seconds) {
        for (int i = 0; i < Math.min(expected.size(), actual.size()); i++) {
            JsonNode e = expected.get(i);
            WhisperTranscriber.Segment a = actual.get(i);
            String which = what + " segment " + i;
            assertArrayEquals(JSON.convertValue(e.get("tokens"), int[].class), a.tokens(), which);
            assertEquals(e.get("start").asDouble(), a.start(), 1e-9, which);
            assertEquals(e.get("end").asDouble(), a.end(), 1e-9, which);
            if (e.has("logProb")) {
                assertEquals(e.get("logProb").asDouble(), a.meanLogProbability(), 1e-4, which);
                assertEquals(e.get("compression").asDouble(), a.compression(), 1e-9, which);
            }
            // Of a window that begins behind the audio transformers takes the last frames but so many: a negative count.
            if (e.has("times") && a.start() < seconds) {
                assertArrayEquals(JSON.convertValue(e.get("times"), double[].class), a.times(), 1e-6, which);
            }
        }
        assertEquals(expected.size(), actual.size(), what);
    }

    @Test
    void theLanguageIsDetected() throws IOException {
        Path path = Goldens.path("whisper/multilingual");
        JsonNode cases = JSON.readTree(path.resolve("cases.json").toFile());
        try (WhisperModel model = WhisperModel.load(Checkpoint.open(path)); GenerationSession session = model.newSession(1);
                FeatureWindows windows = windows(path, model, Arrays.copyOf(recording(), 16000))) {
            WhisperTranscriber transcriber = new WhisperTranscriber(model, session, WhisperOptions.greedy(),
                    WhisperTranscriber.Listener.NONE);
            transcriber.transcribe(windows);
            assertEquals(cases.get("detect").get("language").asText(), transcriber.language());
        }
    }

    @Test
    void aStreamIsWrittenDownWithoutItsEnd() throws IOException {
        Path path = Goldens.path("whisper/multilingual");
        float[] samples = recording();
        try (WhisperModel model = WhisperModel.load(Checkpoint.open(path)); GenerationSession session = model.newSession(1);
                FeatureWindows windows = FeatureWindows.ofStream(mel(path), model.config().frames(), SampleStream.of(samples))) {
            List<WhisperTranscriber.Segment> segments = new WhisperTranscriber(model, session,
                    WhisperOptions.greedy().withTimes(true, false), WhisperTranscriber.Listener.NONE).transcribe(windows);
            assertTrue(segments.getLast().end() > 3.5, segments::toString);
        }
    }

    @Test
    void whereNobodySpeaksNothingIsWritten() throws IOException {
        Path path = Goldens.path("whisper/multilingual");
        try (WhisperModel model = WhisperModel.load(Checkpoint.open(path)); GenerationSession session = model.newSession(1)) {
            for (int length : new int[] {0, 1, 9000, 40000}) {
                try (FeatureWindows windows = windows(path, model, new float[length])) {
                    assertEquals(List.of(), new WhisperTranscriber(model, session, WhisperOptions.greedy(),
                            WhisperTranscriber.Listener.NONE).transcribe(windows), length + " zeros");
                }
            }
            float[] quiet = recording();
            for (int i = 0; i < quiet.length; i++) {
                quiet[i] *= i < 30000 ? 1e-4f : 1;
            }
            try (FeatureWindows windows = windows(path, model, quiet)) {
                List<WhisperTranscriber.Segment> loud = new WhisperTranscriber(model, session,
                        WhisperOptions.greedy().withTimes(true, false).withMinLevel(-50), WhisperTranscriber.Listener.NONE)
                        .transcribe(windows);
                assertTrue(loud.getFirst().start() > 1.8, loud::toString);
            }
        }
    }

    @Test
    void fallbackTriesEveryTemperature() throws IOException {
        Path path = Goldens.path("whisper/multilingual");
        try (WhisperModel model = WhisperModel.load(Checkpoint.open(path)); GenerationSession session = model.newSession(1)) {
            List<Double> retries = new ArrayList<>();
            WhisperTranscriber.Listener listener = new WhisperTranscriber.Listener() {
                @Override
                public void onRetry(double start, double temperature) {
                    retries.add(temperature);
                }
            };
            WhisperOptions never = WhisperOptions.greedy().withFallback(new double[] {0, 0.5, 1}, 1e-9, -1e9, Double.POSITIVE_INFINITY);
            List<int[]> texts = new ArrayList<>();
            for (long seed : new long[] {1, 1, 2}) {
                try (FeatureWindows windows = windows(path, model, Arrays.copyOf(recording(), 15000))) {
                    texts.add(new WhisperTranscriber(model, session, never.withSeed(seed), listener).transcribe(windows).getFirst()
                            .tokens());
                }
            }
            assertEquals(List.of(0.5, 1.0, 0.5, 1.0), retries.subList(0, 4));
            assertTrue(retries.size() >= 6 && retries.size() % 2 == 0, retries::toString);
            assertArrayEquals(texts.get(0), texts.get(1));
            assertTrue(!Arrays.equals(texts.get(0), texts.get(2)));
        }
    }

    @Test
    void fieldsThatContradictOrAreNotServedAreRefused() throws IOException {
        Path golden = Goldens.path("whisper/multilingual");
        for (String[] change : new String[][] {{"config.json", "encoder_attention_heads", "5"}, {"config.json", "num_mel_bins", "21"},
            {"config.json", "max_source_positions", "51"}, {"config.json", "use_rotary", "true"}, {"config.json", "vocab_size", "400"},
            {"config.json", "median_filter_width", "4"}, {"config.json", "tie_word_embeddings", "false"},
            {"config.json", "activation_function", "\"snake\""}, {"generation_config.json", "num_beams", "33"},
            {"generation_config.json", "suppress_tokens", "[100000]"}, {"generation_config.json", "alignment_heads", "[[9, 0]]"},
            {"generation_config.json", "forced_decoder_ids", "[[2, 5]]"}, {"generation_config.json", "repetition_penalty", "1.2"},
            {"generation_config.json", "watermark", "1"}, {"generation_config.json", "lang_to_id", "{\"<|en|>\": 9999}"}}) {
            for (String file : new String[] {"config.json", "generation_config.json", "model.safetensors"}) {
                Files.write(folder.resolve(file), Files.readAllBytes(golden.resolve(file)));
            }
            ObjectNode json = (ObjectNode) JSON.readTree(folder.resolve(change[0]).toFile());
            json.set(change[1], JSON.readTree(change[2]));
            Files.writeString(folder.resolve(change[0]), json.toString());
            WeightException e = assertThrows(WeightException.class, () -> WhisperModel.load(Checkpoint.open(folder)).close(), change[1]);
            assertTrue(e.getMessage().startsWith(folder.toString()), e.getMessage());
        }
    }

    @Test
    void beamsOfTheModelsSettingsAreMeant() throws IOException {
        Path golden = Goldens.path("whisper/english");
        for (String file : new String[] {"config.json", "generation_config.json", "preprocessor_config.json", "model.safetensors"}) {
            Files.write(folder.resolve(file), Files.readAllBytes(golden.resolve(file)));
        }
        ObjectNode json = (ObjectNode) JSON.readTree(folder.resolve("generation_config.json").toFile());
        Files.writeString(folder.resolve("generation_config.json"), json.put("num_beams", 3).toString());
        JsonNode one = JSON.readTree(golden.resolve("cases.json").toFile()).get("beamsstamped");
        float[] samples = Arrays.copyOf(recording(), one.get("samples").asInt());
        try (WhisperModel model = WhisperModel.load(Checkpoint.open(folder)); GenerationSession session = model.newSession(1);
                FeatureWindows windows = windows(folder, model, samples)) {
            compare("settings", one.get("segments"), new WhisperTranscriber(model, session, options(one).withBeams(0),
                    WhisperTranscriber.Listener.NONE).transcribe(windows), samples.length / 16000.0);
        }
        Files.writeString(folder.resolve("generation_config.json"), json.put("early_stopping", "never").put("length_penalty", 0.5)
                .toString());
        try (WhisperModel model = WhisperModel.load(Checkpoint.open(folder))) {
            assertEquals(0.5, model.generation().lengthPenalty());
            assertEquals(GenerationOptions.EarlyStopping.NEVER, model.generation().early());
        }
    }

    @Test
    void weightsThatAreNoNumbersAreRefused() throws IOException {
        Path golden = Goldens.path("whisper/multilingual");
        for (String file : new String[] {"config.json", "generation_config.json", "preprocessor_config.json", "model.safetensors"}) {
            Files.write(folder.resolve(file), Files.readAllBytes(golden.resolve(file)));
        }
        byte[] bytes = Files.readAllBytes(folder.resolve("model.safetensors"));
        int header = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        JsonNode tensors = JSON.readTree(bytes, Long.BYTES, header);
        int at = tensors.get("model.decoder.layer_norm.bias").get("data_offsets").get(1).asInt() - Short.BYTES;
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putShort(Long.BYTES + header + at, (short) 0x7E00);
        Files.write(folder.resolve("model.safetensors"), bytes);
        WeightException e = assertThrows(WeightException.class, () -> WhisperModel.load(Checkpoint.open(folder)));
        assertTrue(e.getMessage().contains("model.safetensors") && e.getMessage().contains("layer_norm"), e.getMessage());
    }

    @Test
    void whatTheModelCannotDoIsRefused() throws IOException {
        try (WhisperModel english = WhisperModel.load(Checkpoint.open(Goldens.path("whisper/english")));
                WhisperModel multi = WhisperModel.load(Checkpoint.open(Goldens.path("whisper/multilingual")))) {
            assertRefused(english, WhisperOptions.greedy().withLanguage("en"), "English only");
            assertRefused(english, WhisperOptions.greedy().withTask(true), "English only");
            assertRefused(multi, WhisperOptions.greedy().withLanguage("Klingon"), "de, en, fr, yue");
            assertRefused(multi, WhisperOptions.greedy().withTimes(true, true).withBeams(2), "not known of beams");
            assertRefused(multi, WhisperOptions.greedy().withPrompt(5, 100_000), "the prompt has token 100000");
            assertRefused(multi, WhisperOptions.greedy().withPrompt(new int[60]), "give a shorter prompt");
            assertRefused(english, WhisperOptions.greedy().withPrompt(new int[30]), "exceed max_target_positions 40");
        }
    }

    private static void assertRefused(WhisperModel model, WhisperOptions options, String part) throws IOException {
        Path path = Goldens.path("whisper/" + (model.config().melBins() == 128 ? "english" : "multilingual"));
        try (GenerationSession session = model.newSession(1); FeatureWindows windows = windows(path, model, recording())) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                    () -> new WhisperTranscriber(model, session, options, WhisperTranscriber.Listener.NONE).transcribe(windows));
            assertTrue(e.getMessage().contains(part), e.getMessage());
        }
    }
}
