package dev.gatun.models.onnx;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.ByteConv;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Layer;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.ByteResult;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.FunctionOp;
import dev.gatun.tensor.op.MatMulOp;
import dev.gatun.tensor.op.Op;
import dev.gatun.tensor.op.ReorderOp;
import dev.gatun.tensor.op.ReshapeOp;
import dev.gatun.tensor.op.SoftmaxOp;
import dev.gatun.tensor.op.StridedOp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A part of a program that is being described as a graph of Gatun's, for one set of sizes, step by step. */
final class Region {
    /** Dimensions of what kernels compute element by element. */
    private static final int MAX_RANK = 4;

    private final GraphBuilder graph;
    private final Packed packed;
    private final Arena arena;
    /** Values of the program that are read, by slot. */
    private final Map<Integer, Val> inputs = new LinkedHashMap<>();
    /** What is the same in every run, by name of the input that takes it. */
    private final Map<String, Tensor> fixed = new LinkedHashMap<>();
    private final Map<Object, Port> known = new HashMap<>();
    /** Operands of steps that only move elements, while such a step is followed: by made-up addresses. */
    private final Map<Long, Val> followed = new HashMap<>();
    /** Ports whose kernels may choose a layout. */
    private final Set<Port> laidOut = new HashSet<>();
    private long work;
    private long rows = 1;

    /** @param arena of what is the same in every run of these sizes */
    Region(String name, Packed packed, Arena arena) {
        this.graph = new GraphBuilder(name);
        this.packed = packed;
        this.arena = arena;
    }

    static String inputName(int slot) {
        return "value " + slot;
    }

    Map<Integer, Val> inputs() {
        return inputs;
    }

    Map<String, Tensor> fixed() {
        return fixed;
    }

    /** Elements made and multiplications done, roughly. */
    long work() {
        return work;
    }

    /** Of the largest product. */
    long rows() {
        return rows;
    }

    /** A FLOAT value that is there before the region runs. */
    Val input(int slot, long... dims) {
        return input(slot, DataType.F32, dims);
    }

    /** A value that is there before the region runs. */
    Val input(int slot, DataType type, long... dims) {
        return inputs.computeIfAbsent(slot, s -> Val.dense(graph.input(inputName(s), spec(type, dims)), dims));
    }

    DataType type(Val v) {
        return v.port == null ? DataType.F32 : type(v.port);
    }

    DataType type(Port port) {
        return graph.desc(port).type();
    }

    private static Spec spec(DataType type, long... dims) {
        return Spec.of(type, Arrays.stream(dims).boxed().toArray());
    }

    /** What is the same in every run. */
    Port constant(OnnxTensor tensor) {
        Object key = List.of("constant", tensor.segment().address(), tensor.segment().byteSize());
        return known.computeIfAbsent(key, k -> fixed(tensor.tensor(tensor.dims())));
    }

    private Port fixed(Tensor tensor) {
        String name = "constant " + fixed.size();
        fixed.put(name, tensor);
        return graph.input(name, spec(tensor.type(), tensor.shape().dims()));
    }

    Port floats(float value, long... dims) {
        return known.computeIfAbsent(List.of(value, Arrays.toString(dims)), k -> {
            Tensor tensor = Tensor.allocate(arena, TensorDesc.of(DataType.F32, dims));
            if (value != 0 && tensor.shape().elementCount() > 0) {
                fill(tensor.segment(), value);
            }
            return fixed(tensor);
        });
    }

    private static void fill(MemorySegment floats, float value) {
        floats.set(ValueLayout.JAVA_FLOAT, 0, value);
        for (long done = Float.BYTES; done < floats.byteSize(); done *= 2) {
            MemorySegment.copy(floats, 0, floats, done, Math.min(done, floats.byteSize() - done));
        }
    }

    /** Adds something once. */
    Port once(Object key, java.util.function.Supplier<Port> make) {
        Port found = known.get(key);
        if (found == null) {
            found = make.get();
            known.put(key, found);
        }
        return found;
    }

    /** Sequences of one length that lie end to end. */
    Port sequences(long count, long length) {
        return known.computeIfAbsent(List.of("sequences", count, length), k -> {
            int[] offsets = new int[Math.toIntExact(count + 2)];
            offsets[0] = Math.toIntExact(count);
            for (int i = 0; i <= count; i++) {
                offsets[i + 1] = Math.toIntExact(i * length);
            }
            return fixed(Tensor.ofInts(arena, offsets, offsets.length));
        });
    }

    /** A constant of the model as a layer takes it; the same object whenever it is asked for. */
    Weight weight(OnnxTensor constant, long... dims) {
        return packed.get(constant, "weight " + Arrays.toString(dims),
                a -> new Weight("weight " + Arrays.toString(dims), constant.tensor(dims)));
    }

    Packed packed() {
        return packed;
    }

    Port add(String name, Layer layer, long multiplications, Port... operands) {
        Port port = graph.add(name, layer, operands);
        boolean rows = layer instanceof Linear || layer instanceof LayerNorm || layer instanceof Apply(Op op)
                && (op instanceof MatMulOp || op instanceof AttentionOp || op instanceof ReshapeOp || op instanceof StridedOp
                        || op instanceof ReorderOp);
        if (layer instanceof Conv || layer instanceof ByteConv || !rows && Arrays.stream(operands).anyMatch(laidOut::contains)) {
            laidOut.add(port);
        }
        work += multiplications + graph.desc(port).shape().elementCount();
        return port;
    }

    Port add(String name, Op op, Port... operands) {
        return add(name, new Apply(op), 0, operands);
    }

    void countRows(long count) {
        rows = Math.max(rows, count);
    }

    long[] dims(Port port) {
        return graph.desc(port).shape().dims();
    }

    /** The value as a port of its own dimensions. */
    Port port(Val v) {
        return port(v, v.dims);
    }

    /** The value as rows of its last dimension. */
    Port rows(Val v) {
        long columns = v.dims.length == 0 ? 1 : v.dim(-1);
        return port(v, v.size() / columns, columns);
    }

    /** The value's elements in their order, with other dimensions. */
    Port port(Val v, long... dims) {
        return reshaped(anyPort(v), dims);
    }

    /** A port with the value's elements in their order and any dimensions. */
    Port anyPort(Val v) {
        if (v.made == null) {
            v.made = v.late != null ? floats(v.late) : v.scores != null ? product(v) : moved(v);
            if (v.scale != 1) {
                long[] ones = new long[dims(few(v.made)).length];
                Arrays.fill(ones, 1);
                v.made = add("scale", new BinaryOp(BinaryOp.Operator.MUL), few(v.made), floats(v.scale, ones));
            }
        }
        return v.made;
    }

    private Port floats(Val.Late late) {
        Port port = late.maker().make(1, ByteResult.FLOATS);
        if (!late.isBounded()) {
            return port;
        }
        return late.low() == 0 && late.high() == Float.POSITIVE_INFINITY ? add("relu", new EltwiseOp(Activation.RELU), few(port))
                : add("clip", new FunctionOp(FunctionOp.Kind.CLIP, Math.max(late.low(), -Float.MAX_VALUE), Math.min(late.high(),
                        Float.MAX_VALUE)), few(port));
    }

    private boolean isDense(Val v) {
        return v.isDense(Call.product(dims(v.port), 0, dims(v.port).length));
    }

    private Port moved(Val v) {
        if (isDense(v)) {
            return v.port;
        }
        Port flat = reshaped(v.port, Call.product(dims(v.port), 0, dims(v.port).length));
        boolean single = v.dims.length == 0;
        return add("move", new StridedOp(v.offset, single ? new long[] {1} : v.dims, single ? new long[] {1} : v.forward()), flat);
    }

    /** The value row-major. */
    Port plain(Val v, long... dims) {
        Port port = port(v, dims);
        return laidOut.contains(port) ? once(List.of("plain", port), () -> add("reorder", new ReorderOp(DataType.F32,
                MemoryFormat.ROW_MAJOR), port)) : port;
    }

    private Port reshaped(Port port, long... dims) {
        return Arrays.equals(dims(port), dims) ? port
                : known.computeIfAbsent(List.of(port, Arrays.toString(dims)), k -> add("reshape", new ReshapeOp(dims), port));
    }

    private Port product(Val v) {
        Val.Scores s = v.scores;
        Val other = s.b().swapped();
        boolean transposed = other != null && s.b().made == null && !isDense(s.b()) && isDense(other);
        Port y = add("product", new Apply(new MatMulOp(transposed, s.scale(), Activation.NONE)), v.size() * s.a().dim(-1),
                pages(s.a()), pages(transposed ? other : s.b()));
        y = s.mask() == null ? y : binary(BinaryOp.Operator.ADD, Val.dense(y, v.dims), s.mask());
        return s.softmax() ? add("softmax", new SoftmaxOp(-1, false), reshaped(y, v.size() / v.dim(-1), v.dim(-1))) : y;
    }

    /** Matrices, one behind the other. */
    private Port pages(Val v) {
        int rank = v.dims.length;
        return plain(v, Call.product(v.dims, 0, rank - 2), v.dim(-2), v.dim(-1));
    }

    /** Of a's dimensions, along which b is repeated; neighbours that are repeated alike are one. Null if more than four are left. */
    Port binary(BinaryOp.Operator op, Val a, Val b) {
        if (Arrays.equals(a.dims, b.dims)) {
            Port x = few(anyPort(a));
            return add(op.name(), new BinaryOp(op), x, port(b, dims(x)));
        }
        long[] other = padded(b.dims, a.dims.length);
        long[] left = new long[a.dims.length];
        long[] right = new long[a.dims.length];
        int rank = 0;
        for (int i = 0; i < other.length; i++) {
            boolean joins = rank > 0 && a.dims.length > MAX_RANK && (other[i] == a.dims[i]) == (right[rank - 1] == left[rank - 1]);
            if (joins) {
                rank--;
            }
            left[rank] = a.dims[i] * (joins ? left[rank] : 1);
            right[rank] = other[i] * (joins ? right[rank] : 1);
            rank++;
        }
        return rank > MAX_RANK ? null : add(op.name(), new BinaryOp(op), port(a, Arrays.copyOf(left, rank)), port(b,
                Arrays.copyOf(right, rank)));
    }

    /** A port with its elements in no more dimensions than kernels take. */
    Port few(Port port) {
        long[] dims = dims(port);
        return dims.length <= MAX_RANK ? port : reshaped(port, Call.product(dims, 0, dims.length));
    }

    /** With ones in front. */
    static long[] padded(long[] dims, int rank) {
        long[] all = new long[rank];
        Arrays.fill(all, 1);
        System.arraycopy(dims, 0, all, rank - dims.length, dims.length);
        return all;
    }

    Val reshape(Val v, long... dims) {
        Val seen = v.reshaped(dims);
        return seen != null ? seen : Val.reshaped(port(v, dims), v, dims);
    }

    /** A stand-in for a value, of which kernels that only move elements make views. */
    OnnxTensor standIn(Val v) {
        long address = 64L * (followed.size() + 1);
        followed.put(address, v);
        return new OnnxTensor(OnnxType.FLOAT, dev.gatun.tensor.Shape.of(v.dims), MemorySegment.ofAddress(address), null, null);
    }

    /** The value that a stand-in, or a view of it, is meant to be. */
    Val meant(OnnxTensor standIn) {
        return reshape(followed.get(standIn.segment().address()), standIn.dims());
    }

    Graph build(Map<String, Port> outputs) {
        outputs.forEach(graph::output);
        return graph.build();
    }
}
