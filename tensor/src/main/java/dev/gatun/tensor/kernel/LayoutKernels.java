package dev.gatun.tensor.kernel;

import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.ConcatOp;
import dev.gatun.tensor.op.PatchTokensOp;
import dev.gatun.tensor.op.ReorderOp;
import dev.gatun.tensor.op.ScaledReorderOp;
import dev.gatun.tensor.op.StridedOp;
import java.util.ArrayList;
import java.util.List;

/** Data in another layout, type or order. */
final class LayoutKernels {
    /** {@code dnnl_data_type_undef}: reorders add in no other type than the result's. */
    private static final int AS_DST = 0;

    private LayoutKernels() {
    }

    static CompiledOp reorder(ReorderOp op, CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        TensorDesc dst = TensorDesc.of(op.type(), src.shape(), op.format());
        PrimitiveDesc desc = PrimitiveDesc.reorder(context.arena(), src.memoryDesc(context.arena()),
                dst.memoryDesc(context.arena()), Attributes.create(context.arena()));
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src).build(dst);
    }

    static CompiledOp scaled(ScaledReorderOp op, CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        TensorDesc dst = TensorDesc.of(op.type(), src.shape(), op.format());
        Attributes attributes = Attributes.create(context.arena()).scales(Args.SRC, 0).scales(Args.DST, 0);
        PrimitiveDesc desc = PrimitiveDesc.reorder(
                context.arena(), src.memoryDesc(context.arena()), dst.memoryDesc(context.arena()), attributes);
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src)
                .constant(Args.scalesOf(Args.SRC), Tensor.ofFloats(context.arena(), new float[] {op.srcScale()}, 1))
                .constant(Args.scalesOf(Args.DST), Tensor.ofFloats(context.arena(), new float[] {op.dstScale()}, 1))
                .build(dst);
    }

    static CompiledOp flatten(CompileContext context, List<TensorDesc> inputs, TensorDesc dst) {
        TensorDesc src = inputs.get(0);
        if (src.isRowMajor()) {
            return new View(dst);
        }
        MemoryDesc rows = OneDnnOp.wanted(context, src.shape(), src.type(), MemoryFormat.ROW_MAJOR);
        PrimitiveDesc reorder = PrimitiveDesc.reorder(
                context.arena(), src.memoryDesc(context.arena()), rows, Attributes.create(context.arena()));
        return OneDnnOp.of(context, reorder).input(0, Args.SRC, src).dst(rows).build(dst);
    }

    static CompiledOp strided(StridedOp op, CompileContext context, TensorDesc dst) {
        MemoryDesc shown = MemoryDesc.ofStrides(context.arena(), op.dims(), DataType.F32.oneDnn(), op.strides());
        MemoryDesc dense = MemoryDesc.ofStrides(context.arena(), op.dims(), DataType.F32.oneDnn(), dst.shape().rowMajorStrides());
        PrimitiveDesc desc = PrimitiveDesc.reorder(context.arena(), shown, dense, Attributes.create(context.arena()));
        return OneDnnOp.of(context, desc).dst(dense).input(0, Args.SRC, shown, op.offset() * DataType.F32.byteSize(),
                op.reach() * DataType.F32.byteSize()).build(dst);
    }

    /** The first operand's memory with other dimensions. */
    private record View(TensorDesc dst) implements CompiledOp {
        @Override
        public Sharing sharing() {
            return Sharing.view(0);
        }

        @Override
        public String implementation() {
            return "view";
        }

        @Override
        public Step bind(Binding binding) {
            return () -> { };
        }
    }

    /** A reorder that adds to what is there, into the rows as a picture whose pixels are rows. */
    static CompiledOp patchTokens(PatchTokensOp op, CompileContext context, List<TensorDesc> inputs, TensorDesc dst) {
        TensorDesc patches = inputs.get(1);
        long[] dims = patches.shape().dims();
        long columns = dims[1];
        long tokens = dims[2] * dims[3] + op.rest();
        MemoryDesc rows = MemoryDesc.ofStrides(context.arena(), dims, DataType.F32.oneDnn(),
                new long[] {tokens * columns, 1, dims[3] * columns, columns});
        Attributes attributes = Attributes.create(context.arena());
        attributes.appendSum(1f, 0, AS_DST);
        PrimitiveDesc reorder = PrimitiveDesc.reorder(context.arena(), patches.memoryDesc(context.arena()), rows, attributes);
        return OneDnnOp.of(context, reorder).input(1, Args.SRC, patches).dst(rows).build(dst, CompiledOp.Sharing.mustOverwrite(0));
    }

    static CompiledOp concat(ConcatOp op, CompileContext context, List<TensorDesc> inputs, Shape shape) {
        int axis = op.axis() < 0 ? op.axis() + shape.rank() : op.axis();
        TensorDesc first = inputs.getFirst();
        List<MemoryDesc> sources = new ArrayList<>();
        inputs.forEach(input -> sources.add(input.memoryDesc(context.arena())));
        boolean plain = inputs.stream().allMatch(TensorDesc::isRowMajor);
        MemoryDesc dst = OneDnnOp.wanted(context, shape, first.type(), plain ? MemoryFormat.ROW_MAJOR : MemoryFormat.ANY);
        PrimitiveDesc desc = PrimitiveDesc.concat(context.arena(), dst, axis, sources, Attributes.create(context.arena()));
        OneDnnOp.Builder builder = OneDnnOp.of(context, desc);
        for (int i = 0; i < inputs.size(); i++) {
            builder.input(i, Args.multipleSrc(i), sources.get(i));
        }
        return builder.build(TensorDesc.chosen(first.type(), shape, desc.dst(context.arena(), shape.dims())));
    }
}
