package dev.gatun.models.family.transformer;

import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.layer.TransformerBlocks;
import dev.gatun.models.layer.TransformerGraph;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.Dim;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.KvLayout;
import dev.gatun.tensor.op.KvStoreOp;
import dev.gatun.tensor.op.PagedAttentionOp;

/** Describes the graphs of a token model. Rows of the encoder are real tokens, laid end to end. */
final class Seq2SeqGraphs {
    /** Encodes sources, and stores every decoder layer's keys and values of them. */
    static final String ENCODER = "encoder";
    /** Decodes one token of each sequence over the cache. */
    static final String STEP = "step";
    /** Whole sources and targets at once, without a cache. */
    static final String FORCED = "forced";
    /** Free dimensions. */
    static final String TOKENS = "tokens";
    static final String ROWS = "rows";
    static final String TARGETS = "targets";
    static final String SEQUENCES = "sequences";

    private final Seq2SeqConfig config;
    private final Seq2SeqWeights weights;
    private final KvLayout layout;

    Seq2SeqGraphs(Seq2SeqConfig config, Seq2SeqWeights weights, KvLayout layout) {
        this.config = config;
        this.weights = weights;
        this.layout = layout;
    }

    private TransformerBlocks blocks(GraphBuilder graph) {
        return new TransformerBlocks(graph, config.transformer().normFirst(), config.transformer().activation());
    }

    Graph encoder(int maxSequences) {
        GraphBuilder graph = new GraphBuilder(ENCODER);
        TransformerBlocks blocks = blocks(graph);
        Port sequences = graph.input(GenerativeModel.SOURCE_SEQUENCES, Spec.of(DataType.S32, maxSequences + 2));
        Port tables = graph.state(GenerativeModel.SOURCE_TABLES, Spec.of(DataType.U8, (long) maxSequences * Long.BYTES));
        Port memory = memory(blocks, sequences);
        for (int i = 0; i < weights.decoder().layers().size(); i++) {
            String name = "decoder." + i + ".cross";
            Port key = blocks.linear(name + ".key", weights.decoder().layers().get(i).cross().key(), memory);
            Port value = blocks.linear(name + ".value", weights.decoder().layers().get(i).cross().value(), memory);
            graph.add(name + ".store", new KvStoreOp(layout, i, false), key, value, sequences, tables);
        }
        graph.output(GenerativeModel.MEMORY, memory);
        return graph.build();
    }

    private Port memory(TransformerBlocks blocks, Port sequences) {
        Port ids = blocks.graph().input(GenerativeModel.SOURCE_IDS, Spec.of(DataType.S32, TOKENS));
        Port positions = blocks.graph().input(GenerativeModel.SOURCE_POSITIONS, Spec.of(DataType.S32, TOKENS));
        Port embedded = blocks.graph().add("encoder.embed", weights.source(), ids, positions);
        return new TransformerGraph(blocks).encoder(weights.encoder().layers(), weights.encoder().norm(), embedded,
                attend(blocks, false, sequences));
    }

    private AttentionOp attention(boolean causal) {
        return new AttentionOp(AttentionOp.Source.SEPARATE, config.transformer().numHeads(), config.transformer().numHeads(),
                config.transformer().headDim(), causal, AttentionOp.MaskKind.NONE, false);
    }

    private TransformerBlocks.Attend attend(TransformerBlocks blocks, boolean causal, Port sequences) {
        return (name, q, k, v) -> blocks.graph().add(name, attention(causal), q, k, v, sequences, sequences);
    }

    Graph step() {
        GraphBuilder graph = new GraphBuilder(STEP);
        Port ids = graph.input(GenerativeModel.STEP_IDS, Spec.of(DataType.S32, ROWS));
        Port positions = graph.input(GenerativeModel.STEP_POSITIONS, Spec.of(DataType.S32, ROWS));
        Port lengths = graph.input(GenerativeModel.STEP_LENGTHS, Spec.of(DataType.S32, ROWS));
        Port sourceLengths = graph.input(GenerativeModel.STEP_SOURCE_LENGTHS, Spec.of(DataType.S32, ROWS));
        Port tables = graph.state(GenerativeModel.STEP_TABLES, Spec.of(DataType.U8, ROWS, Long.BYTES));
        Port sourceTables = graph.state(GenerativeModel.STEP_SOURCE_TABLES, Spec.of(DataType.U8, ROWS, Long.BYTES));
        TransformerBlocks blocks = blocks(graph);
        int heads = config.transformer().numHeads();
        int maxKeys = config.tokens().maxPositions();
        Port out = new TransformerGraph(blocks).decoder(weights.decoder(), graph.add("decoder.embed", weights.target(), ids, positions),
                i -> (name, q, k, v) -> graph.add(name, new PagedAttentionOp(layout, i, heads, PagedAttentionOp.Append.SEPARATE, maxKeys),
                        q, k, v,
                        lengths, tables),
                i -> q -> graph.add("decoder." + i + ".cross.attend",
                        new PagedAttentionOp(layout, i, heads, PagedAttentionOp.Append.NONE, maxKeys),
                        q, sourceLengths, sourceTables));
        graph.output(GenerativeModel.LOGITS, blocks.linear("lm_head", weights.lmHead(), out));
        return graph.build();
    }

    /** Sources and targets to memory and logits. */
    Graph forced() {
        GraphBuilder graph = new GraphBuilder(FORCED);
        TransformerBlocks blocks = blocks(graph);
        Dim offsets = Dim.free(SEQUENCES);
        Port sourceSequences = graph.input(GenerativeModel.SOURCE_SEQUENCES, Spec.of(DataType.S32, offsets));
        Port memory = memory(blocks, sourceSequences);
        Port ids = graph.input(GenerativeModel.STEP_IDS, Spec.of(DataType.S32, TARGETS));
        Port positions = graph.input(GenerativeModel.STEP_POSITIONS, Spec.of(DataType.S32, TARGETS));
        Port sequences = graph.input(GenerativeModel.STEP_LENGTHS, Spec.of(DataType.S32, offsets));
        Port embedded = graph.add("decoder.embed", weights.target(), ids, positions);
        Port out = new TransformerGraph(blocks).decoder(weights.decoder(), embedded, i -> attend(blocks, true, sequences),
                i -> q -> cross(blocks, i, q, memory, sequences, sourceSequences));
        graph.output(GenerativeModel.MEMORY, memory);
        graph.output(GenerativeModel.LOGITS, blocks.linear("lm_head", weights.lmHead(), out));
        return graph.build();
    }

    private Port cross(TransformerBlocks blocks, int layer, Port query, Port memory, Port sequences, Port sourceSequences) {
        String name = "decoder." + layer + ".cross";
        Port key = blocks.linear(name + ".key", weights.decoder().layers().get(layer).cross().key(), memory);
        Port value = blocks.linear(name + ".value", weights.decoder().layers().get(layer).cross().value(), memory);
        return blocks.graph().add(name + ".attend", new Apply(attention(false)), query, key, value, sequences, sourceSequences);
    }
}
