package dev.gatun.models.task.speech;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.audio.AudioException;
import dev.gatun.models.audio.SampleStream;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.family.whisper.WhisperModel;
import dev.gatun.models.family.whisper.WhisperOptions;
import dev.gatun.models.family.whisper.WhisperVocabulary;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against transformers; see oracle/whisper. */
class SpeechRecognizerTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path RECORDING = Goldens.path("whisper/recording.flac");

    @TempDir
    private Path folder;

    private static WhisperOptions stamped() {
        return WhisperOptions.greedy().withTimes(true, false);
    }

    private void copy(String name) throws IOException {
        try (var files = Files.list(Goldens.path("whisper/" + name))) {
            for (Path file : files.toList()) {
                Files.write(folder.resolve(file.getFileName()), Files.readAllBytes(file));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"multilingual", "english"})
    void segmentsOfAFileHaveTheTextsOfTransformers(String name) throws IOException {
        Path path = Goldens.path("whisper/" + name);
        JsonNode expected = JSON.readTree(path.resolve("cases.json").toFile()).get("long").get("segments");
        List<Transcript.Segment> heard = new ArrayList<>();
        List<String> partial = new ArrayList<>();
        List<Double> progress = new ArrayList<>();
        try (SpeechRecognizer recognizer = SpeechRecognizer.load(path, 2)) {
            Transcript transcript = recognizer.transcribe(RECORDING, stamped(), new SpeechListener() {
                @Override
                public boolean onPartial(double start, String text) {
                    return partial.add(text);
                }

                @Override
                public void onSegment(Transcript.Segment segment) {
                    heard.add(segment);
                }

                @Override
                public boolean onProgress(double seconds) {
                    return progress.add(seconds);
                }
            });
            assertEquals(transcript.segments(), heard);
            assertEquals(expected.size(), heard.size());
            StringBuilder all = new StringBuilder();
            for (int i = 0; i < heard.size(); i++) {
                assertEquals(expected.get(i).get("text").asText(), heard.get(i).text());
                assertEquals(expected.get(i).get("start").asDouble(), heard.get(i).start(), 1e-9);
                all.append(heard.get(i).text());
            }
            assertEquals(all.toString(), transcript.text());
            assertTrue(!partial.isEmpty() && progress.getLast() > 4, progress::toString);
            assertEquals(name.equals("english") ? List.of() : List.of("de", "en", "fr", "yue"), recognizer.languages());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"multilingual", "english"})
    void tokensBecomeTheTextsAndWordsOfTransformers(String name) throws IOException {
        copy(name);
        JsonNode cases = JSON.readTree(folder.resolve("cases.json").toFile());
        try (WhisperModel model = WhisperModel.load(Checkpoint.open(folder))) {
            compare(WhisperVocabulary.read(folder, model), cases);
            // The same vocabulary as older folders have it.
            JsonNode tokenizer = JSON.readTree(folder.resolve("tokenizer.json").toFile());
            ObjectNode added = JSON.createObjectNode();
            tokenizer.get("added_tokens").forEach(token -> added.set(token.get("content").asText(), token.get("id")));
            Files.writeString(folder.resolve("vocab.json"), tokenizer.get("model").get("vocab").toString());
            Files.writeString(folder.resolve("added_tokens.json"), added.toString());
            Files.delete(folder.resolve("tokenizer.json"));
            compare(WhisperVocabulary.read(folder, model), cases);
        }
    }

    private static void compare(WhisperVocabulary vocabulary, JsonNode cases) {
        for (JsonNode text : cases.get("texts")) {
            assertEquals(text.get("text").asText(), vocabulary.text(JSON.convertValue(text.get("ids"), int[].class)));
        }
        for (JsonNode said : cases.get("pieces")) {
            List<WhisperVocabulary.Word> words = new ArrayList<>();
            said.get("words").forEach(w -> words.add(new WhisperVocabulary.Word(w.get(0).asText(), w.get(1).asInt(), w.get(2).asInt())));
            assertEquals(words, vocabulary.words(JSON.convertValue(said.get("ids"), int[].class),
                    said.get("language").asText().equals("chinese") ? "zh" : "en"));
        }
    }

    @Test
    void wordsFollowEachOther() throws IOException {
        try (SpeechRecognizer recognizer = SpeechRecognizer.load(Goldens.path("whisper/multilingual"), 1)) {
            List<Transcript.Word> words = recognizer.transcribe(RECORDING, WhisperOptions.greedy().withTimes(true, true),
                    SpeechListener.NONE).segments().stream().flatMap(segment -> segment.words().stream()).toList();
            assertTrue(words.size() > 5, words::toString);
            words.forEach(word -> assertTrue(word.start() <= word.end() && !word.text().isEmpty(), word::toString));
        }
    }

    @Test
    void aListenerEndsATranscript() throws IOException {
        try (SpeechRecognizer recognizer = SpeechRecognizer.load(Goldens.path("whisper/multilingual"), 2)) {
            int[] calls = new int[2];
            Transcript first = recognizer.transcribe(RECORDING, stamped(), new SpeechListener() {
                @Override
                public boolean onProgress(double seconds) {
                    return ++calls[0] < 2;
                }
            });
            assertEquals(2, calls[0]);
            assertTrue(first.segments().getLast().end() < 3, first::toString);
            recognizer.transcribe(RECORDING, stamped(), new SpeechListener() {
                @Override
                public boolean onPartial(double start, String text) {
                    return ++calls[1] < 3;
                }
            });
            assertEquals(3, calls[1]);
        }
    }

    @Test
    void aLongStreamTakesNoMoreMemoryThanAShortOne() throws IOException {
        // Four minutes of noise, which the level keeps the model from listening to; nothing of it is held.
        long samples = 240L * 16000;
        long[] next = {0};
        SampleStream noise = (dst, offset, count) -> {
            int n = (int) Math.min(count, samples - next[0]);
            for (int i = 0; i < n; i++) {
                dst[offset + i] = ((next[0] + i) * 7919 % 1000 - 500) * 1e-9f;
            }
            next[0] += n;
            return n == 0 ? -1 : n;
        };
        try (SpeechRecognizer recognizer = SpeechRecognizer.load(Goldens.path("whisper/multilingual"), 1)) {
            // A first call, for what a session takes once.
            recognizer.transcribe(new float[16000], stamped(), SpeechListener.NONE);
            long before = recognizer.nativeByteSize();
            assertEquals(List.of(), recognizer.transcribe(noise, stamped().withMinLevel(-60), SpeechListener.NONE).segments());
            assertEquals(samples, next[0]);
            assertEquals(before, recognizer.nativeByteSize());
        }
    }

    @Test
    void whatCannotBeHeardIsAnErrorOrEmpty() throws IOException {
        try (SpeechRecognizer recognizer = SpeechRecognizer.load(Goldens.path("whisper/english"), 1)) {
            Path damaged = Files.write(folder.resolve("a.flac"), Arrays.copyOf(Files.readAllBytes(RECORDING), 30000));
            assertThrows(AudioException.class, () -> recognizer.transcribe(damaged, stamped(), SpeechListener.NONE));
            assertThrows(AudioException.class, () -> recognizer.transcribe(folder.resolve("none.wav"), stamped(), SpeechListener.NONE));
            assertThrows(AudioException.class, () -> recognizer.transcribe(new float[] {Float.NaN}, stamped(), SpeechListener.NONE));
            assertEquals("", recognizer.transcribe(new float[0], stamped(), SpeechListener.NONE).text());
            assertEquals(List.of(), recognizer.transcribe(new float[50000], stamped(), SpeechListener.NONE).segments());
            recognizer.close();
            assertThrows(IllegalStateException.class, () -> recognizer.transcribe(RECORDING, stamped(), SpeechListener.NONE));
        }
    }

    @Test
    void filesThatContradictEachOtherAreRefused() throws IOException {
        copy("multilingual");
        Files.writeString(folder.resolve("preprocessor_config.json"), "{\"feature_size\": 80, \"chunk_length\": 1}");
        assertTrue(assertThrows(WeightException.class, () -> SpeechRecognizer.load(folder, 1)).getMessage().contains("80 bins"));
        Files.writeString(folder.resolve("preprocessor_config.json"), "{\"feature_size\": 20, \"chunk_length\": 2}");
        assertTrue(assertThrows(WeightException.class, () -> SpeechRecognizer.load(folder, 1)).getMessage().contains("200 frames"));
        assertTrue(assertThrows(WeightException.class, () -> SpeechRecognizer.load(Goldens.path("families/bert"), 1)).getMessage()
                .contains("whisper"));
    }

    @Test
    void samplesAndStreamsAreHeardLikeFiles() throws IOException {
        try (SpeechRecognizer recognizer = SpeechRecognizer.load(Goldens.path("whisper/english"), 1)) {
            float[] tone = new float[14000];
            for (int i = 0; i < tone.length; i++) {
                tone[i] = (float) Math.sin(i * 0.1) * 0.3f;
            }
            Transcript samples = recognizer.transcribe(tone, stamped(), SpeechListener.NONE);
            Transcript stream = recognizer.transcribe(SampleStream.of(tone), stamped(), SpeechListener.NONE);
            assertEquals(samples.text(), stream.text());
            assertArrayEquals(samples.segments().toArray(), stream.segments().toArray());
        }
    }

    @Test
    void promptsHaveTheTokensOfTransformers() throws IOException {
        JsonNode cases = new ObjectMapper().readTree(Goldens.path("whisper/multilingual/cases.json").toFile());
        try (SpeechRecognizer recognizer = SpeechRecognizer.load(Goldens.path("whisper/multilingual"), 1)) {
            for (String name : new String[] {"prompted", "promptedwords", "promptedconditioned"}) {
                int[] expected = new ObjectMapper().convertValue(cases.get(name).get("prompt_ids"), int[].class);
                assertArrayEquals(expected, recognizer.prompt(cases.get(name).get("options").get("prompt").asText()), name);
            }
            assertEquals(0, recognizer.prompt(" ").length);
            assertThrows(IllegalArgumentException.class, () -> recognizer.prompt("a <|endoftext|>"));
        }
    }
}
