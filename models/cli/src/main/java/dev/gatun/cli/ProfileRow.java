package dev.gatun.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

/**
 * One operation of one plan, over all its executions.
 *
 * @param plan      it belongs to
 * @param operation name in the graph
 * @param kernel    that computed it
 * @param result    type and sizes
 * @param count     executions
 * @param nanos     of all of them
 * @param flops     of one
 * @param bytes     of one, at least
 */
record ProfileRow(String plan, String operation, String kernel, String result, long count, long nanos, long flops, long bytes) {

    /** Operations of a recording, in the order of execution. */
    static List<ProfileRow> read(Path file) throws IOException {
        List<RecordedEvent> events = new ArrayList<>();
        try (RecordingFile recording = new RecordingFile(file)) {
            while (recording.hasMoreEvents()) {
                RecordedEvent event = recording.readEvent();
                if (event.getEventType().getName().equals("dev.gatun.Operation")) {
                    events.add(event);
                }
            }
        }
        events.sort((a, b) -> a.getStartTime().compareTo(b.getStartTime()));
        Map<List<String>, ProfileRow> rows = new LinkedHashMap<>();
        for (RecordedEvent event : events) {
            ProfileRow row = new ProfileRow(event.getString("plan"), event.getString("operation"), event.getString("kernel"),
                    event.getString("result"), 1, event.getDuration().toNanos(), event.getLong("flops"), event.getLong("bytes"));
            rows.merge(List.of(row.plan, row.operation, row.kernel, row.result), row, ProfileRow::plus);
        }
        return List.copyOf(rows.values());
    }

    private ProfileRow plus(ProfileRow more) {
        return new ProfileRow(plan, operation, kernel, result, count + more.count, nanos + more.nanos, flops, bytes);
    }

    /** Share of what the machine can multiply. */
    double ofPeak(ProfileCommand.Peak peak) {
        return flops * count / (nanos * 1e-9) / peak.flops();
    }

    /** Share of what it can read; more than 1 where operands lie in a cache. */
    double ofBandwidth(ProfileCommand.Peak peak) {
        return bytes * count / (nanos * 1e-9) / peak.bytes();
    }
}
