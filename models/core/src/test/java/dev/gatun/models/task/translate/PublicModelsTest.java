package dev.gatun.models.task.translate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.task.summarize.Summarizer;
import dev.gatun.models.task.summarize.SummarizerOptions;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole folders, tokenizer and all, against transformers. */
class PublicModelsTest {
    private static Path folder(String name) {
        return Goldens.path("seq2seq-tasks/" + name);
    }

    private static JsonNode expected(String name) throws IOException {
        return new ObjectMapper().readTree(folder(name).resolve("expected.json").toFile());
    }

    private static List<String> texts(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(text -> texts.add(text.asText()));
        return texts;
    }

    @ParameterizedTest
    @ValueSource(strings = {"marian", "m2m_100"})
    void translatesAsTransformers(String name) throws IOException {
        JsonNode expected = expected(name);
        TranslatorOptions options = TranslatorOptions.defaults().withLanguages(expected.path("source").textValue(),
                expected.path("target").textValue());
        try (Translator translator = Translator.load(folder(name), options)) {
            List<String> texts = texts(expected.path("texts"));
            assertEquals(texts(expected.path("found")), translator.translate(texts));
            assertEquals(expected.path("found").get(1).asText(), translator.translate(texts.get(1)));
            List<Translation> best = translator.translate(texts, translator.options().numReturnSequences(2).build()).getFirst();
            assertEquals(2, best.size());
            assertTrue(best.get(0).score() >= best.get(1).score());
        }
    }

    @Test
    void longTextsAreCutAtSentencesAndKeepTheirOrder() throws IOException {
        TranslatorOptions options = TranslatorOptions.defaults().withLanguages(null, "fra").withMaxTokens(16);
        try (Translator translator = Translator.load(folder("marian"), options)) {
            String one = "I love cats.";
            String two = "A dog ran in the sun!";
            List<String> found = translator.translate(List.of(two, one + " " + two + " " + one, one));
            assertEquals(found.get(2) + " " + found.get(0) + " " + found.get(2), found.get(1));
            String word = "x".repeat(200);
            assertTrue(translator.translate(List.of(word)).getFirst().length() > 0);
        }
    }

    /** A folder with another model's vocabulary, one whose ids are none, and a source that has no room. */
    @Test
    void vocabulariesThatContradictTheWeightsAreRefused(@TempDir Path copy) throws IOException {
        for (String[] change : new String[][] {{"marian", "vocab.json"}, {"m2m_100", "vocab.json"}}) {
            for (String id : new String[] {"100000", "-1", "\"7\"", "1.5"}) {
                try (Stream<Path> files = Files.list(folder(change[0]))) {
                    for (Path file : files.toList()) {
                        Files.write(copy.resolve(file.getFileName()), Files.readAllBytes(file));
                    }
                }
                ObjectMapper json = new ObjectMapper();
                ObjectNode words = (ObjectNode) json.readTree(copy.resolve(change[1]).toFile());
                words.set(words.fieldNames().next(), json.readTree(id));
                Files.writeString(copy.resolve(change[1]), words.toString());
                WeightException e = assertThrows(WeightException.class, () -> Translator.load(copy, TranslatorOptions.defaults()).close());
                assertTrue(e.getMessage().contains(change[1]) && e.getMessage().contains("token"), e.getMessage());
            }
        }
    }

    /** As of most opus-mt folders: no text says where to. */
    @Test
    void aModelOfOneLanguageNeedsNoTag(@TempDir Path copy) throws IOException {
        try (Stream<Path> files = Files.list(folder("marian"))) {
            for (Path file : files.toList()) {
                Files.write(copy.resolve(file.getFileName()), Files.readAllBytes(file));
            }
        }
        Path words = copy.resolve("vocab.json");
        Files.writeString(words, Files.readString(words).replaceAll(">>([a-z]+)<<", "$1!"));
        try (Translator translator = Translator.load(copy)) {
            assertEquals(2, translator.translate(List.of("The fox", "A cat sat")).size());
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> Translator.load(copy,
                    TranslatorOptions.defaults().withLanguages(null, "deu")).close());
            assertTrue(e.getMessage().contains("no language codes"), e.getMessage());
        }
    }

    @Test
    void streamedPiecesAreTheWholeAnswer() throws IOException {
        try (Translator translator = Translator.load(folder("m2m_100"), TranslatorOptions.defaults().withLanguages("en", "de"))) {
            GenerationOptions greedy = translator.options().numBeams(1).earlyStopping(GenerationOptions.EarlyStopping.FALSE)
                    .build();
            String whole = translator.translate(List.of("A cat sat"), greedy).getFirst().getFirst().text();
            try (Stream<String> pieces = translator.stream("A cat sat", greedy)) {
                assertEquals(whole, pieces.collect(Collectors.joining()));
            }
        }
    }

    @Test
    void whatIsDrawnDoesNotDependOnTheCores() {
        List<String> texts = Collections.nCopies(40, "A cat sat on the mat");
        List<List<String>> found = new ArrayList<>();
        for (int threads : new int[] {1, 3}) {
            try (Summarizer summarizer = Summarizer.load(folder("t5"), SummarizerOptions.defaults().withThreads(threads))) {
                found.add(summarizer.summarize(texts, summarizer.generation().numBeams(1)
                        .earlyStopping(GenerationOptions.EarlyStopping.FALSE).doSample(true).seed(3).build()));
            }
        }
        assertEquals(found.get(0), found.get(1));
        assertEquals(40, Set.copyOf(found.get(0)).size());
    }

    @Test
    void languagesThatTheModelLacksAreRefused() {
        refused("m2m_100", "en", "xx", "target language xx: the model has af, am, ar");
        refused("m2m_100", "english", "de", "source language english: the model has af");
        refused("marian", null, "eng", "target language eng: the model has deu, fra");
        refused("m2m_100", "en", null, "the model translates to several languages and the folder names none: name the target");
        refused("t5", "en", "de", "languages en to de: the model has no language codes");
        try (Translator translator = Translator.load(folder("marian"))) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> translator.translate("The fox"));
            assertTrue(e.getMessage().startsWith("the model translates to several languages: name one of deu, fra"), e.getMessage());
            assertTrue(translator.translate(">>deu<< The fox") != null);
        }
    }

    private static void refused(String name, String source, String target, String message) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> Translator.load(folder(name), TranslatorOptions.defaults().withLanguages(source, target)));
        assertTrue(e.getMessage().startsWith(message), e.getMessage());
    }

    @Test
    void summarizesAsTransformers() throws IOException {
        JsonNode expected = expected("t5");
        try (Summarizer summarizer = Summarizer.load(folder("t5"))) {
            assertEquals(texts(expected.path("found")), summarizer.summarize(texts(expected.path("texts"))));
        }
    }
}
