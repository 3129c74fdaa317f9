package dev.gatun.models.family.whisper;

import dev.gatun.models.generate.GenerativeModel;
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
import dev.gatun.tensor.op.KvLayout;
import dev.gatun.tensor.op.KvStoreOp;
import dev.gatun.tensor.op.PagedAttentionOp;
import dev.gatun.tensor.op.PatchTokensOp;
import java.util.Set;

/**
 * Describes the graphs.
 *
 * @param aligned layers of the decoder whose cross-attention's queries are outputs too
 */
record WhisperGraphs(WhisperConfig config, WhisperWeights weights, KvLayout layout, Set<Integer> aligned) {
    /** Encodes a window, and stores every decoder layer's keys and values of it. */
    static final String ENCODER = "encoder";
    /** Decodes a token over the cache. */
    static final String STEP = "step";
    /** Input of the encoder: F32 [1, bins, 1, frames]. */
    static final String FEATURES = "features";
    /** Input of the encoder: S32 [frames / 2], 0 and up. */
    static final String PLACES = "places";

    private TransformerBlocks blocks(GraphBuilder graph) {
        return new TransformerBlocks(graph, true, config.activation());
    }

    Graph encoder() {
        GraphBuilder graph = new GraphBuilder(ENCODER);
        TransformerBlocks blocks = blocks(graph);
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
        Port memory = new TransformerGraph(blocks).encoder(weights.encoder(), weights.encoderNorm(),
                graph.add("rows", new PatchTokensOp(0), rows, x),
                (name, q, k, v) -> graph.add(name, attention, q, k, v, sequences, sequences));
        for (int i = 0; i < config.decoder().layers(); i++) {
            String name = "decoder." + i + ".cross";
            Port key = blocks.linear(name + ".key", weights.decoder().layers().get(i).cross().key(), memory);
            Port value = blocks.linear(name + ".value", weights.decoder().layers().get(i).cross().value(), memory);
            graph.add(name + ".store", new KvStoreOp(layout, i, false), key, value, sequences, tables);
        }
        graph.output(GenerativeModel.MEMORY, memory);
        return graph.build();
    }

    Graph step() {
        GraphBuilder graph = new GraphBuilder(STEP);
        TransformerBlocks blocks = blocks(graph);
        Port ids = graph.input(GenerativeModel.STEP_IDS, Spec.of(DataType.S32, 1));
        Port positions = graph.input(GenerativeModel.STEP_POSITIONS, Spec.of(DataType.S32, 1));
        Port lengths = graph.input(GenerativeModel.STEP_LENGTHS, Spec.of(DataType.S32, 1));
        Port sourceLengths = graph.input(GenerativeModel.STEP_SOURCE_LENGTHS, Spec.of(DataType.S32, 1));
        Port tables = graph.state(GenerativeModel.STEP_TABLES, Spec.of(DataType.U8, 1, Long.BYTES));
        Port sourceTables = graph.state(GenerativeModel.STEP_SOURCE_TABLES, Spec.of(DataType.U8, 1, Long.BYTES));
        int heads = config.decoder().heads();
        Port out = new TransformerGraph(blocks).decoder(weights.decoder(), graph.add("decoder.embed", weights.target(), ids, positions),
                i -> (name, q, k, v) -> graph.add(name,
                        new PagedAttentionOp(layout, i, heads, PagedAttentionOp.Append.SEPARATE, config.targetLen()), q, k, v, lengths,
                        tables),
                i -> q -> {
                    if (aligned.contains(i)) {
                        graph.output(query(i), q);
                    }
                    return graph.add("decoder." + i + ".cross.attend",
                            new PagedAttentionOp(layout, i, heads, PagedAttentionOp.Append.NONE, config.sourceLen()), q, sourceLengths,
                            sourceTables);
                });
        graph.output(GenerativeModel.LOGITS, blocks.linear("lm_head", weights.lmHead(), out));
        return graph.build();
    }

    /** Output of a step: F32 [1, dModel], the query of a layer's cross-attention. */
    static String query(int layer) {
        return "query." + layer;
    }
}
