package dev.gatun.models.tokenize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ids of texts, and texts of ids, as transformers has them for each class. */
class Seq2SeqTokenizerTest {
    @ParameterizedTest
    @ValueSource(strings = {"marian", "m2m_100", "t5", "mbart50", "mbart50-saved", "mbart", "pegasus", "pegasus-saved", "nllb",
            "nllb-legacy", "bart"})
    void idsAndTextsAreThoseOfTransformers(String name) throws IOException {
        Path folder = Goldens.path("seq2seq-tokenizers/" + name);
        JsonNode expected = new ObjectMapper().readTree(folder.resolve("expected.json").toFile());
        String source = expected.path("source").textValue();
        List<String> wrong = new ArrayList<>();
        try (Seq2SeqTokenizer tokenizer = Seq2SeqTokenizer.load(folder, 1 << 20)) {
            for (JsonNode row : expected.path("texts")) {
                int[] ids = tokenizer.encode(row.get(0).textValue(), source, null);
                if (!Arrays.equals(ids(row.get(1)), ids)) {
                    wrong.add(row.get(0) + " is " + Arrays.toString(ids) + ", expected " + row.get(1));
                }
                String back = tokenizer.decode(ids(row.get(1)));
                if (!back.equals(row.get(2).textValue())) {
                    wrong.add(row.get(0) + " comes back as '" + back + "', expected " + row.get(2));
                }
            }
            for (JsonNode row : expected.path("drawn")) {
                String back = tokenizer.decode(ids(row.get(0)));
                if (!back.equals(row.get(1).textValue())) {
                    wrong.add(row.get(0) + " is '" + back + "', expected " + row.get(1));
                }
            }
            String target = expected.path("target").textValue();
            if (expected.path("target_id").isInt()) {
                assertEquals(expected.path("target_id").intValue(), tokenizer.languages().id("target language", target));
            }
            if (expected.path("with_target").isArray()) {
                assertArrayEquals(ids(expected.path("with_target")), tokenizer.encode("The quick fox", null, target));
            }
        }
        assertEquals(List.of(), wrong);
    }

    private static int[] ids(JsonNode row) {
        int[] ids = new int[row.size()];
        Arrays.setAll(ids, i -> row.get(i).asInt());
        return ids;
    }

    @Test
    void unknownLanguagesAreRefusedByName() {
        try (Seq2SeqTokenizer tokenizer = Seq2SeqTokenizer.load(Goldens.path("seq2seq-tokenizers/nllb"), 100)) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> tokenizer.encode("a", "en", null));
            assertTrue(e.getMessage().startsWith("source language en: the model has deu_Latn, eng_Latn"), e.getMessage());
        }
    }
}
