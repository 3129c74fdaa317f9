package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Memory;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.Primitive;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.Binding;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Step;
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

    /** An input of the plan's: its position among the operands, and which argument it is. */
    private record Input(int operand, int argument, MemoryDesc desc) {
    }

    /** Data of the model's, such as packed weights. */
    private record Constant(int argument, MemoryDesc desc, Tensor data) {
    }

    private OneDnnOp(Builder builder, TensorDesc dst, Sharing sharing) {
        CompileContext context = builder.context;
        this.primitive = Primitive.create(context.arena(), builder.desc);
        this.implementation = builder.desc.implementation();
        this.dst = dst;
        this.dstDesc = dst.memoryDesc(context.arena());
        this.scratchpad = builder.desc.scratchpad(context.arena());
        this.sharing = sharing;
        this.inputs = List.copyOf(builder.inputs);
        this.constants = List.copyOf(builder.constants);
    }

    static Builder of(CompileContext context, PrimitiveDesc desc) {
        return new Builder(context, desc);
    }

    /** Collects the arguments. */
    static final class Builder {
        private final CompileContext context;
        private final PrimitiveDesc desc;
        private final List<Input> inputs = new ArrayList<>();
        private final List<Constant> constants = new ArrayList<>();

        private Builder(CompileContext context, PrimitiveDesc desc) {
            this.context = context;
            this.desc = desc;
        }

        Builder input(int operand, int argument, TensorDesc tensor) {
            return input(operand, argument, tensor.memoryDesc(context.arena()));
        }

        Builder input(int operand, int argument, MemoryDesc memory) {
            inputs.add(new Input(operand, argument, memory));
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
        return scratchpad.byteSize();
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
        for (Input input : inputs) {
            args.with(input.argument, Memory.of(binding.arena(), input.desc, binding.inputs().get(input.operand).segment()));
        }
        for (Constant constant : constants) {
            args.with(constant.argument, Memory.of(binding.arena(), constant.desc, constant.data.segment()));
        }
        args.with(Args.DST, Memory.of(binding.arena(), dstDesc, binding.dst().segment()));
        if (scratchpad.byteSize() > 0) {
            args.with(Args.SCRATCHPAD, Memory.of(binding.arena(), scratchpad, binding.scratchpad()));
        }
        return primitive.bind(binding.arena(), binding.stream(), args)::run;
    }
}
