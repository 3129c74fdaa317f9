package dev.gatun.micrometer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.TextVector;
import dev.gatun.models.testing.MiniLm;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Every request and token is counted once, and memory as the models themselves say. */
class GatunMetersTest {
    @Test
    void whatIsComputedIsCounted() {
        SimpleMeterRegistry registry = new SimpleMeterRegistry();
        List<String> texts = List.of("a cat sat on the mat", "ein Satz", "the quick brown fox", "one", "two words", "");
        long tokens = 0;
        GatunMeters meters = new GatunMeters();
        meters.bindTo(registry);
        try (EmbeddingModel model = EmbeddingModel.load(MiniLm.folder())) {
            List<CompletableFuture<TextVector>> vectors = texts.stream().map(model::submit).toList();
            for (CompletableFuture<TextVector> vector : vectors) {
                tokens += vector.join().tokens();
            }
            double memory = registry.get("gatun.native.memory").gauge().value();
            assertTrue(memory >= model.nativeByteSize(), memory + " bytes, the model alone has " + model.nativeByteSize());
        }
        meters.close();
        meters.close();
        DistributionSummary requests = registry.get("gatun.batch.requests").tag("model", "the embedding model").summary();
        assertEquals(texts.size(), requests.totalAmount());
        assertEquals(tokens, registry.get("gatun.batch.tokens").summary().totalAmount());
        Timer compute = registry.get("gatun.batch.compute").timer();
        assertEquals(requests.count(), compute.count());
        assertEquals(requests.count(), registry.get("gatun.batch.wait").timer().count());
        assertEquals(1, registry.get("gatun.forward").timers().size(), "a timer for each graph, whatever the sizes of its plans");
        Timer forward = registry.get("gatun.forward").timer();
        assertFalse(forward.getId().getTag("graph").matches(".*[\\[0-9].*"), forward.getId().toString());
        assertTrue(forward.count() >= requests.count(), forward.count() + " forwards of " + requests.count() + " batches");
        assertTrue(forward.totalTime(TimeUnit.NANOSECONDS) > 0 && forward.max(TimeUnit.NANOSECONDS) <= compute.max(TimeUnit.NANOSECONDS));
    }
}
