package dev.gatun.models.layer;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.Attention;
import dev.gatun.tensor.graph.Dim;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Layer;
import dev.gatun.tensor.graph.PagedAttention;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.KvLayout;
import dev.gatun.tensor.op.KvStoreOp;
import dev.gatun.tensor.op.PagedAttentionOp;
import java.util.function.BiConsumer;

/**
 * Describes a decoder that attends to a memory [rows, dModel], whatever made that: where its keys and values are stored, one step over the
 * cache, and whole targets at once.
 *
 * @param graph   where layers are added
 * @param decoder what is computed
 */
public record DecoderGraph(GraphBuilder graph, TokenDecoder decoder) {
    /** Input: S32 [rows], a token of a sequence; or S32 [targets], all of whole ones. */
    public static final String IDS = "step_ids";
    /** Input: S32 [rows] or [targets], row of each token's position; there also where nothing reads it. */
    public static final String POSITIONS = "step_positions";
    /**
     * Input: S32 [rows], tokens of its sequence up to this one, 0 for a row that is not in use; or, of whole targets, how many, then
     * their offsets.
     */
    public static final String LENGTHS = "step_lengths";
    /** State: U8 [rows, 8], address of each sequence's block table. */
    public static final String TABLES = "step_tables";
    /** Input: S32 [rows], rows of the memory; 0 for a row that is not in use. */
    public static final String MEMORY_LENGTHS = "step_source_lengths";
    /** State: U8 [rows, 8], address of the memory's block table. */
    public static final String MEMORY_TABLES = "step_source_tables";
    /** Free dimensions. */
    public static final String ROWS = "rows";
    public static final String TARGETS = "targets";
    public static final String SEQUENCES = "sequences";

    /**
     * Stores every layer's keys and values of the memory.
     *
     * @param sequences S32 [2 + n], how many memories, then their offsets
     * @param tables    U8 [8 n], a state: addresses of block tables
     */
    public void store(Port memory, Port sequences, Port tables) {
        TransformerBlocks blocks = blocks();
        KvLayout layout = decoder.spec().cacheLayout();
        for (int i = 0; i < decoder.layers().layers().size(); i++) {
            EncoderWeights.Attention cross = decoder.layers().layers().get(i).cross();
            String name = cross(i);
            graph.add(name + ".store", new KvStoreOp(layout, i, false), blocks.linear(name + ".key", cross.key(), memory),
                    blocks.linear(name + ".value", cross.value(), memory), sequences, tables);
        }
    }

    /** A token in each row over the cache, those of a sequence in any order: F32 [rows, vocabSize]. */
    public Port step() {
        return step((layer, query) -> { });
    }

    /** The same where somebody sees the query of each layer's attention to the memory: F32 [rows, dModel]. */
    public Port step(BiConsumer<Integer, Port> queries) {
        Port embedded = embedding(ROWS);
        Port lengths = graph.input(LENGTHS, Spec.of(DataType.S32, ROWS));
        Port memoryLengths = graph.input(MEMORY_LENGTHS, Spec.of(DataType.S32, ROWS));
        Port tables = graph.state(TABLES, Spec.of(DataType.U8, ROWS, Long.BYTES));
        Port memoryTables = graph.state(MEMORY_TABLES, Spec.of(DataType.U8, ROWS, Long.BYTES));
        Port out = new TransformerGraph(blocks()).decoder(decoder.layers(), embedded,
                i -> (name, q, k, v) -> graph.add(name, paged(i, PagedAttentionOp.Append.SEPARATE), q, k, v, lengths, tables),
                i -> q -> {
                    queries.accept(i, q);
                    return graph.add(cross(i) + ".attend", paged(i, PagedAttentionOp.Append.NONE), q, memoryLengths, memoryTables);
                });
        return graph.add("lm_head", decoder.head(), out);
    }

    /**
     * Whole targets without a cache: F32 [targets, vocabSize].
     *
     * @param sequences S32 [2 + n], how many memories, then their offsets
     */
    public Port forced(Port memory, Port sequences) {
        TransformerBlocks blocks = blocks();
        Port embedded = embedding(TARGETS);
        Port targets = graph.input(LENGTHS, Spec.of(DataType.S32, Dim.free(SEQUENCES)));
        Port out = new TransformerGraph(blocks).decoder(decoder.layers(), embedded,
                i -> (name, q, k, v) -> graph.add(name, whole(decoder.layers().layers().get(i).self(), true), q, k, v, targets, targets),
                i -> q -> {
                    EncoderWeights.Attention cross = decoder.layers().layers().get(i).cross();
                    return graph.add(cross(i) + ".attend", whole(cross, false), q, blocks.linear(cross(i) + ".key", cross.key(), memory),
                            blocks.linear(cross(i) + ".value", cross.value(), memory), targets, sequences);
                });
        return graph.add("lm_head", decoder.head(), out);
    }

    private Port embedding(String dimension) {
        Port ids = graph.input(IDS, Spec.of(DataType.S32, dimension));
        Port positions = graph.input(POSITIONS, Spec.of(DataType.S32, dimension));
        return decoder.embedding().positions() == null ? graph.add("decoder.embed", decoder.embedding(), ids)
                : graph.add("decoder.embed", decoder.embedding(), ids, positions);
    }

    private TransformerBlocks blocks() {
        return new TransformerBlocks(graph, decoder.spec().normFirst(), decoder.spec().activation());
    }

    private static String cross(int layer) {
        return "decoder." + layer + ".cross";
    }

    private Layer paged(int layer, PagedAttentionOp.Append append) {
        DecoderSpec spec = decoder.spec();
        boolean self = append != PagedAttentionOp.Append.NONE;
        DecoderWeights.Layer weights = decoder.layers().layers().get(layer);
        EncoderWeights.Attention attention = self ? weights.self() : weights.cross();
        PagedAttentionOp plain = new PagedAttentionOp(spec.cacheLayout(), layer, spec.numHeads(), append,
                self ? spec.maxLength() : spec.maxMemory());
        PagedAttentionOp op = attention.scores() == null ? plain : plain.withScale(attention.scores().scale());
        return attention.distances() == null ? new Apply(op) : new PagedAttention(op, attention.distances());
    }

    private Layer whole(EncoderWeights.Attention attention, boolean causal) {
        DecoderSpec spec = decoder.spec();
        AttentionOp plain = new AttentionOp(AttentionOp.Source.SEPARATE, spec.numHeads(), spec.numHeads(), spec.headDim(), causal,
                AttentionOp.MaskKind.NONE, false);
        AttentionOp op = attention.scores() == null ? plain : plain.withScores(attention.scores());
        return attention.distances() == null ? new Apply(op) : new Attention(op, attention.distances());
    }
}
