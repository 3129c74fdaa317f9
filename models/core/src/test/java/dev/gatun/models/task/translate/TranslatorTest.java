package dev.gatun.models.task.translate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.RandomModels;
import dev.gatun.tensor.Precision;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TranslatorTest {
    private static Translator dates;
    private static final List<String> SOURCES = new ArrayList<>();
    private static final List<String> ISO = new ArrayList<>();
    private static final List<String> PYTORCH = new ArrayList<>();

    @BeforeAll
    static void load() throws IOException {
        dates = Translator.load(2);
        for (String line : Files.readAllLines(Goldens.path("dates/heldout.tsv"))) {
            String[] columns = line.split("\t");
            SOURCES.add(columns[0]);
            ISO.add(columns[1]);
            PYTORCH.add(columns[2]);
        }
    }

    @AfterAll
    static void close() {
        dates.close();
        dates.close();
        assertThrows(IllegalStateException.class, () -> dates.translate("<en> 1 May 2020"));
    }

    @Test
    void everyHeldOutDateIsWhatPyTorchAnswers() {
        assertEquals(1000, SOURCES.size());
        List<String> found = dates.translate(SOURCES);
        assertEquals(PYTORCH, found);
        long exact = 0;
        for (int i = 0; i < found.size(); i++) {
            exact += found.get(i).equals(ISO.get(i)) ? 1 : 0;
        }
        assertTrue(exact >= 990, exact + " of 1000 are exact");
    }

    @ParameterizedTest
    @CsvSource({"F16, 1000", "INT8, 995"})
    void narrowWeightsAnswerAsPyTorch(Precision precision, int least) {
        try (Translator narrow = Translator.load(TranslatorOptions.defaults().withThreads(2).withPrecision(precision))) {
            List<String> found = narrow.translate(SOURCES);
            long same = IntStream.range(0, found.size()).filter(i -> found.get(i).equals(PYTORCH.get(i))).count();
            assertTrue(same >= least, precision + ": " + same + " of 1000 are the same");
        }
    }

    @Test
    void theDateTranslatorRefusesWhatItHasNot() {
        assertThrows(IllegalArgumentException.class, () -> Translator.load(TranslatorOptions.defaults().withPrefix("a ")));
        assertThrows(IllegalArgumentException.class, () -> Translator.load(TranslatorOptions.defaults().withLanguages("en", "de")));
        assertThrows(IllegalArgumentException.class, () -> Translator.load(TranslatorOptions.defaults().withMaxTokens(7)));
    }

    @Test
    void formsOfThreeLanguages() {
        assertEquals(List.of("2021-03-03", "2021-03-03", "2021-03-03", ""), dates.translate(
                List.of("<en> March 3rd, 2021", "<de> 3. M\u00e4rz 2021", "<fr> mercredi 3 mars 2021", " ")));
        // The umlaut as two code points is the same text.
        assertEquals("2021-03-03", dates.translate("<de> 3. Ma\u0308rz 2021"));
    }

    @Test
    void bestAnswersComeWithScores() {
        GenerationOptions options = GenerationOptions.builder().numBeams(4).numReturnSequences(3).build();
        List<Translation> found = dates.translate(List.of("<en> 09/27/1922"), options).getFirst();
        assertEquals(3, found.size());
        assertEquals("1922-09-27", found.getFirst().text());
        assertTrue(found.get(0).score() >= found.get(1).score() && found.get(1).score() >= found.get(2).score()
                && found.get(0).score() <= 0);
    }

    @Test
    void streamedPiecesAreTheAnswer() {
        try (Stream<String> pieces = dates.stream("<en> March 3rd, 2021", GenerationOptions.greedy())) {
            assertEquals(List.of("2", "0", "2", "1", "-", "0", "3", "-", "0", "3"), pieces.toList());
        }
        long before = dates.nativeByteSize();
        for (int i = 0; i < 5; i++) {
            try (Stream<String> pieces = dates.stream("<en> March 3rd, 2021", GenerationOptions.greedy())) {
                assertEquals("20", String.join("", pieces.limit(2).toList()));
            }
        }
        assertEquals(before, dates.nativeByteSize(), "a stream that is closed frees its cache");
        assertEquals(0, dates.stream(" ", GenerationOptions.greedy()).count());
    }

    @Test
    void aTextWithoutItsLanguageIsRefused() {
        for (String text : List.of("le 5 mai 1999", "<es> 5 mayo 1999", "<fr>5 mai 1999", "<en>")) {
            String message = assertThrows(IllegalArgumentException.class, () -> dates.translate(List.of("", text))).getMessage();
            assertTrue(message.startsWith("text 1 does not begin with its language and a space, <en> or <de> or <fr> as in"), message);
            assertThrows(IllegalArgumentException.class, () -> dates.stream(text, GenerationOptions.greedy()));
        }
    }

    @Test
    void abandonedStreamsGiveTheirSessionsBack() {
        assertNotEquals(List.of(), dates.stream("<en> March 3rd, 2021", GenerationOptions.greedy()).toList());
        long before = dates.nativeByteSize();
        for (int i = 0; i < 20; i++) {
            assertEquals("2", dates.stream("<en> March 3rd, 2021", GenerationOptions.greedy()).findFirst().orElseThrow());
        }
        for (int i = 0; i < 500 && dates.nativeByteSize() > before; i++) {
            System.gc();
            LockSupport.parkNanos(10_000_000);
        }
        assertEquals(before, dates.nativeByteSize());
    }

    @Test
    void aClosedTranslatorHasNoStreams() {
        Translator closed = Translator.load(1);
        closed.close();
        for (String text : List.of("", "<en> 1 May 2020")) {
            assertThrows(IllegalStateException.class, () -> closed.stream(text, GenerationOptions.greedy()));
            assertThrows(IllegalStateException.class, () -> closed.translate(List.of(text)));
        }
    }

    @Test
    void manyVirtualThreadsAtOnce() throws Exception {
        try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<List<String>>> futures = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                List<String> part = SOURCES.subList(i * 10, i * 10 + 30);
                futures.add(callers.submit(() -> dates.translate(part)));
            }
            for (int i = 0; i < 20; i++) {
                assertEquals(PYTORCH.subList(i * 10, i * 10 + 30), futures.get(i).get());
            }
        }
    }

    @Test
    void wrongTextsAndModelsAreRefusedByName(@TempDir Path folder) throws IOException {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () ->
                dates.translate(List.of("<en> 1", "<en> " + "x".repeat(59))));
        assertEquals("text 1 has 65 tokens, the model's positions end at 64", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> Translator.load(0));
        WeightException w = assertThrows(WeightException.class, () -> Translator.load(folder.resolve("nowhere")));
        assertTrue(w.getMessage().endsWith("nowhere: does not exist; expected a model's folder"), w.getMessage());
        w = assertThrows(WeightException.class, () -> Translator.load(folder));
        assertTrue(w.getMessage().endsWith("config.json: does not exist"), w.getMessage());
    }

    @Test
    void vocabulariesThatDoNotMatchAreRefused() {
        GenerativeModel.Tokens tokens = new GenerativeModel.Tokens(6, 10, 0, 1, 2, 1);
        String good = "{\"type\": \"characters\", \"normalization\": \"NFC\", \"pad_token_id\": 0, \"bos_token_id\": 1, \"eos_token_id\": "
                + "2,"
                + "\"unk_token_id\": 3, \"tokens\": {\"<pad>\": 0, \"<bos>\": 1, \"<eos>\": 2, \"<unk>\": 3, \"a\": 4, \"\ud83d\ude00\": "
                        + "5}}";
        CharacterTokenizer tokenizer = parse(good, tokens);
        assertArrayEquals(new int[] {4, 3, 5, 2}, tokenizer.encode("ab\ud83d\ude00"));
        assertEquals("a\ud83d\ude00", tokenizer.decode(new int[] {4, 1, 5, 2, 4}));
        refused(good, new GenerativeModel.Tokens(7, 10, 0, 1, 2, 1), "has 6 tokens, the model's embeddings 7");
        refused(good, new GenerativeModel.Tokens(6, 10, 0, 1, 4, 1), "eos_token_id is 2, the model's config says 4");
        refused(good.replace("\"a\": 4", "\"ab\": 4"), tokens, "token 'ab' is not one character");
        refused(good.replace("\"a\": 4", "\"a\": 9"), tokens, "token 'a': id 9 is outside 0 to 5");
        refused(good.replace("characters", "bpe"), tokens, "type is \"bpe\", expected characters");
        refused("[", tokens, "is not valid JSON");
    }

    private static void refused(String json, GenerativeModel.Tokens tokens, String message) {
        WeightException e = assertThrows(WeightException.class, () -> parse(json, tokens));
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    private static CharacterTokenizer parse(String json, GenerativeModel.Tokens tokens) {
        return CharacterTokenizer.parse(Path.of("vocabulary.json"), json.getBytes(StandardCharsets.UTF_8), tokens);
    }

    @Test
    void modelsWithoutTokenizerTakeIds() {
        try (Translator ids = Translator.load(Goldens.path("transformer/token/tied-sinusoidal-post-relu"), 1)) {
            String text = ids.translate("5 6 7 2");
            assertTrue(text.matches("\\d+( \\d+)*"), text);
            assertEquals("'x' is not a token id; this model has no tokenizer",
                    assertThrows(IllegalArgumentException.class, () -> ids.translate("5 x")).getMessage());
            assertThrows(IllegalArgumentException.class, () -> ids.translate("99"));
        }
    }

    @Test
    void aLargeModelUsesEveryCoreForOneText(@TempDir Path folder) throws IOException {
        RandomModels.write(folder, 40_000, 128, 4, 40);
        try (Translator one = Translator.load(folder, 1); Translator two = Translator.load(folder, 2)) {
            assertTrue(one.model().nativeByteSize() > 16 << 20);
            String expected = one.translate("5 6 7");
            assertEquals(expected, two.translate("5 6 7"));
            assertEquals(expected, two.translate("5 6 7"));
            List<String> texts = Collections.nCopies(40, "5 6 7");
            assertEquals(Collections.nCopies(40, expected), two.translate(texts));
            try (Stream<String> pieces = two.stream("5 6 7", GenerationOptions.greedy())) {
                assertEquals(expected, String.join("", pieces.toList()).strip());
            }
        }
    }
}
