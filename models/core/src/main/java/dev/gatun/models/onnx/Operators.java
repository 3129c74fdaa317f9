package dev.gatun.models.onnx;

import java.util.HashMap;
import java.util.Map;

/** The table of all operators: each family puts its own in. */
final class Operators {
    /** The newest operator set of the default domain that is known. */
    static final int NEWEST = 28;
    static final String MICROSOFT = "com.microsoft";

    private static final Map<String, Kernel> ALL = new HashMap<>();

    static {
        ElementOps.register();
        ActivationOps.register();
        BinaryOps.register();
        CastOps.register();
        ReduceOps.register();
        ShapeOps.register();
        MoveOps.register();
        GatherOps.register();
        SelectOps.register();
        ProductOps.register();
        ConvOps.register();
        PoolOps.register();
        ResizeOps.register();
        SampleOps.register();
        NormOps.register();
        SoftmaxOps.register();
        AttentionOps.register();
        RecurrentOps.register();
        ControlOps.register();
        SequenceOps.register();
        QuantOps.register();
        QLinearOps.register();
        SignalOps.register();
        TextOps.register();
        DetectionOps.register();
        LossOps.register();
        MicrosoftOps.register();
        MicrosoftAttention.register();
    }

    private Operators() {
    }

    static void one(String op, Kernel.One kernel) {
        many(op, call -> new OnnxValue[] {kernel.run(call)});
    }

    /** @param op name, with its domain and a colon before it unless that is the default one */
    static void many(String op, Kernel kernel) {
        String key = op.contains(":") ? op : ":" + op;
        if (ALL.put(key, kernel) != null) {
            throw new IllegalStateException("two kernels of " + op);
        }
    }

    static void microsoft(String op, Kernel.One kernel) {
        one(MICROSOFT + ":" + op, kernel);
    }

    /** The kernel, or null. */
    static Kernel find(String domain, String op) {
        return ALL.get(domain + ":" + op);
    }
}
