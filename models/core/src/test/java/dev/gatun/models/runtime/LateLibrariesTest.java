package dev.gatun.models.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.EmbeddingOptions;
import dev.gatun.models.testing.ChildJvm;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A library takes its memory and its time from those alone who compute with it. */
class LateLibrariesTest {
    private static final Path MAPS = Path.of("/proc/self/maps");

    static final class Main {
        private Main() {
        }

        public static void main(String[] args) throws IOException {
            try (EmbeddingModel model = EmbeddingModel.load(Goldens.path("bert/tiny"), EmbeddingOptions.defaults().withThreads(2))) {
                model.embed("a b c").close();
            }
            System.out.println("after an embedding: " + loaded());
            OneDnn.version();
            System.out.println("after oneDNN: " + loaded());
        }

        private static String loaded() throws IOException {
            String maps = Files.readString(MAPS);
            return maps.contains("libgatun") + " " + maps.contains("libdnnl") + " " + maps.contains("libopenblas");
        }
    }

    @Test
    void anEncoderLoadsNeitherOneDnnNorOpenBlas() throws Exception {
        assumeTrue(Files.isReadable(MAPS));
        ChildJvm.Result result = ChildJvm.run(List.of("--enable-native-access=ALL-UNNAMED", "-cp", ChildJvm.classPath(),
                Main.class.getName()));
        assertEquals(0, result.exitCode(), result.output());
        assertTrue(result.output().contains("after an embedding: true false false"), result.output());
        assertTrue(result.output().contains("after oneDNN: true true false"), result.output());
    }
}
