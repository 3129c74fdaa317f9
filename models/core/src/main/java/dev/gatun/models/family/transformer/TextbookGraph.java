package dev.gatun.models.family.transformer;

import dev.gatun.models.layer.TransformerBlocks;
import dev.gatun.models.layer.TransformerGraph;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Dim;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.AttentionOp.MaskKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;

/** Describes the Transformer over continuous inputs, with some of PyTorch's masks. Rows are positions, sequences end to end. */
final class TextbookGraph {
    static final String OUT = "out";
    static final String SRC_SEQUENCES = "src_sequences";
    static final String TGT_SEQUENCES = "tgt_sequences";
    /** Free dimensions: rows and positions of the source, or of the memory, and of the target; 2 + sequences. */
    static final String SRC_ROWS = "src_rows";
    static final String TGT_ROWS = "tgt_rows";
    static final String SRC_LEN = "src_len";
    static final String TGT_LEN = "tgt_len";
    static final String SEQUENCES = "sequences";

    private final TransformerConfig config;
    private final TextbookTransformer.Parts parts;
    private final Set<String> masks;
    private final Set<String> known = new TreeSet<>();
    private final GraphBuilder graph;
    private final TransformerBlocks blocks;

    /** Masks of one attention: additive F32 [queries, keys] and key padding U8 [rows of keys], each or null. */
    private record Masks(Port additive, Port padding) {
    }

    TextbookGraph(TransformerConfig config, TextbookTransformer.Parts parts, Set<String> masks) {
        this.config = config;
        this.parts = parts;
        this.masks = masks;
        this.graph = new GraphBuilder(name(masks));
        this.blocks = new TransformerBlocks(graph, config.normFirst(), config.activation());
    }

    static String name(Set<String> masks) {
        return "transformer" + (masks.isEmpty() ? "" : " with " + String.join(" ", new TreeSet<>(masks)));
    }

    Graph describe() {
        Port srcSequences = graph.input(SRC_SEQUENCES, Spec.of(DataType.S32, SEQUENCES));
        TransformerGraph layers = new TransformerGraph(blocks);
        Port memory;
        if (parts.encoder() == null) {
            memory = graph.input("memory", Spec.of(DataType.F32, SRC_ROWS, config.dModel()));
        } else {
            boolean alone = parts.decoder() == null;
            Masks self = masks(alone ? "mask" : "src_mask", "src_key_padding_mask", SRC_LEN, SRC_LEN, SRC_ROWS);
            memory = layers.encoder(parts.encoder().layers(), parts.encoder().norm(), embedded("src", parts.srcEmbedding(), SRC_ROWS),
                    attend(self, srcSequences, srcSequences));
        }
        Port out = parts.decoder() == null ? memory : decode(layers, memory, srcSequences);
        graph.output(OUT, parts.output() == null ? out : blocks.linear("output", parts.output(), out));
        Set<String> unknown = new TreeSet<>(masks);
        unknown.removeAll(known);
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException("this model has no inputs " + unknown + ", only " + known);
        }
        return graph.build();
    }

    private Port decode(TransformerGraph layers, Port memory, Port srcSequences) {
        Port sequences = graph.input(TGT_SEQUENCES, Spec.of(DataType.S32, SEQUENCES));
        Port tgt = embedded("tgt", parts.tgtEmbedding(), TGT_ROWS);
        Masks self = masks("tgt_mask", "tgt_key_padding_mask", TGT_LEN, TGT_LEN, TGT_ROWS);
        Masks cross = masks("memory_mask", "memory_key_padding_mask", TGT_LEN, SRC_LEN, SRC_ROWS);
        return layers.decoder(parts.decoder(), tgt, i -> attend(self, sequences, sequences), i ->
                crossAttend(i, memory, cross, sequences, srcSequences));
    }

    private UnaryOperator<Port> crossAttend(int layer, Port memory, Masks cross, Port sequences, Port srcSequences) {
        String name = "decoder." + layer + ".cross";
        return query -> attend(cross, sequences, srcSequences).attend(name + ".attend", query,
                blocks.linear(name + ".key", parts.decoder().layers().get(layer).cross().key(), memory),
                blocks.linear(name + ".value", parts.decoder().layers().get(layer).cross().value(), memory));
    }

    private TransformerBlocks.Attend attend(Masks given, Port sequences, Port keySequences) {
        AttentionOp op = new AttentionOp(AttentionOp.Source.SEPARATE, config.numHeads(), config.numHeads(), config.headDim(), false,
                given.additive() == null ? MaskKind.NONE : MaskKind.QUERY_KEY, given.padding() != null);
        return (name, q, k, v) -> {
            List<Port> operands = new ArrayList<>(List.of(q, k, v, sequences, keySequences));
            if (given.additive() != null) {
                operands.add(given.additive());
            }
            if (given.padding() != null) {
                operands.add(given.padding());
            }
            return graph.add(name, op, operands.toArray(Port[]::new));
        };
    }

    /** sqrt(dModel) * (x W + b) + positions, one product; the input itself where the model has no embedding. */
    private Port embedded(String name, Linear.Part embedding, String rows) {
        known.add(name);
        if (embedding == null) {
            return graph.input(name, Spec.of(DataType.F32, rows, config.dModel()));
        }
        Port x = graph.input(name, Spec.of(DataType.F32, rows, embedding.weight().shape().dim(1)));
        Port positions = graph.input(name + "_positions", Spec.of(DataType.F32, rows, config.dModel()));
        return graph.add(name + "_embedding", new Linear(List.of(embedding), Activation.NONE, (float) Math.sqrt(config.dModel()), true), x,
                positions);
    }

    private Masks masks(String mask, String padding, String queries, String keys, String keyRows) {
        known.add(mask);
        known.add(padding);
        return new Masks(
                masks.contains(mask) ? graph.input(mask, Spec.of(DataType.F32, Dim.free(queries), Dim.free(keys))) : null,
                masks.contains(padding) ? graph.input(padding, Spec.of(DataType.U8, keyRows)) : null);
    }
}
