package dev.gatun.tensor.exec;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** One execution of a plan, for flight recordings. */
@Name("dev.gatun.Forward")
@Label("Forward")
@Description("One execution of a plan: all operations of a model, or of a part of it, over one batch")
@Category("Gatun")
@StackTrace(false)
final class ForwardEvent extends Event {
    private static final ForwardEvent TYPE = new ForwardEvent();

    @Label("Plan")
    String plan;
    @Label("Operations")
    int operations;
    @Label("Threads")
    int threads;

    static boolean isOn() {
        return TYPE.isEnabled();
    }
}
