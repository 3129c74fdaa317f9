package dev.gatun.micrometer;

import dev.gatun.bindings.kernels.CountedArena;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingStream;

/**
 * Meters of what all of Gatun's models in this process compute. They come from Gatun's flight recorder events, about a second late, and
 * cost nothing until they are bound. Thread-safe.
 *
 * <table>
 * <caption>Meters</caption>
 * <tr><td>{@code gatun.batch.requests}</td><td>requests computed together, by model</td></tr>
 * <tr><td>{@code gatun.batch.tokens}</td><td>tokens computed together, by model</td></tr>
 * <tr><td>{@code gatun.batch.wait}</td><td>from submitting to computing, of the request of a batch that waited longest, by model</td></tr>
 * <tr><td>{@code gatun.batch.compute}</td><td>computing a batch, by model</td></tr>
 * <tr><td>{@code gatun.forward}</td><td>one execution of a plan, by its graph</td></tr>
 * <tr><td>{@code gatun.native.memory}</td><td>bytes that models, sessions and results hold</td></tr>
 * </table>
 */
public final class GatunMeters implements MeterBinder, AutoCloseable {
    private final List<RecordingStream> streams = new ArrayList<>();

    @Override
    public synchronized void bindTo(MeterRegistry registry) {
        Gauge.builder("gatun.native.memory", CountedArena::processByteSize).baseUnit("bytes")
                .description("Native memory that models, sessions and results hold").register(registry);
        RecordingStream stream = new RecordingStream();
        stream.enable("dev.gatun.Batch");
        stream.enable("dev.gatun.Forward");
        stream.onEvent("dev.gatun.Batch", event -> batch(registry, event));
        stream.onEvent("dev.gatun.Forward", event -> Timer.builder("gatun.forward").tag("graph", graph(event.getString("plan")))
                .description("One execution of a plan").register(registry).record(event.getDuration()));
        stream.startAsync();
        streams.add(stream);
    }

    /** Of a plan, which is called by its graph and its sizes: those would be a tag of too many values. */
    private static String graph(String plan) {
        return plan.indexOf('[') < 0 ? plan : plan.substring(0, plan.indexOf('['));
    }

    private static void batch(MeterRegistry registry, RecordedEvent event) {
        String model = event.getString("model");
        DistributionSummary.builder("gatun.batch.requests").tag("model", model)
                .description("Requests computed together").register(registry).record(event.getInt("requests"));
        DistributionSummary.builder("gatun.batch.tokens").tag("model", model).baseUnit("tokens")
                .description("Tokens computed together").register(registry).record(event.getInt("tokens"));
        Timer.builder("gatun.batch.wait").tag("model", model)
                .description("From submitting to computing, of the request that waited longest").register(registry)
                .record(event.getDuration("longestWait"));
        Timer.builder("gatun.batch.compute").tag("model", model)
                .description("Computing a batch").register(registry).record(event.getDuration());
    }

    /** Counts what has happened so far, and nothing after that; meters stay in their registries. Closing twice is harmless. */
    @Override
    public synchronized void close() {
        for (RecordingStream stream : streams) {
            stream.stop();
            stream.close();
        }
        streams.clear();
    }
}
