package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.ByteKernels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.ByteConvOp;
import dev.gatun.tensor.op.ByteMapOp;
import dev.gatun.tensor.op.ByteMeanOp;
import dev.gatun.tensor.op.BytePairOp;
import dev.gatun.tensor.op.ByteResult;
import dev.gatun.tensor.op.ByteScaleOp;
import dev.gatun.tensor.op.ReorderOp;
import dev.gatun.tensor.op.Window;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Our own kernels over bytes. Pictures are channels-last: operands that are not become so first. */
final class ByteOps {
    private ByteOps() {
    }

    static CompiledOp conv(ByteConvOp op, CompileContext context, List<TensorDesc> inputs, TensorDesc result) {
        Shape s = inputs.getFirst().shape();
        int rank = s.rank();
        Window w = op.window();
        ByteKernels.Convolution sizes = new ByteKernels.Convolution(op.filters().sizes(), s.dim(0), pair(s, 1), pair(result.shape(), 1),
                pair(w == null ? null : w.strides(), 1), pair(w == null ? null : w.dilations(), 1),
                pair(w == null ? null : w.paddingBegin(), 0));
        TensorDesc dst = TensorDesc.of(result.type(), result.shape(), format(rank));
        return Laid.out(context, inputs, new KernelOp("byte_conv", dst, ByteKernels.scratchBytes(sizes, context.threads()),
                CompiledOp.Sharing.NONE, b -> ByteKernels.conv(b.arena(), sizes, source(b, 0, op.zero()), op.filters().packed(),
                        b.dst().segment(), b.scratchpad(), result(op.result()))));
    }

    private static long[] pair(Shape s, long missing) {
        long[] spatial = new long[s.rank() - 2];
        for (int i = 0; i < spatial.length; i++) {
            spatial[i] = s.dim(i + 2);
        }
        return pair(spatial, missing);
    }

    private static long[] pair(long[] values, long missing) {
        int n = values == null ? 0 : values.length;
        return new long[] {n > 1 ? values[0] : missing, n > 0 ? values[n - 1] : missing};
    }

    static CompiledOp pair(BytePairOp op, CompileContext context, List<TensorDesc> inputs, TensorDesc result) {
        Shape a = inputs.get(0).shape();
        boolean same = inputs.get(0).format() == inputs.get(1).format() && a.equals(inputs.get(1).shape());
        ByteKernels.Pages pages = a.equals(inputs.get(1).shape()) ? new ByteKernels.Pages(1, 1, a.elementCount()) : pages(a);
        MemoryFormat format = same && inputs.getFirst().isRowMajor() ? MemoryFormat.ROW_MAJOR : format(a.rank());
        CompiledOp kernel = new KernelOp("byte_pair", TensorDesc.of(result.type(), a, format), CompiledOp.Sharing.NONE,
                b -> ByteKernels.pair(b.arena(), pages, source(b, 0, op.aZero()), source(b, 1, op.bZero()), op.product(),
                        new float[] {op.aFactor(), op.bFactor()}, b.dst().segment(), result(op.result())));
        return format == MemoryFormat.ROW_MAJOR && a.rank() > 2 ? kernel : Laid.out(context, inputs, kernel);
    }

    private static ByteKernels.Pages pages(Shape s) {
        return new ByteKernels.Pages(s.dim(0), s.elementCount() / s.dim(0) / s.dim(1), s.dim(1));
    }

    static CompiledOp mean(ByteMeanOp op, CompileContext context, List<TensorDesc> inputs, TensorDesc result) {
        ByteKernels.Pages pages = pages(inputs.getFirst().shape());
        return Laid.out(context, inputs, new KernelOp("byte_mean", TensorDesc.of(result.type(), result.shape(), format(result.shape()
                .rank())), CompiledOp.Sharing.NONE, b -> ByteKernels.mean(b.arena(), pages, source(b, 0, op.zero()),
                        op.factor() / pages.rows(), b.dst().segment(), result(op.result()))));
    }

    static CompiledOp scale(ByteScaleOp op, CompileContext context, List<TensorDesc> inputs, TensorDesc result) {
        return plain(context, inputs, result, "byte_scale", b -> ByteKernels.scale(b.arena(), result.shape().elementCount(),
                source(b, 0, op.zero()), op.scale(), b.dst().segment(), result(op.result())));
    }

    static CompiledOp map(ByteMapOp op, CompileContext context, List<TensorDesc> inputs, TensorDesc result) {
        MemorySegment table = context.arena().allocate(256);
        for (int i = 0; i < 256; i++) {
            table.set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, op.table().get(i));
        }
        return plain(context, inputs, result, "byte_map", b -> ByteKernels.map(b.inputs().getFirst().segment(), table, b.dst().segment(),
                result.shape().elementCount()));
    }

    /** Element by element, in any plain layout. */
    private static CompiledOp plain(CompileContext context, List<TensorDesc> inputs, TensorDesc result, String name,
            java.util.function.Function<Binding, Runnable> binder) {
        TensorDesc src = inputs.getFirst();
        boolean blocked = src.format() == MemoryFormat.BLOCKED;
        MemoryFormat format = blocked ? format(src.shape().rank()) : src.format();
        CompiledOp kernel = new KernelOp(name, TensorDesc.of(result.type(), result.shape(), format), CompiledOp.Sharing.NONE, binder);
        return blocked ? Laid.out(context, inputs, kernel) : kernel;
    }

    private static MemoryFormat format(int rank) {
        return rank == 3 || rank == 4 ? MemoryFormat.CHANNELS_LAST : MemoryFormat.ROW_MAJOR;
    }

    private static ByteKernels.Source source(Binding b, int i, int zero) {
        return new ByteKernels.Source(kind(b.inputs().get(i).type()), b.inputs().get(i).segment(), zero);
    }

    private static ByteKernels.Kind kind(DataType type) {
        return ByteKernels.Kind.valueOf(type.name());
    }

    private static ByteKernels.Result result(ByteResult r) {
        return new ByteKernels.Result(kind(r.type()), r.zero(), r.low(), r.high());
    }

    /**
     * A kernel after operands of another layout became channels-last, in scratchpad memory.
     *
     * @param reorders one for each operand; null of one that is as it should be
     */
    private record Laid(List<CompiledOp> reorders, CompiledOp op) implements CompiledOp {

        static CompiledOp out(CompileContext context, List<TensorDesc> inputs, CompiledOp op) {
            List<CompiledOp> reorders = new ArrayList<>();
            for (TensorDesc input : inputs) {
                Shape s = input.shape();
                MemoryFormat format = format(s.rank());
                // One pixel or one channel: both plain layouts are the same bytes.
                boolean same = input.format() == format || input.isRowMajor() && (s.dim(1) == 1 || s.elementCount() == s.dim(0) * s.dim(1));
                reorders.add(same ? null : LayoutKernels.reorder(new ReorderOp(input.type(), format), context, List.of(input)));
            }
            return reorders.stream().allMatch(java.util.Objects::isNull) ? op : new Laid(reorders, op);
        }

        private static long aligned(long bytes) {
            return (bytes + Tensor.ALIGNMENT - 1) / Tensor.ALIGNMENT * Tensor.ALIGNMENT;
        }

        @Override
        public TensorDesc dst() {
            return op.dst();
        }

        @Override
        public long scratchpadByteSize() {
            long most = op.scratchpadByteSize();
            long copies = 0;
            for (CompiledOp r : reorders) {
                copies += r == null ? 0 : aligned(r.dst().byteSize());
                most = Math.max(most, r == null ? 0 : r.scratchpadByteSize());
            }
            return copies + most;
        }

        @Override
        public String implementation() {
            return "reorder+" + op.implementation();
        }

        @Override
        public Step bind(Binding binding) {
            List<Step> steps = new ArrayList<>();
            List<Tensor> inputs = new ArrayList<>();
            List<Tensor> copies = new ArrayList<>();
            MemorySegment rest = binding.scratchpad();
            for (CompiledOp r : reorders) {
                copies.add(r == null ? null : Tensor.of(r.dst(), rest));
                rest = r == null ? rest : rest.asSlice(aligned(r.dst().byteSize()));
            }
            for (int i = 0; i < reorders.size(); i++) {
                Tensor from = binding.inputs().get(i);
                inputs.add(copies.get(i) == null ? from : copies.get(i));
                if (copies.get(i) != null) {
                    steps.add(reorders.get(i).bind(new Binding(binding.arena(), binding.stream(), List.of(from), List.of(copies.get(i)),
                            rest)));
                }
            }
            steps.add(op.bind(new Binding(binding.arena(), binding.stream(), inputs, binding.results(), rest)));
            Step[] all = steps.toArray(Step[]::new);
            return () -> {
                for (Step step : all) {
                    step.execute();
                }
            };
        }
    }
}
