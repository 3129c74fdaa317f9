package dev.gatun.models.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Lists of tensors, and values that may be missing. */
final class SequenceOps {
    private SequenceOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "SequenceEmpty" -> Operators.one(c -> new OnnxValue.Sequence(List.of()));
            case "SequenceConstruct" -> Operators.one(c -> {
                List<OnnxValue> values = new ArrayList<>();
                for (int i = 0; i < c.inputCount(); i++) {
                    values.add(c.value(i));
                }
                return new OnnxValue.Sequence(values);
            });
            case "SequenceAt" -> Operators.one(c -> list(c).get(place(c, 1, list(c).size())));
            case "SequenceLength" -> Operators.one(c -> c.ofLongs(new long[] {list(c).size()}).view());
            case "SequenceInsert" -> Operators.one(c -> {
                List<OnnxValue> values = new ArrayList<>(list(c));
                values.add(c.has(2) ? place(c, 2, values.size() + 1) : values.size(), c.value(1));
                return new OnnxValue.Sequence(values);
            });
            case "SequenceErase" -> Operators.one(c -> {
                List<OnnxValue> values = new ArrayList<>(list(c));
                values.remove(c.has(1) ? place(c, 1, values.size()) : values.size() - 1);
                return new OnnxValue.Sequence(values);
            });
            case "ConcatFromSequence" -> Operators.one(SequenceOps::concat);
            case "SplitToSequence" -> Operators.one(SequenceOps::split);
            case "SequenceMap" -> Operators.many(SequenceOps::map);
            case "Optional" -> Operators.one(c -> new OnnxValue.Optional(c.has(0) ? c.value(0) : null));
            case "OptionalHasElement" -> Operators.one(c -> c.scalar(OnnxType.BOOL,
                    c.has(0) && !(c.value(0) instanceof OnnxValue.Optional o && o.value() == null) ? 1 : 0));
            case "OptionalGetElement" -> Operators.one(c -> {
                OnnxValue inner = c.value(0) instanceof OnnxValue.Optional o ? o.value() : c.value(0);
                c.require(inner != null, "the optional value is not there");
                return inner;
            });
            default -> null;
        };
    }

    private static List<OnnxValue> list(Call c) {
        OnnxValue value = c.value(0) instanceof OnnxValue.Optional o && o.value() != null ? o.value() : c.value(0);
        if (value instanceof OnnxValue.Sequence sequence) {
            return sequence.values();
        }
        throw new IllegalArgumentException("operand 0 is no sequence");
    }

    private static int place(Call c, int operand, int size) {
        return (int) GatherOps.index(c.in(operand).whole(0), size);
    }

    private static OnnxTensor concat(Call c) {
        List<OnnxTensor> parts = list(c).stream().map(OnnxTensor.class::cast).toList();
        c.require(!parts.isEmpty(), "an empty sequence has no type");
        if (c.flag("new_axis")) {
            return ControlOps.stack(c, parts, (int) c.i("axis", 0), false);
        }
        return MoveOps.concat(c, c.axis("axis", 0, parts.getFirst().rank()), parts.toArray(OnnxTensor[]::new));
    }

    private static OnnxValue split(Call c) {
        OnnxTensor x = c.in(0);
        int axis = c.axis("axis", 0, x.rank());
        long length = x.dim(axis);
        boolean single = !c.has(1);
        long[] sizes;
        if (single || c.in(1).rank() == 0) {
            long chunk = single ? 1 : c.in(1).whole(0);
            c.require(chunk > 0, "parts must have a size");
            sizes = new long[Math.toIntExact(Math.ceilDiv(length, chunk))];
            for (int i = 0; i < sizes.length; i++) {
                sizes[i] = Math.min(chunk, length - i * chunk);
            }
        } else {
            sizes = c.in(1).longs();
            c.require(Arrays.stream(sizes).allMatch(s -> s >= 0) && Arrays.stream(sizes).sum() == length, "parts do not add up");
        }
        long[] strides = Walk.dense(x.dims());
        List<OnnxValue> parts = new ArrayList<>();
        long at = 0;
        for (long size : sizes) {
            long[] dims = x.dims();
            dims[axis] = size;
            OnnxTensor part = MoveOps.gathered(c, x, dims, at * strides[axis], strides);
            boolean[] gone = new boolean[x.rank()];
            gone[axis] = single && c.i("keepdims", 1) == 0;
            parts.add(part.view(ReduceOps.pick(dims, gone, false)));
            at += size;
        }
        return new OnnxValue.Sequence(parts);
    }

    private static OnnxValue[] map(Call c) {
        Program body = c.graph("body");
        List<OnnxValue> first = list(c);
        List<List<OnnxValue>> results = new ArrayList<>();
        for (int i = 0; i < body.outputs().size(); i++) {
            results.add(new ArrayList<>());
        }
        for (int i = 0; i < first.size(); i++) {
            OnnxValue[] inputs = new OnnxValue[c.inputCount()];
            for (int k = 0; k < inputs.length; k++) {
                if (c.value(k) instanceof OnnxValue.Sequence s) {
                    c.require(s.values().size() == first.size(), "sequences have different lengths");
                    inputs[k] = s.values().get(i);
                } else {
                    inputs[k] = c.value(k);
                }
            }
            OnnxValue[] out = c.run(body, inputs);
            for (int k = 0; k < out.length; k++) {
                results.get(k).add(out[k]);
            }
        }
        return results.stream().map(OnnxValue.Sequence::new).toArray(OnnxValue[]::new);
    }
}
