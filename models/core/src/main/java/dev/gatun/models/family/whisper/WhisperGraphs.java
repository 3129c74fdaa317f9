package dev.gatun.models.family.whisper;

import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.layer.DecoderGraph;
import dev.gatun.models.layer.TransformerBlocks;
import dev.gatun.models.layer.TransformerGraph;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.PatchTokensOp;
import java.util.Set;

/**
 * Describes the graphs.
 *
 * @param aligned layers of the decoder whose cross-attention's queries are outputs too
 */
record WhisperGraphs(WhisperConfig config, WhisperWeights weights, Set<Integer> aligned) {
    /** Encodes a window, and stores every decoder layer's keys and values of it. */
    static final String ENCODER = "encoder";
    /** Decodes tokens over the cache. */
    static final String STEP = "step";
    /** Input of the encoder: F32 [1, bins, 1, frames]. */
    static final String FEATURES = "features";
    /** Input of the encoder: S32 [frames / 2], 0 and up. */
    static final String PLACES = "places";

    Graph encoder() {
        GraphBuilder graph = new GraphBuilder(ENCODER);
        Port features = graph.input(FEATURES, Spec.of(DataType.F32, 1, config.melBins(), 1, config.frames()));
        Port places = graph.input(PLACES, Spec.of(DataType.S32, config.sourceLen()));
        Port sequences = graph.input(GenerativeModel.SOURCE_SEQUENCES, Spec.of(DataType.S32, 3));
        Port tables = graph.state(GenerativeModel.SOURCE_TABLES, Spec.of(DataType.U8, Long.BYTES));
        Port x = features;
        for (int i = 0; i < weights.stem().size(); i++) {
            x = graph.add("stem." + i + ".gelu", new EltwiseOp(Activation.GELU_ERF), graph.add("stem." + i, weights.stem().get(i), x));
        }
        Port rows = graph.add("positions", new Embedding(weights.positions(), null, null, false, null, 1f), places);
        AttentionOp attention = new AttentionOp(AttentionOp.Source.SEPARATE, config.encoder().heads(), config.encoder().heads(),
                config.dModel() / config.encoder().heads(), false, AttentionOp.MaskKind.NONE, false);
        TransformerBlocks blocks = new TransformerBlocks(graph, true, config.activation());
        Port memory = new TransformerGraph(blocks).encoder(weights.encoder(), weights.encoderNorm(),
                graph.add("rows", new PatchTokensOp(0), rows, x),
                (name, q, k, v) -> graph.add(name, attention, q, k, v, sequences, sequences));
        new DecoderGraph(graph, weights.decoder()).store(memory, sequences, tables);
        graph.output(GenerativeModel.MEMORY, memory);
        return graph.build();
    }

    Graph step() {
        GraphBuilder graph = new GraphBuilder(STEP);
        graph.output(GenerativeModel.LOGITS, new DecoderGraph(graph, weights.decoder()).step((layer, query) -> {
            if (aligned.contains(layer)) {
                graph.output(query(layer), query);
            }
        }));
        return graph.build();
    }

    /** Output of a step: F32 [rows, dModel], the query of a layer's cross-attention. */
    static String query(int layer) {
        return "query." + layer;
    }
}
