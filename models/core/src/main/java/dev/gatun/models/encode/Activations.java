package dev.gatun.models.encode;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.tensor.op.Activation;
import java.util.Map;
import java.util.TreeSet;

/** The names that configs give activations. */
public final class Activations {
    private static final Map<String, Activation> NAMES = Map.ofEntries(Map.entry("gelu", Activation.GELU_ERF),
            Map.entry("gelu_python", Activation.GELU_ERF), Map.entry("gelu_new", Activation.GELU_TANH),
            Map.entry("gelu_pytorch_tanh", Activation.GELU_TANH), Map.entry("gelu_fast", Activation.GELU_TANH),
            Map.entry("gelu_python_tanh", Activation.GELU_TANH), Map.entry("relu", Activation.RELU), Map.entry("relu6", Activation.RELU6),
            Map.entry("silu", Activation.SILU), Map.entry("swish", Activation.SILU), Map.entry("tanh", Activation.TANH),
            Map.entry("sigmoid", Activation.SIGMOID), Map.entry("hardswish", Activation.HARDSWISH), Map.entry("linear", Activation.NONE),
            Map.entry("quick_gelu", Activation.QUICK_GELU), Map.entry("relu2", Activation.RELU2), Map.entry("mish", Activation.MISH));

    private Activations() {
    }

    /** The activation that a field names; another name, and null, is refused with those that are served. */
    public static Activation of(ConfigFields config, String field, Activation otherwise) {
        if (config.isNull(field)) {
            throw config.error(field, "one of " + String.join(", ", new TreeSet<>(NAMES.keySet())));
        }
        return config.choice(field, otherwise, NAMES);
    }
}
