package dev.gatun.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.testing.Goldens;
import dev.langchain4j.data.segment.TextSegment;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** LangChain4j's calls against sentence-transformers' CrossEncoder. */
class GatunScoringModelTest {
    @Test
    void scoresAreSentenceTransformers() throws IOException {
        Path folder = Goldens.path("heads/bert-rerank");
        JsonNode golden = new ObjectMapper().readTree(folder.resolve("expected.json").toFile());
        String query = golden.get("query").asText();
        List<TextSegment> segments = new ArrayList<>();
        List<Double> expected = new ArrayList<>();
        for (int i = 0; i < golden.get("documents").size(); i++) {
            // LangChain4j has no empty segments.
            if (!golden.get("documents").get(i).asText().isEmpty()) {
                segments.add(TextSegment.from(golden.get("documents").get(i).asText()));
                expected.add(golden.get("scores").get(i).asDouble());
            }
        }
        try (GatunScoringModel model = GatunScoringModel.load(folder)) {
            List<Double> scores = model.scoreAll(segments, query).content();
            assertEquals(segments.size(), scores.size());
            for (int i = 0; i < scores.size(); i++) {
                assertEquals(expected.get(i), scores.get(i), 1e-5, "document " + i);
                assertEquals(scores.get(i), model.score(segments.get(i), query).content(), 1e-6);
            }
            assertEquals(List.of(), model.scoreAll(List.of(), query).content());
        }
    }
}
