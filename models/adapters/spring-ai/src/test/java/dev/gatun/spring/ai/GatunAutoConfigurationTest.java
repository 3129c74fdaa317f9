package dev.gatun.spring.ai;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.testing.MiniLm;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** Spring's contexts with and without a model, and Spring AI's calls against what ONNX Runtime answers. */
class GatunAutoConfigurationTest {
    private final ApplicationContextRunner contexts = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(GatunAutoConfiguration.class));
    private final ApplicationContextRunner miniLm = contexts.withPropertyValues("gatun.embedding.model=" + MiniLm.folder(),
            "gatun.embedding.threads=1");

    @Test
    void aFolderGivesAModelWhichClosesWithItsContext() {
        AtomicReference<EmbeddingModel> kept = new AtomicReference<>();
        miniLm.run(context -> {
            EmbeddingModel model = context.getBean(EmbeddingModel.class);
            kept.set(model);
            EmbeddingResponse response = model.call(new EmbeddingRequest(MiniLm.texts(), null));
            for (int i = 0; i < MiniLm.texts().size(); i++) {
                assertEquals(i, response.getResults().get(i).getIndex());
                assertArrayEquals(MiniLm.vectors()[i], response.getResults().get(i).getOutput(), 2e-5f, "text " + i);
            }
            assertTrue(response.getMetadata().getUsage().getPromptTokens() > MiniLm.texts().size());
            assertArrayEquals(MiniLm.vectors()[4], model.embed(MiniLm.texts().get(4)), 2e-5f);
            assertArrayEquals(MiniLm.vectors()[4], model.embed(new Document(MiniLm.texts().get(4))), 2e-5f);
            assertEquals(384, model.dimensions());
        });
        assertThrows(IllegalStateException.class, () -> kept.get().embed("closed"));
    }

    @Test
    void optionsThatAskForAnotherModelAreRefused() {
        miniLm.withPropertyValues("gatun.embedding.dimensions=100").run(context -> {
            EmbeddingModel model = context.getBean(EmbeddingModel.class);
            assertEquals(100, model.embed("Hello").length);
            List<String> texts = List.of("Hello");
            EmbeddingOptions hundred = EmbeddingOptions.builder().model("minilm").dimensions(100).build();
            assertEquals(100, model.call(new EmbeddingRequest(texts, hundred)).getResult().getOutput().length);
            for (EmbeddingOptions other : List.of(EmbeddingOptions.builder().model("bge").build(),
                    EmbeddingOptions.builder().dimensions(384).build())) {
                assertThrows(IllegalArgumentException.class, () -> model.call(new EmbeddingRequest(texts, other)));
            }
        });
    }

    @Test
    void withoutAFolderThereIsNone() {
        contexts.run(context -> assertFalse(context.containsBean("gatunEmbeddingModel")));
    }

    @Test
    void aFolderThatIsNotThereStopsTheContext() {
        contexts.withPropertyValues("gatun.embedding.model=/no/such/folder")
                .run(context -> assertNotNull(context.getStartupFailure()));
    }
}
