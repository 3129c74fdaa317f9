package dev.gatun.models.tokenize;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Ids, types, offsets, cuts and windows are those of transformers, for folders of every family. */
class TokenizerGoldensTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path ROOT = Goldens.path("tokenize");
    private static final Map<String, String> TEXTS = new LinkedHashMap<>();

    @TempDir
    Path temporary;

    static {
        try {
            for (JsonNode entry : JSON.readTree(ROOT.resolve("texts.json").toFile())) {
                TEXTS.put(entry.get(0).asText(), entry.get(1).asText().repeat(entry.get(2).asInt()));
            }
        } catch (IOException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    @TestFactory
    Stream<DynamicTest> folders() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> families = Files.list(ROOT).filter(Files::isDirectory).sorted()) {
            for (Path family : families.toList()) {
                for (JsonNode golden : JSON.readTree(family.resolve("cases.json").toFile())) {
                    String name = family.getFileName() + ": " + golden.get("name").asText();
                    tests.add(dynamicTest(name, () -> check(folder(family, golden, tests.size()), golden)));
                }
            }
        }
        return tests.stream();
    }

    private Path folder(Path family, JsonNode golden, int number) throws IOException {
        Path folder = Files.createTempDirectory(temporary, "case" + number);
        for (Map.Entry<String, JsonNode> file : golden.get("files").properties()) {
            Files.copy(family.resolve(file.getValue().asText()), folder.resolve(file.getKey()));
        }
        for (Map.Entry<String, JsonNode> file : golden.get("json").properties()) {
            JSON.writeValue(folder.resolve(file.getKey()).toFile(), file.getValue());
        }
        return folder;
    }

    private static void check(Path folder, JsonNode golden) {
        boolean whole = golden.has("spans");
        try (TextTokenizer tokenizer = TextTokenizer.load(folder, new TextTokenizer.Limit(1 << 20, false))) {
            List<String> names = TEXTS.keySet().stream().filter(name -> whole || TEXTS.get(name).length() < 1000).toList();
            assertEquals(golden.get("ids").size(), names.size());
            List<TextTokenizer.Tokens> tokens = tokenizer.encodeBatch(names.stream().map(TEXTS::get).toList());
            for (int i = 0; i < names.size(); i++) {
                same(golden.get("ids").get(i), tokens.get(i).ids(), names.get(i));
            }
            for (JsonNode pair : golden.get("pairs")) {
                TextTokenizer.Tokens found = tokenizer.encodePairs(List.of(pair(pair)), Truncation.LONGEST_FIRST).getFirst();
                same(pair.get("ids"), found.ids(), pair.toString());
                same(pair.get("types"), found.types(), pair.toString());
            }
            for (int i = 0; whole && i < names.size(); i++) {
                Window window = tokenizer.windows(TEXTS.get(names.get(i)), 1 << 20, 0).getFirst();
                same(golden.get("ids").get(i), window.tokens().ids(), names.get(i));
                same(golden.get("spans").get(i), spans(window), names.get(i) + ", spans");
            }
            for (JsonNode windows : golden.path("windows")) {
                windows(tokenizer, windows);
            }
        }
        if (whole) {
            limits(folder, golden);
        }
    }

    /** The model's length is taken from the settings, and cuts texts and pairs. */
    private static void limits(Path folder, JsonNode golden) {
        try (TextTokenizer tokenizer = TextTokenizer.load(folder, new TextTokenizer.Limit(1 << 20, true))) {
            assertEquals(golden.path("model_max_length").asInt(1 << 20), tokenizer.maxTokens());
        }
        int specials = golden.get("ids").get(0).size();
        int[] lengths = {specials, 5, 17, 128};
        for (int i = 0; i < lengths.length; i++) {
            try (TextTokenizer tokenizer = TextTokenizer.load(folder, new TextTokenizer.Limit(Math.max(1, lengths[i]), false))) {
                same(golden.get("cut").get(i), tokenizer.encode(TEXTS.get("long text")).ids(), "cut at " + lengths[i]);
            }
        }
        Map<Integer, List<JsonNode>> byLength = golden.path("cut pairs").valueStream()
                .collect(Collectors.groupingBy(c -> c.get("length").asInt()));
        byLength.forEach((length, cases) -> {
            try (TextTokenizer tokenizer = TextTokenizer.load(folder, new TextTokenizer.Limit(length, false))) {
                cases.forEach(c -> cut(tokenizer, c));
            }
        });
    }

    private static void cut(TextTokenizer tokenizer, JsonNode golden) {
        Truncation cut = Truncation.valueOf(golden.get("cut").asText().toUpperCase(Locale.ROOT));
        if (golden.get("ids").isNull()) {
            assertThrows(IllegalArgumentException.class, () -> tokenizer.encodePairs(List.of(pair(golden)), cut), golden.toString());
        } else {
            TextTokenizer.Tokens tokens = tokenizer.encodePairs(List.of(pair(golden)), cut).getFirst();
            same(golden.get("ids"), tokens.ids(), golden.toString());
        }
    }

    private static void windows(TextTokenizer tokenizer, JsonNode golden) {
        int length = golden.get("length").asInt();
        int stride = golden.get("stride").asInt();
        List<Window> found = golden.get("second").isNull() ? tokenizer.windows(TEXTS.get(golden.get("first").asText()), length, stride)
                : tokenizer.windows(pair(golden), length, stride);
        assertEquals(golden.get("windows").size(), found.size(), golden.toString());
        for (int i = 0; i < found.size(); i++) {
            same(golden.get("windows").get(i).get("ids"), found.get(i).tokens().ids(), "window " + i + " of " + golden);
            same(golden.get("windows").get(i).get("spans"), spans(found.get(i)), "spans of window " + i + " of " + golden);
        }
    }

    private static Pair pair(JsonNode golden) {
        return new Pair(TEXTS.get(golden.get("first").asText()), TEXTS.get(golden.get("second").asText()));
    }

    private static int[] spans(Window window) {
        return IntStream.range(0, window.starts().length)
                .flatMap(i -> IntStream.of(window.sequences()[i], window.words()[i], window.starts()[i], window.ends()[i])).toArray();
    }

    private static void same(JsonNode expected, int[] found, String what) {
        if (expected.isNull()) {
            // The script says why.
            return;
        }
        if (expected.isArray()) {
            assertEquals(expected.toString(), IntStream.of(found).boxed().toList().toString().replace(" ", ""), what);
            return;
        }
        ByteBuffer bytes = ByteBuffer.allocate(4 * found.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(found);
        CRC32 crc = new CRC32();
        crc.update(bytes.array());
        assertEquals(expected.toString(), "{\"n\":" + found.length + ",\"crc\":" + crc.getValue() + "}", what);
    }
}
