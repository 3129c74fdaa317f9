package dev.gatun.models.runtime;

import java.util.List;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** Requests that were computed together, for flight recordings. */
@Name("dev.gatun.Batch")
@Label("Batch")
@Description("Requests of several callers that were computed together")
@Category("Gatun")
@StackTrace(false)
final class BatchEvent extends Event {
    private static final BatchEvent TYPE = new BatchEvent();

    @Label("Model")
    String model;
    @Label("Requests")
    int requests;
    @Label("Tokens")
    int tokens;
    @Label("Every Core")
    @Description("Whether it had every core, because it came alone")
    boolean everyCore;
    @Label("Longest Wait")
    @Description("From submitting to computing, of the request that waited longest")
    @Timespan(Timespan.NANOSECONDS)
    long longestWait;
    @Label("Mean Wait")
    @Timespan(Timespan.NANOSECONDS)
    long meanWait;

    /** An event that has begun, or null if nobody records. */
    static BatchEvent begin(String model, List<? extends Ticket<?, ?>> tickets, boolean everyCore) {
        if (!TYPE.isEnabled()) {
            return null;
        }
        BatchEvent event = new BatchEvent();
        event.begin();
        event.model = model;
        event.requests = tickets.size();
        event.everyCore = everyCore;
        for (Ticket<?, ?> ticket : tickets) {
            long wait = ticket.queuedNanos();
            event.tokens += ticket.tokens();
            event.longestWait = Math.max(event.longestWait, wait);
            event.meanWait += wait / tickets.size();
        }
        return event;
    }
}
