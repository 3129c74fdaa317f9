package dev.gatun.langchain4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gatun.models.testing.MiniLm;
import dev.langchain4j.data.document.Metadata;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.embedding.request.EmbeddingInputType;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import dev.langchain4j.model.embedding.response.EmbeddingResponse;
import dev.langchain4j.store.embedding.CosineSimilarity;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** LangChain4j's calls against what ONNX Runtime answers for the same texts. */
class GatunEmbeddingModelTest {
    private static GatunEmbeddingModel model;

    @BeforeAll
    static void load() {
        model = GatunEmbeddingModel.load(MiniLm.folder());
    }

    @AfterAll
    static void close() {
        model.close();
        model.close();
        assertThrows(IllegalStateException.class, () -> model.embed("closed"));
    }

    @Test
    void vectorsAreOnnxRuntimes() {
        List<String> texts = MiniLm.texts().stream().filter(text -> !text.isBlank()).toList();
        List<Embedding> embeddings = model.embedAll(texts.stream().map(TextSegment::from).toList()).content();
        int row = 0;
        for (int i = 0; i < MiniLm.texts().size(); i++) {
            if (!MiniLm.texts().get(i).isBlank()) {
                assertArrayEquals(MiniLm.vectors()[i], embeddings.get(row++).vector(), 2e-5f, "text " + i);
            }
        }
        assertEquals(embeddings.size(), row);
    }

    @Test
    void oneTextIsTheSameAsOneOfMany() {
        Embedding alone = model.embed("a cat sat on the mat").content();
        Embedding segment = model.embed(TextSegment.from("a cat sat on the mat", Metadata.from("page", "7"))).content();
        assertEquals(1, CosineSimilarity.between(alone, segment), 1e-6);
        assertEquals(384, model.dimension());
        assertEquals(384, alone.dimension());
        assertEquals("minilm", model.modelName());
    }

    @Test
    void tokensAreCountedAndTheTypeOfInputIsTaken() {
        for (EmbeddingInputType type : EmbeddingInputType.values()) {
            EmbeddingResponse response = model.embed(EmbeddingRequest.builder().inputs("Hello", "a").inputType(type).build());
            assertEquals(6, response.tokenUsage().inputTokenCount());
            assertEquals(2, response.embeddings().size());
        }
    }

    @Test
    void noTextsAreNoVectors() {
        assertEquals(List.of(), model.embedAll(List.of()).content());
    }

    @Test
    void parametersThatAreNotServedAreRefused() {
        EmbeddingRequest request = EmbeddingRequest.builder().input("Hello").dimensions(7).build();
        assertThrows(UnsupportedFeatureException.class, () -> model.embed(request));
    }
}
