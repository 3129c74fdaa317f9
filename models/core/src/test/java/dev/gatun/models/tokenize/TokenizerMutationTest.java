package dev.gatun.models.tokenize;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.testing.ChildJvm;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.Mutations;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged files of tokenizers give an exception that names the file, or a tokenizer that works: the process lives. In a JVM of its own,
 * as the tokenizers library may end it. {@code -Dgatun.mutations=N} tries N, {@code -Dgatun.mutations.seed=S} others.
 */
class TokenizerMutationTest {
    private static final int CASES = Integer.getInteger("gatun.mutations", 400);
    private static final long SEED = Long.getLong("gatun.mutations.seed", 20251L);

    @TempDir
    Path folder;

    @Test
    void theProcessLives() throws Exception {
        List<String> command = new ArrayList<>(List.of("--enable-native-access=ALL-UNNAMED", "-Xmx512m", "-XX:-CreateCoredumpOnCrash",
                "-XX:ErrorFile=" + folder.resolve("hs_err.log"), "-cp", ChildJvm.classPath(), Main.class.getName()));
        command.addAll(List.of(folder.toString(), Long.toString(SEED), Integer.toString(CASES)));
        ChildJvm.Result result = ChildJvm.run(command);
        String last = Files.exists(folder.resolve("last")) ? Files.readString(folder.resolve("last")) : "nothing";
        assertEquals("done", result.output().lines().filter(line -> !line.startsWith("WARNING")).reduce((a, b) -> a + "\n" + b).orElse(""),
                "at " + last);
        assertEquals(0, result.exitCode());
    }

    /** Folder, seed, number of cases. */
    static final class Main {
        private static final ObjectMapper JSON = new ObjectMapper();
        private static final List<String> TEXTS =
                List.of("", "The quick  brown fox [MASK]<mask> caf\u00e9 \uff28\u4f60 \ud83d\ude00\u200b don't 12\n", "a".repeat(300));

        public static void main(String[] args) throws IOException {
            Path folder = Path.of(args[0]);
            List<Map.Entry<Path, JsonNode>> cases = new ArrayList<>();
            for (String family : List.of("bert", "mpnet", "roberta", "gpt2", "qwen2", "modernbert", "clip", "xlm_roberta", "camembert",
                    "albert", "deberta_v2", "t5")) {
                Path from = Goldens.path("tokenize/" + family);
                JSON.readTree(from.resolve("cases.json").toFile()).forEach(c -> cases.add(Map.entry(from, c)));
            }
            for (int i = 0; i < Integer.parseInt(args[2]); i++) {
                SplittableRandom random = new SplittableRandom(Long.parseLong(args[1]) * 1_000_003 + i);
                Map.Entry<Path, JsonNode> chosen = cases.get(random.nextInt(cases.size()));
                Path made = Files.createDirectories(folder.resolve("case"));
                write(chosen.getKey(), chosen.getValue(), made, random, folder.resolve("last"), i);
                attempt(made, i);
                try (var files = Files.list(made)) {
                    for (Path file : files.toList()) {
                        Files.delete(file);
                    }
                }
            }
            System.out.println("done");
        }

        /** Writes a golden's folder with one file damaged. */
        private static void write(Path from, JsonNode golden, Path to, SplittableRandom random, Path last, int number) throws IOException {
            List<Map.Entry<String, byte[]>> files = new ArrayList<>();
            for (Map.Entry<String, JsonNode> file : golden.get("files").properties()) {
                files.add(Map.entry(file.getKey(), Files.readAllBytes(from.resolve(file.getValue().asText()))));
            }
            int own = files.size();
            for (Map.Entry<String, JsonNode> file : golden.get("json").properties()) {
                files.add(Map.entry(file.getKey(), JSON.writeValueAsBytes(file.getValue())));
            }
            int damaged = random.nextInt(4) == 0 ? random.nextInt(files.size()) : random.nextInt(own);
            String name = files.get(damaged).getKey();
            Files.writeString(last, number + ": " + name + " of " + from.getFileName() + ", " + golden.get("name").asText());
            for (int i = 0; i < files.size(); i++) {
                byte[] bytes = files.get(i).getValue();
                Files.write(to.resolve(files.get(i).getKey()), i == damaged ? Mutations.of(bytes, name.endsWith(".json"), random) : bytes);
            }
        }

        private static void attempt(Path folder, int number) {
            try (TextTokenizer tokenizer = TextTokenizer.load(folder, new TextTokenizer.Limit(40, true))) {
                tokenizer.encodeBatch(TEXTS);
                tokenizer.windows(TEXTS.get(1), tokenizer.maxTokens(), 0);
                tokenizer.encodePairs(List.of(new Pair(TEXTS.get(1), TEXTS.get(2))), Truncation.LONGEST_FIRST);
            } catch (WeightException e) {
                if (!e.getMessage().startsWith(folder.toString()) || e.getMessage().length() > 2000) {
                    System.out.println(number + ": " + e.getMessage().substring(0, Math.min(300, e.getMessage().length())));
                }
            } catch (IllegalArgumentException e) {
                // No room for the text.
            } catch (RuntimeException | Error e) {
                System.out.println(number + ": " + e + " at "
                        + List.of(e.getStackTrace()).subList(0, Math.min(4, e.getStackTrace().length)));
            }
        }
    }
}
