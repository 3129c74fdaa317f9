package dev.gatun.models.tokenize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ids of texts, and texts of ids, as transformers has them for each class. */
class Seq2SeqTokenizerTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @ParameterizedTest
    @ValueSource(strings = {"marian", "marian-separate", "m2m_100", "t5", "mbart50", "mbart50-saved", "mbart", "pegasus", "pegasus-saved",
            "nllb", "nllb-legacy", "bart"})
    void idsAndTextsAreThoseOfTransformers(String name) throws IOException {
        Path folder = Goldens.path("seq2seq-tokenizers/" + name);
        JsonNode expected = JSON.readTree(folder.resolve("expected.json").toFile());
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

    /** The rest of the texts that tokenizers stumble over: long ones, and lone surrogates. */
    @TestFactory
    Stream<DynamicTest> nastyTextsAreThoseOfTransformers() throws IOException {
        Map<String, String> texts = new HashMap<>();
        for (JsonNode entry : JSON.readTree(Goldens.path("tokenize/texts.json").toFile())) {
            texts.put(entry.get(0).asText(), entry.get(1).asText().repeat(entry.get(2).asInt()));
        }
        return JSON.readTree(Goldens.path("seq2seq-tokenizers/nasty.json").toFile()).properties().stream()
                .map(folder -> DynamicTest.dynamicTest(folder.getKey(), () -> nasty(folder.getKey(), folder.getValue(), texts)));
    }

    private static void nasty(String name, JsonNode rows, Map<String, String> texts) throws IOException {
        Path folder = Goldens.path("seq2seq-tokenizers/" + name);
        String source = JSON.readTree(folder.resolve("expected.json").toFile()).path("source").textValue();
        try (Seq2SeqTokenizer tokenizer = Seq2SeqTokenizer.load(folder, 1 << 20)) {
            for (JsonNode row : rows) {
                int[] ids = tokenizer.encode(texts.get(row.get(0).asText()), source, null);
                ByteBuffer bytes = ByteBuffer.allocate(4 * ids.length).order(ByteOrder.LITTLE_ENDIAN);
                bytes.asIntBuffer().put(ids);
                assertEquals(row.get(1).asInt(), ids.length, row.toString());
                assertEquals(row.get(2).asLong(), crc(bytes.array()), row.toString());
                assertEquals(row.get(3).asLong(), crc(tokenizer.decode(ids).getBytes(StandardCharsets.UTF_8)), row + ", back");
            }
        }
    }

    private static long crc(byte[] bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        return crc.getValue();
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
