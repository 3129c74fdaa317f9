package dev.gatun.tensor.kernel;

import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.AdaptivePoolOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.ResampleOp;
import dev.gatun.tensor.op.Window;
import java.util.Arrays;
import java.util.List;

/** Pooling and resampling. */
final class PoolKernels {
    private PoolKernels() {
    }

    static CompiledOp pool(PoolOp op, CompileContext context, List<TensorDesc> inputs, Shape dst) {
        TensorDesc src = inputs.get(0);
        Window window = op.window();
        long[] end = window.paddingEnd().clone();
        boolean beyond = false;
        for (int i = 0; i < end.length; i++) {
            long reach = (dst.dim(2 + i) - 1) * window.strides()[i] + window.dilations()[i] * (op.kernel()[i] - 1) + 1;
            long missing = reach - src.shape().dim(2 + i) - window.paddingBegin()[i];
            beyond |= missing > end[i];
            end[i] = missing;
        }
        if (beyond && op.kind() == PoolOp.Kind.AVERAGE_WITH_PADDING) {
            // oneDNN divides by elements beyond the padding, which do not count.
            return PlainPool.ofWindows(op, src, dst);
        }
        PrimitiveDesc desc = PrimitiveDesc.pooling(context.arena(), algorithm(op.kind()), src.memoryDesc(context.arena()),
                OneDnnOp.wanted(context, dst, src.type(), MemoryFormat.ANY), op.kernel(), window.withPaddingEnd(end).oneDnn(),
                Attributes.create(context.arena()));
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src)
                .build(TensorDesc.chosen(src.type(), dst, desc.dst(context.arena(), dst.dims())));
    }

    private static int algorithm(PoolOp.Kind kind) {
        return switch (kind) {
            case MAX -> Algorithms.POOLING_MAX;
            case AVERAGE_WITH_PADDING -> Algorithms.POOLING_AVG_INCLUDE_PADDING;
            case AVERAGE -> Algorithms.POOLING_AVG_EXCLUDE_PADDING;
        };
    }

    static CompiledOp adaptive(AdaptivePoolOp op, CompileContext context, List<TensorDesc> inputs, Shape dst) {
        Shape s = inputs.get(0).shape();
        long[] kernel = new long[op.outputSize().length];
        boolean divides = true;
        for (int i = 0; i < kernel.length; i++) {
            divides &= s.dim(2 + i) % dst.dim(2 + i) == 0;
            kernel[i] = s.dim(2 + i) / dst.dim(2 + i);
        }
        if (!divides) {
            return PlainPool.ofAdaptive(op.maximum(), inputs.get(0), dst);
        }
        long[] none = new long[kernel.length];
        long[] dense = new long[kernel.length];
        Arrays.fill(dense, 1);
        return pool(new PoolOp(op.maximum() ? PoolOp.Kind.MAX : PoolOp.Kind.AVERAGE, kernel, new Window(kernel, dense, none, none), false),
                context, inputs, dst);
    }

    static CompiledOp resample(ResampleOp op, CompileContext context, List<TensorDesc> inputs, Shape dst) {
        TensorDesc src = inputs.get(0);
        boolean linear = op.mode() == ResampleOp.Mode.LINEAR;
        boolean whole = true;
        for (int i = 2; i < dst.rank(); i++) {
            whole &= dst.dim(i) % src.shape().dim(i) == 0;
        }
        if (!linear && !whole) {
            return Nearest.of(op.mode() == ResampleOp.Mode.NEAREST_EXACT, src, TensorDesc.of(DataType.F32, dst.dims()));
        }
        MemoryDesc wanted = OneDnnOp.wanted(context, dst, src.type(), src.isRowMajor() ? MemoryFormat.ROW_MAJOR : MemoryFormat.ANY);
        PrimitiveDesc desc = PrimitiveDesc.resampling(context.arena(), linear ? Algorithms.RESAMPLING_LINEAR
                : Algorithms.RESAMPLING_NEAREST,
                src.memoryDesc(context.arena()), wanted, Attributes.create(context.arena()));
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src)
                .build(TensorDesc.chosen(DataType.F32, dst, desc.dst(context.arena(), dst.dims())));
    }
}
