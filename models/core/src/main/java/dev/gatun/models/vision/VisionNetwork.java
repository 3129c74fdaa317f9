package dev.gatun.models.vision;

import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Node;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * An image network as a family describes it. In two graphs, because they want different batches: the trunk, whose activations should stay
 * in cache, and the head, whose weights should be read once for many pictures. Weights show the checkpoint's memory.
 *
 * @param spec  sizes
 * @param trunk from {@link #PICTURES} to {@link #ROWS}
 * @param head  from {@link #ROWS} to {@link #FEATURES} and {@link #LOGITS}
 */
public record VisionNetwork(VisionSpec spec, Graph trunk, Graph head) {
    /** The trunk's input: F32 [n, C, H, W]. */
    public static final String PICTURES = "pictures";
    /** Input of a trunk that is a Transformer: {@link VisionSpec#places()}. */
    public static final String PLACES = "places";
    /** Input of a trunk that is a Transformer: {@link VisionSpec#sequences()}. */
    public static final String SEQUENCES = "sequences";
    /** Input of a trunk that is a Transformer: {@link VisionSpec#results()}. */
    public static final String RESULTS = "results";
    /** Input of a trunk whose result a learned query makes: {@link VisionSpec#probes()}. */
    public static final String PROBES = "probes";
    /** The trunk's output and the head's input: F32 [n, trunkSize]. */
    public static final String ROWS = "rows";
    /** Output of the head: F32 [n, featureCount]. */
    public static final String FEATURES = "features";
    /** Output of the head: F32 [n, classCount]. */
    public static final String LOGITS = "logits";

    /** The same with both graphs rewritten. */
    public VisionNetwork rewrite(UnaryOperator<Graph> pass) {
        return new VisionNetwork(spec, pass.apply(trunk), pass.apply(head));
    }

    /** The nodes of trunk and head. */
    public List<Node> nodes() {
        return Stream.concat(trunk.nodes().stream(), head.nodes().stream()).toList();
    }
}
