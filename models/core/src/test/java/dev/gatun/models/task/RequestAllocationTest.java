package dev.gatun.models.task;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.task.classify.ClassifierOptions;
import dev.gatun.models.task.classify.ImageClassifier;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.EmbeddingOptions;
import dev.gatun.models.testing.Allocation;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.MiniLm;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a request takes from the heap, in all threads, is no more than twice what README says, which compilers and collectors blur. */
class RequestAllocationTest {
    private static final String TEXT = "the quick brown fox jumps over the lazy dog and runs away";

    @TempDir
    Path folder;

    private static void takes(int atMost, int times, Runnable request) {
        long[] windows = new long[7];
        for (int i = 0; i < windows.length; i++) {
            long before = Allocation.ofAllThreads();
            for (int j = 0; j < times; j++) {
                request.run();
            }
            windows[i] = (Allocation.ofAllThreads() - before) / times;
        }
        long median = Arrays.stream(windows).sorted().toArray()[windows.length / 2];
        assertTrue(median > 0 && median <= atMost, median + " bytes of at most " + atMost + ", in windows of " + Arrays.toString(windows));
    }

    @Test
    void oneText() {
        try (EmbeddingModel model = EmbeddingModel.load(MiniLm.folder(), EmbeddingOptions.defaults().withThreads(1))) {
            takes(12_000, 10, () -> model.embed(TEXT).close());
        }
    }

    @Test
    void manyTexts() {
        List<String> texts = Collections.nCopies(32, TEXT);
        try (EmbeddingModel model = EmbeddingModel.load(MiniLm.folder(), EmbeddingOptions.defaults().withThreads(2))) {
            takes(32 * 4_500, 2, () -> model.embed(texts).close());
        }
    }

    /** Decoding takes nearly all, by the pixel. */
    @Test
    void onePicture() throws IOException {
        Path large = folder.resolve("large.jpg");
        assertTrue(ImageIO.write(new BufferedImage(640, 480, BufferedImage.TYPE_INT_RGB), "jpg", large.toFile()));
        try (ImageClassifier model = ImageClassifier.load(Goldens.path("vit/vit"), ClassifierOptions.defaults().withThreads(1))) {
            takes(250_000, 5, () -> model.classify(List.of(Goldens.path("vit/picture.png")), result -> { }));
            takes(200_000 + 640 * 480 * 16, 5, () -> model.classify(List.of(large), result -> { }));
        }
    }
}
