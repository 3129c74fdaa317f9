package dev.gatun.models.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.kernels.CountedArena;
import dev.gatun.bindings.loader.NativeLimitException;
import dev.gatun.models.onnx.OnnxModel;
import dev.gatun.models.task.classify.ClassifierOptions;
import dev.gatun.models.task.classify.ImageClassifier;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.language.LanguageModel;
import dev.gatun.models.task.text.Reranker;
import dev.gatun.models.task.translate.Translator;
import dev.gatun.models.testing.ChildJvm;
import dev.gatun.models.testing.Goldens;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every native allocation of loading, running and closing a model fails once, the first, the second and so on: nothing stays behind. */
class FailingAllocationTest {
    /** Arguments: the scenario. Prints how many allocations were refused. */
    static final class Main {
        /** Fewer would mean that the limit is not asked. */
        private static final int LEAST = 5;
        private static final int MOST = 5_000;

        public static void main(String[] args) {
            String scenario = args[0];
            // The first run makes what belongs to the process and stays.
            run(scenario);
            long before = CountedArena.processByteSize();
            long limit = before + 1;
            for (int refused = 0; refused < MOST; refused++) {
                CountedArena.limitProcess(limit);
                try {
                    run(scenario);
                    System.out.println(refused >= LEAST ? "all refused: " + refused : "only " + refused);
                    return;
                } catch (RuntimeException | Error e) {
                    limit = Math.max(limit + 1, needed(e));
                }
                if (CountedArena.processByteSize() != before) {
                    throw new AssertionError("after refusal " + refused + " at " + limit + ": " + CountedArena.holders());
                }
            }
            throw new AssertionError("still refused after " + MOST);
        }

        /** So many bytes that the allocation which was refused passes, and not the next. */
        private static long needed(Throwable e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof NativeLimitException refusal) {
                    return refusal.held() + refusal.wanted();
                }
            }
            throw new AssertionError("another exception than the limit's", e);
        }

        private static void run(String scenario) {
            switch (scenario) {
                case "embed" -> {
                    try (EmbeddingModel model = EmbeddingModel.load(Goldens.path("bert/tiny"))) {
                        model.embed(List.of("a cat", "", "two cats sat on a mat")).close();
                    }
                }
                case "rerank" -> {
                    try (Reranker model = Reranker.load(Goldens.path("heads/bert-rerank"))) {
                        model.rank("a cat", List.of("two cats", "a mat"));
                    }
                }
                case "classify" -> {
                    try (ImageClassifier model = ImageClassifier.digits(ClassifierOptions.defaults())) {
                        String error = model.classify(List.of(Goldens.path("image/grey.png")), done -> { }).getFirst().error();
                        if (error != null) {
                            throw new AssertionError(error);
                        }
                    }
                }
                case "translate" -> {
                    try (Translator model = Translator.load(1)) {
                        model.translate("<en> March 3rd, 2021");
                    }
                }
                case "continue" -> {
                    try (LanguageModel model = LanguageModel.load(1)) {
                        model.perplexity("We the people");
                    }
                }
                case "onnx" -> {
                    try (OnnxModel model = OnnxModel.load(Goldens.path("bert/tiny-onnx/model.onnx"))) {
                        model.newSession(1).close();
                    }
                }
                default -> throw new AssertionError(scenario);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"embed", "rerank", "classify", "translate", "continue", "onnx"})
    void everyAllocationThatFailsLeavesNothingBehind(String scenario) throws Exception {
        ChildJvm.Result result = ChildJvm.run(List.of("--enable-native-access=ALL-UNNAMED", "-cp", ChildJvm.classPath(),
                Main.class.getName(), scenario));
        assertEquals(0, result.exitCode(), result.output());
        assertTrue(result.output().contains("all refused: "), result.output());
    }
}
