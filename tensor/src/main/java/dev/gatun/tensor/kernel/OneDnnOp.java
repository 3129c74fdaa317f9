package dev.gatun.tensor.kernel;

import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.Memory;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.Primitive;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.util.ArrayList;
import java.util.List;

/**
 * A compiled oneDNN primitive: which argument each input, constant and result is. Built by the operations
 * of this package, so that each of them says only what is its own.
 */
final class OneDnnOp implements CompiledOp {
    private final Primitive primitive;
    private final String implementation;
    private final TensorDesc dst;
    private final MemoryDesc dstDesc;
    private final MemoryDesc scratchpad;
    private final Sharing sharing;
    private final List<Input> inputs;
    private final List<Constant> constants;
    private final long scratchpadByteSize;

    /** An input of the plan's: its position among the operands, which argument it is, and the bytes that it reaches. */
    private record Input(int operand, int argument, MemoryDesc desc, Adapter adapter, long from, long byteSize) {
    }

    /** Brings an input into the layout that the kernel wants, in scratchpad memory behind the kernel's own. */
    private record Adapter(Primitive primitive, MemoryDesc wanted, MemoryDesc scratchpad, long offset) {
    }

    /** Data of the model's, such as packed weights. */
    private record Constant(int argument, MemoryDesc desc, Tensor data) {
    }

    private OneDnnOp(Builder builder, TensorDesc dst, Sharing sharing) {
        CompileContext context = builder.context;
        this.primitive = Primitive.create(context.arena(), builder.desc);
        this.implementation = builder.adapted ? "reorder+" + builder.desc.implementation() : builder.desc.implementation();
        this.dst = dst;
        this.dstDesc = builder.dstDesc != null ? builder.dstDesc : dst.memoryDesc(context.arena());
        this.scratchpad = builder.scratchpad;
        this.scratchpadByteSize = builder.scratchpadByteSize;
        this.sharing = sharing;
        this.inputs = List.copyOf(builder.inputs);
        this.constants = List.copyOf(builder.constants);
    }

    static Builder of(CompileContext context, PrimitiveDesc desc) {
        return new Builder(context, desc);
    }

    /** What to ask a kernel for: a tensor in a plain layout, or in the one it likes best. */
    static MemoryDesc wanted(CompileContext context, Shape shape, DataType type, MemoryFormat format) {
        return MemoryDesc.ofTag(context.arena(), shape.dims(), type.oneDnn(), format.tag(shape.rank()));
    }

    /** Collects the arguments. */
    static final class Builder {
        private final CompileContext context;
        private final PrimitiveDesc desc;
        private final List<Input> inputs = new ArrayList<>();
        private final List<Constant> constants = new ArrayList<>();
        private final MemoryDesc scratchpad;
        private long scratchpadByteSize;
        private MemoryDesc dstDesc;
        private boolean adapted;

        private Builder(CompileContext context, PrimitiveDesc desc) {
            this.context = context;
            this.desc = desc;
            this.scratchpad = desc.scratchpad(context.arena());
            this.scratchpadByteSize = scratchpad.byteSize();
        }

        Builder input(int operand, int argument, TensorDesc tensor) {
            return input(operand, argument, tensor.memoryDesc(context.arena()));
        }

        Builder input(int operand, int argument, MemoryDesc memory) {
            return input(operand, argument, memory, 0, memory.byteSize());
        }

        /** A part of an input, from a byte on, as many as its strides reach. */
        Builder input(int operand, int argument, MemoryDesc memory, long from, long byteSize) {
            inputs.add(new Input(operand, argument, memory, null, from, byteSize));
            return this;
        }

        /** An input that the kernel wants in a layout which the tensor may not have: then it is reordered first. */
        Builder reorderedInput(int operand, int argument, TensorDesc tensor, MemoryDesc wanted) {
            MemoryDesc actual = tensor.memoryDesc(context.arena());
            if (actual.sameAs(wanted)) {
                return input(operand, argument, actual);
            }
            PrimitiveDesc reorder = PrimitiveDesc.reorder(context.arena(), actual, wanted, Attributes.create(context.arena()));
            MemoryDesc own = reorder.scratchpad(context.arena());
            long offset = align(scratchpadByteSize);
            scratchpadByteSize = align(offset + wanted.byteSize()) + own.byteSize();
            inputs.add(new Input(operand, argument, actual,
                    new Adapter(Primitive.create(context.arena(), reorder), wanted, own, offset), 0,
                    actual.byteSize()));
            adapted = true;
            return this;
        }

        private static long align(long bytes) {
            return (bytes + Tensor.ALIGNMENT - 1) / Tensor.ALIGNMENT * Tensor.ALIGNMENT;
        }

        /** The result as the kernel sees it, where its consumers see the same bytes with other dimensions. */
        Builder dst(MemoryDesc memory) {
            dstDesc = memory;
            return this;
        }

        Builder constant(int argument, Tensor data) {
            return constant(argument, data.desc().memoryDesc(context.arena()), data);
        }

        Builder constant(int argument, MemoryDesc memory, Tensor data) {
            constants.add(new Constant(argument, memory, data));
            return this;
        }

        OneDnnOp build(TensorDesc dst) {
            return build(dst, Sharing.NONE);
        }

        OneDnnOp build(TensorDesc dst, Sharing sharing) {
            return new OneDnnOp(this, dst, sharing);
        }
    }

    @Override
    public TensorDesc dst() {
        return dst;
    }

    @Override
    public long scratchpadByteSize() {
        return scratchpadByteSize;
    }

    @Override
    public Sharing sharing() {
        return sharing;
    }

    @Override
    public String implementation() {
        return implementation;
    }

    @Override
    public Step bind(Binding binding) {
        Args args = new Args();
        Step prepare = null;
        for (Input input : inputs) {
            Memory memory = Memory.of(binding.arena(), input.desc, binding.inputs().get(input.operand).segment().asSlice(input.from),
                    input.byteSize);
            if (input.adapter != null) {
                Memory adapted = Memory.of(binding.arena(), input.adapter.wanted,
                        binding.scratchpad().asSlice(input.adapter.offset));
                prepare = then(prepare, adapt(input.adapter, memory, adapted, binding));
                memory = adapted;
            }
            args.with(input.argument, memory);
        }
        for (Constant constant : constants) {
            args.with(constant.argument, Memory.of(binding.arena(), constant.desc, constant.data.segment()));
        }
        args.with(Args.DST, Memory.of(binding.arena(), dstDesc, binding.dst().segment()));
        if (scratchpad.byteSize() > 0) {
            args.with(Args.SCRATCHPAD, Memory.of(binding.arena(), scratchpad, binding.scratchpad()));
        }
        return then(prepare, primitive.bind(binding.arena(), binding.stream(), args)::run);
    }

    private static Step adapt(Adapter adapter, Memory src, Memory dst, Binding binding) {
        Args args = new Args().with(Args.SRC, src).with(Args.DST, dst);
        if (adapter.scratchpad.byteSize() > 0) {
            long offset = Builder.align(adapter.offset + adapter.wanted.byteSize());
            args.with(Args.SCRATCHPAD, Memory.of(binding.arena(), adapter.scratchpad, binding.scratchpad().asSlice(offset)));
        }
        return adapter.primitive.bind(binding.arena(), binding.stream(), args)::run;
    }

    private static Step then(Step first, Step second) {
        if (first == null) {
            return second;
        }
        return () -> {
            first.execute();
            second.execute();
        };
    }
}
