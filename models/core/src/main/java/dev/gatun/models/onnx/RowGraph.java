package dev.gatun.models.onnx;

import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.Attention;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Layer;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.ReshapeOp;
import dev.gatun.tensor.op.SequencePoolOp;
import dev.gatun.tensor.op.StridedOp;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A region over [batch, sequence] as layers over tokens of sequences that lie end to end. A value is rows if its elements lie row by row,
 * one for each token or each text, whatever its dimensions: linear layers, norms, functions and sums keep that; attention is the only one
 * that mixes rows, of one text, of keys that the mask does not hide. Everything else is refused.
 */
final class RowGraph {
    private final Packing packing;
    private final TextSample sample;
    private final Graph region;
    private final Map<Port, TensorDesc> descs;
    private final Map<Port, Seen> seen = new HashMap<>();
    private final GraphBuilder graph;
    private final Inputs inputs;
    private final ScoreMask.Rules masks;
    /** What positions are, once they were met. */
    private int firstPosition;
    private int padId = -1;
    private Sum tables;
    private Port result;
    private Linear last;

    /**
     * What a packed graph is given.
     *
     * @param positions    null if there is no table of them
     * @param types        likewise
     * @param maxSequences that are computed together at most
     */
    record Inputs(Port ids, Port positions, Port types, Port sequences, int maxSequences) {
    }

    private sealed interface Seen {
    }

    /** Rows of the packed graph; each text's first one alone, or all. */
    private record Rows(Port port, long width, boolean first) implements Seen {
    }

    /** Rows of tables that are added; each null until it is met. */
    record Sum(OnnxTensor words, OnnxTensor positions, OnnxTensor types, boolean typeIds) implements Seen {
    }

    private record Fixed(Tensor tensor) implements Seen {
    }

    private record Mask(OnnxTensor tensor) implements Seen {
    }

    RowGraph(Packing packing, TextSample sample, Graph region, GraphBuilder graph, Inputs inputs, ScoreMask.Rules masks) {
        this.masks = masks;
        this.packing = packing;
        this.sample = sample;
        this.region = region;
        this.descs = region.infer(Sizes.NONE);
        this.graph = graph;
        this.inputs = inputs;
    }

    /** The rows of the output, or those that the last linear layer reads. */
    Port add(boolean beforeLast) {
        result = region.outputs().get("rows");
        if (beforeLast) {
            skipLast();
        }
        Set<Port> needed = needed();
        region.inputs().forEach((name, source) -> {
            if (needed.contains(source.port())) {
                seen.put(source.port(), source(name));
            }
        });
        for (Node node : region.nodes()) {
            if (!needed.contains(node.result())) {
                continue;
            }
            Seen result = node(node);
            if (result == null) {
                throw new IllegalArgumentException(node.name() + " " + node.layer().kind() + node.layer().attributes()
                        + " over " + node.operands().stream().map(descs::get).toList() + " is not computed row by row");
            }
            seen.put(node.result(), result);
        }
        return rows(result).port;
    }

    private void skipLast() {
        for (Node node : region.nodes().reversed()) {
            if (last == null && node.result().equals(result)) {
                last = node.layer() instanceof Linear linear && !linear.residual() ? linear : null;
                if (last == null && !(node.layer() instanceof Apply(ReshapeOp op))) {
                    throw new IllegalArgumentException("the output is no linear layer of rows");
                }
                result = node.operands().getFirst();
            }
        }
    }

    private Set<Port> needed() {
        Set<Port> needed = new HashSet<>(Set.of(result));
        for (Node node : region.nodes().reversed()) {
            if (node.results().stream().anyMatch(needed::contains)) {
                needed.addAll(node.operands());
            }
        }
        return needed;
    }

    /** Whether the output has a row for each text rather than each token. */
    boolean first() {
        return rows(result).first;
    }

    long width() {
        return rows(result).width;
    }

    Linear last() {
        return last;
    }

    Sum tables() {
        return tables;
    }

    int firstPosition() {
        return firstPosition;
    }

    int padId() {
        return padId;
    }

    private Seen source(String name) {
        Tensor fixed = packing.region().fixed().get(name);
        if (fixed != null) {
            return new Fixed(fixed);
        }
        int slot = Integer.parseInt(name.substring(Region.inputName(0).length() - 1));
        Packing.Lookup lookup = packing.lookups().get(slot);
        return lookup != null ? table(lookup) : new Mask(packing.outside().get(slot));
    }

    private Sum table(Packing.Lookup lookup) {
        OnnxTensor ids = packing.inputs().get(TextInput.IDS);
        OnnxTensor types = packing.inputs().get(TextInput.TYPES);
        OnnxTensor index = lookup.index();
        int length = sample.length();
        if (lookup.isOf(TextInput.IDS) && sample.isIndex(index, (b, s) -> ids.whole((long) b * length + s))) {
            return new Sum(lookup.table(), null, null, false);
        }
        if (lookup.table().dim(0) > 1 && lookup.isOf(TextInput.TYPES)
                && sample.isIndex(index, (b, s) -> types.whole((long) b * length + s))) {
            return new Sum(null, null, lookup.table(), true);
        }
        // A table of one row leaves no choice.
        if (lookup.table().dim(0) == 1 || lookup.origins() == 0 && sample.isIndex(index, (b, s) -> 0)) {
            return new Sum(null, null, lookup.table(), false);
        }
        firstPosition = Math.toIntExact(index.whole(0));
        padId = lookup.dependsOn(TextInput.IDS) ? firstPosition - 1 : -1;
        int[] next = new int[sample.batch()];
        if (lookup.dependsOn(TextInput.TYPES) || !sample.isIndex(index, (b, s) -> padId >= 0 && ids.whole((long) b * length + s) == padId
                ? firstPosition - 1 : firstPosition + next[b]++)) {
            throw new IllegalArgumentException("rows of a table of " + lookup.table() + " are chosen neither by ids, types nor positions");
        }
        return new Sum(null, lookup.table(), null, false);
    }

    private Seen node(Node node) {
        List<Port> operands = node.operands();
        return switch (node.layer()) {
            case Linear linear -> linear(node, linear);
            case LayerNorm norm -> {
                Rows x = rows(operands.getFirst());
                long columns = norm.gamma().shape().elementCount();
                yield x.width == columns ? with(x, graph.add(node.name(), norm, x.port), columns) : null;
            }
            case Apply(ReshapeOp op) -> reshaped(seen.get(operands.getFirst()), descs.get(node.result()).shape().dims());
            case Apply(EltwiseOp op) -> {
                Rows x = rows(operands.getFirst());
                yield with(x, graph.add(node.name(), op, x.port), x.width);
            }
            case Apply(BinaryOp op) -> binary(node, op);
            case Apply(StridedOp op) -> firstRows(op, operands.getFirst());
            case Apply(AttentionOp op) -> attention(node, op);
            default -> null;
        };
    }

    /** Rows stay rows; a mask must keep its dimensions, but for ones in front, and may be repeated along them later. */
    private static Seen reshaped(Seen seen, long[] dims) {
        if (!(seen instanceof Mask(OnnxTensor mask))) {
            return seen;
        }
        boolean fits = dims.length <= 4 && mask.rank() <= 4;
        for (int i = 0; fits && i < 4; i++) {
            long own = Region.padded(mask.dims(), 4)[i];
            fits = own == 1 || own == Region.padded(dims, 4)[i];
        }
        return fits ? seen : null;
    }

    private static Rows with(Rows like, Port port, long width) {
        return new Rows(port, width, like.first);
    }

    private Rows rows(Port port) {
        return switch (seen.get(port)) {
            case Rows rows -> rows;
            case Sum sum -> {
                Rows rows = embedded(sum);
                seen.put(port, rows);
                yield rows;
            }
            case null, default -> throw new IllegalArgumentException("value " + port + " is no row of a token");
        };
    }

    private Rows embedded(Sum sum) {
        if (sum.words == null || tables != null) {
            throw new IllegalArgumentException("rows of tables are added that are not a token's");
        }
        tables = sum;
        List<Port> operands = new ArrayList<>(List.of(inputs.ids));
        if (sum.positions != null) {
            operands.add(inputs.positions);
        }
        if (sum.typeIds) {
            operands.add(inputs.types);
        }
        Embedding layer = new Embedding(weight(sum.words), sum.positions == null ? null : weight(sum.positions),
                sum.types == null ? null : weight(sum.types), sum.typeIds, null, 1f);
        return new Rows(graph.add("embeddings", layer, operands.toArray(Port[]::new)), sum.words.dim(1), false);
    }

    private Weight weight(OnnxTensor table) {
        return packing.region().weight(table, table.dim(0), table.dim(1));
    }

    private Seen linear(Node node, Linear linear) {
        Rows x = rows(node.operands().getFirst());
        long in = descs.get(node.operands().getFirst()).shape().dim(1);
        Rows residual = linear.residual() ? rows(node.operands().get(1)) : null;
        if (x.width != in || residual != null && (residual.first != x.first || residual.width != linear.outFeatures())) {
            return null;
        }
        Port y = residual == null ? graph.add(node.name(), linear, x.port) : graph.add(node.name(), linear, x.port, residual.port);
        return with(x, y, linear.outFeatures());
    }

    private Seen binary(Node node, BinaryOp op) {
        Seen a = seen.get(node.operands().get(0));
        Seen b = seen.get(node.operands().get(1));
        boolean sum = op.operator() == BinaryOp.Operator.ADD && op.activation() == dev.gatun.tensor.op.Activation.NONE;
        if (sum && a instanceof Sum one && b instanceof Sum two) {
            return merged(one, two);
        }
        if (sum && a instanceof Fixed(Tensor zeros) && b instanceof Mask mask && isZero(zeros)) {
            return mask;
        }
        if (sum && a instanceof Mask(OnnxTensor x) && b instanceof Mask(OnnxTensor y)) {
            return new Mask(packing.sum(x, y));
        }
        if (sum && a instanceof Sum one && b instanceof Fixed(Tensor row) && one.types == null && one.words != null
                && row.shape().elementCount() == one.words.dim(1)
                && row.shape().dim(row.shape().rank() - 1) == one.words.dim(1)) {
            return new Sum(one.words, one.positions, OnnxTensor.of(OnnxType.FLOAT, row.segment(), 1, one.words.dim(1)), false);
        }
        if (a instanceof Fixed || b instanceof Fixed || a instanceof Mask || b instanceof Mask
                || !descs.get(node.operands().get(0)).equals(descs.get(node.operands().get(1)))) {
            return null;
        }
        Rows x = rows(node.operands().get(0));
        Rows y = rows(node.operands().get(1));
        return x.first == y.first && x.width == y.width ? with(x, graph.add(node.name(), op, x.port, y.port), x.width) : null;
    }

    private static boolean isZero(Tensor tensor) {
        for (long i = 0; i < tensor.shape().elementCount(); i++) {
            if (tensor.getFloat(i) != 0) {
                return false;
            }
        }
        return true;
    }

    private static Seen merged(Sum a, Sum b) {
        boolean twice = a.words != null && b.words != null || a.positions != null && b.positions != null
                || a.types != null && b.types != null;
        return twice ? null : new Sum(a.words == null ? b.words : a.words, a.positions == null ? b.positions : a.positions,
                a.types == null ? b.types : a.types, a.typeIds || b.typeIds);
    }

    /** The first row of each text. */
    private Seen firstRows(StridedOp op, Port from) {
        Rows x = rows(from);
        long[] dims = op.dims();
        long[] strides = op.strides();
        boolean fits = !x.first && op.offset() == 0 && Call.product(dims, 0, dims.length) == sample.batch() * x.width;
        long[] index = new long[dims.length];
        for (long i = 0; fits && i < sample.batch() * x.width; i++) {
            Walk.unravel(i, dims, index);
            long place = 0;
            for (int d = 0; d < dims.length; d++) {
                place += index[d] * strides[d];
            }
            fits = place == i / x.width * sample.length() * x.width + i % x.width;
        }
        return fits ? new Rows(graph.add("first", new SequencePoolOp(SequencePoolOp.Kind.FIRST, false, inputs.maxSequences), x.port,
                inputs.sequences), x.width, true) : null;
    }

    private Seen attention(Node node, AttentionOp op) {
        List<Port> operands = node.operands();
        AttentionOp.At at = AttentionOp.At.of(op, operands.stream().map(descs::get).toList());
        long width = (long) op.numHeads() * op.headDim();
        boolean packed = op.source() == AttentionOp.Source.PACKED;
        List<Port> tokens = new ArrayList<>();
        for (int i = 0; i < at.querySequences(); i++) {
            Rows x = rows(operands.get(i));
            if (x.first || x.width != (packed ? 3 * width : width)) {
                return null;
            }
            tokens.add(x.port);
        }
        if (at.mask() >= 0 && !(seen.get(operands.get(at.mask())) instanceof Mask)) {
            throw new IllegalArgumentException("scores are masked by what is made of rows");
        }
        ScoreMask mask = masks.next(at.mask() < 0 ? null : ((Mask) seen.get(operands.get(at.mask()))).tensor, sample, op.numHeads());
        if (!isSequences(operands.get(at.querySequences())) || !isSequences(operands.get(at.keySequences())) || at.padding() >= 0
                || op.source() == AttentionOp.Source.KEY_VALUE) {
            return null;
        }
        tokens.add(inputs.sequences);
        if (!packed) {
            tokens.add(inputs.sequences);
        }
        AttentionOp plain = new AttentionOp(op.source(), op.numHeads(), op.numKvHeads(), op.headDim(), mask.causal(),
                AttentionOp.MaskKind.NONE, false, new AttentionOp.Scores(op.scores().scale(), op.scores().softcap(), mask.window(),
                        op.scores().undefined()), null, null);
        Layer layer = mask.distances() == null ? new Apply(plain) : new Attention(plain, mask.distances());
        return new Rows(graph.add(node.name(), layer, tokens.toArray(Port[]::new)), width, false);
    }

    /** Whether all texts of the sample are sequences of its length. */
    private boolean isSequences(Port port) {
        boolean fits = seen.get(port) instanceof Fixed(Tensor t) && t.shape().elementCount() == sample.batch() + 2
                && t.getInt(0) == sample.batch();
        for (int i = 0; fits && i <= sample.batch(); i++) {
            fits = ((Fixed) seen.get(port)).tensor.getInt(i + 1) == i * sample.length();
        }
        return fits;
    }
}
