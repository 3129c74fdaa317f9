package dev.gatun.tensor.exec;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** One operation of a forward, for flight recordings. */
@Name("dev.gatun.Operation")
@Label("Operation")
@Description("One operation of a forward. Many: off unless asked for")
@Category("Gatun")
@Enabled(false)
@StackTrace(false)
final class OperationEvent extends Event {
    private static final OperationEvent TYPE = new OperationEvent();

    @Label("Plan")
    String plan;
    @Label("Operation")
    String operation;
    @Label("Kernel")
    String kernel;
    @Label("Result")
    @Description("Type and sizes of the first result")
    String result;
    @Label("Threads")
    int threads;
    @Label("Floating-Point Operations")
    @Description("Of products; attention's as if all rows were one sequence; 0 of what has no products")
    long flops;
    @Label("Bytes")
    @Description("Of operands, weights and results, each once")
    @DataAmount
    long bytes;

    static boolean isOn() {
        return TYPE.isEnabled();
    }
}
