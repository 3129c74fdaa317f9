package dev.gatun.bindings.loader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.testing.ChildJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Properties are read once, so each case has a JVM of its own. */
class SettingTest {
    private static final String ACCESS = "--enable-native-access=ALL-UNNAMED";

    private static String refusal(String... flags) throws Exception {
        ChildJvm.Result result = ChildJvm.start(LoadMain.class, flags).finish();
        assertEquals(3, result.exitCode(), result.output());
        return result.output();
    }

    @Test
    void wrongValuesNamePropertyValueAndRange() throws Exception {
        for (String value : List.of("0", "-1", "abc", "65537", "99999999999", "")) {
            String said = refusal(ACCESS, "-Dgatun.chunk.tokens=" + value);
            assertTrue(said.contains("refused: -Dgatun.chunk.tokens=" + value + ": expected a whole number from 1 to 65536"), said);
        }
        assertTrue(refusal(ACCESS, "-Dgatun.linear=mkl").contains("-Dgatun.linear=mkl: expected onednn, openblas, gatun or measure"));
    }

    @Test
    void defaultsAreValidAndAnotherNameIsNoted() {
        for (Setting setting : Setting.values()) {
            assertTrue(setting.isSet() || setting.text().equals(setting.defaultValue()), setting.key());
        }
        assertEquals(128, Setting.CHUNK_TOKENS.number());
        System.setProperty("gatun.chunk.token", "1");
        try {
            assertTrue(Setting.unknown().contains("gatun.chunk.token"));
        } finally {
            System.clearProperty("gatun.chunk.token");
        }
    }

    @Test
    void theReadmesTableIsThis() throws Exception {
        List<String> rows = new ArrayList<>();
        for (Setting setting : Setting.values()) {
            rows.add("| `" + setting.key() + "` | " + setting.meaning() + " | " + setting.range() + " | " + setting.defaultValue() + " |");
        }
        String docs = Files.readString(Path.of("..", "docs", "settings.md"));
        rows.forEach(row -> assertTrue(docs.contains(row), "docs/settings.md lacks the row " + row));
        assertEquals(rows.size(), docs.lines().filter(line -> line.startsWith("| `gatun.")).count());
    }
}
