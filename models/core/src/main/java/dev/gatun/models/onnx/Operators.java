package dev.gatun.models.onnx;

/** All operators: each family has its own. */
final class Operators {
    /** The newest operator set of the default domain that is known. */
    static final int NEWEST = 28;
    static final String MICROSOFT = "com.microsoft";

    private Operators() {
    }

    static Kernel one(Kernel.One kernel) {
        return call -> new OnnxValue[] {kernel.run(call)};
    }

    static Kernel many(Kernel kernel) {
        return kernel;
    }

    /**
     * The kernel, or null. Families are asked in turn, those of common operators first: a table of all would link hundreds of functions
     * at the first file, a fifth of a start.
     */
    static Kernel find(String domain, String op) {
        String name = domain.isEmpty() ? op : domain + ":" + op;
        Kernel found = ShapeOps.find(name);
        found = found != null ? found : BinaryOps.find(name);
        found = found != null ? found : ElementOps.find(name);
        found = found != null ? found : CastOps.find(name);
        found = found != null ? found : GatherOps.find(name);
        found = found != null ? found : MoveOps.find(name);
        found = found != null ? found : ProductOps.find(name);
        found = found != null ? found : ActivationOps.find(name);
        found = found != null ? found : ConvOps.find(name);
        found = found != null ? found : PoolOps.find(name);
        found = found != null ? found : NormOps.find(name);
        found = found != null ? found : SoftmaxOps.find(name);
        found = found != null ? found : ReduceOps.find(name);
        found = found != null ? found : SelectOps.find(name);
        found = found != null ? found : ResizeOps.find(name);
        found = found != null ? found : AttentionOps.find(name);
        found = found != null ? found : QuantOps.find(name);
        found = found != null ? found : RecurrentOps.find(name);
        found = found != null ? found : ControlOps.find(name);
        found = found != null ? found : SampleOps.find(name);
        found = found != null ? found : DetectionOps.find(name);
        found = found != null ? found : SequenceOps.find(name);
        found = found != null ? found : QLinearOps.find(name);
        found = found != null ? found : MicrosoftOps.find(name);
        found = found != null ? found : MicrosoftAttention.find(name);
        found = found != null ? found : SignalOps.find(name);
        found = found != null ? found : TextOps.find(name);
        found = found != null ? found : LossOps.find(name);
        return found;
    }
}
