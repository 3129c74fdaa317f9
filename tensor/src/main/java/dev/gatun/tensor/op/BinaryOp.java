package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import java.util.List;

/**
 * dst = activation(src0 (operator) src1), element by element; a dimension of 1 in src1 is repeated. Both have
 * the same rank; dst has src0's shape and takes its memory where nothing reads it later.
 *
 * @param operator   what joins the two
 * @param activation applied last
 */
public record BinaryOp(Operator operator, Activation activation) implements Op {

    /** Arithmetic of two operands. */
    public enum Operator { ADD, SUB, MUL, DIV, MAX, MIN }

    /** Without activation. */
    public BinaryOp(Operator operator) {
        this(operator, Activation.NONE);
    }

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src0 = inputs.get(0);
        TensorDesc src1 = inputs.get(1);
        check(src0.shape(), src1.shape());
        MemoryDesc dst = src0.memoryDesc(context.arena());
        Attributes attributes = Attributes.create(context.arena());
        activation.appendTo(attributes);
        PrimitiveDesc desc = PrimitiveDesc.binary(
                context.arena(), algorithm(), dst, src1.memoryDesc(context.arena()), dst, attributes);
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src0).input(1, Args.SRC_1, src1)
                .build(src0, CompiledOp.Sharing.mayOverwrite(0));
    }

    private void check(Shape a, Shape b) {
        boolean fits = a.rank() == b.rank();
        for (int i = 0; fits && i < a.rank(); i++) {
            fits = a.dim(i) == b.dim(i) || b.dim(i) == 1;
        }
        if (!fits) {
            throw new ShapeException("Binary", "src0 " + a + ", src1 " + b
                    + ": src1 must have the same dimensions, or 1 where it is repeated", a, b);
        }
    }

    private int algorithm() {
        return switch (operator) {
            case ADD -> Algorithms.BINARY_ADD;
            case SUB -> Algorithms.BINARY_SUB;
            case MUL -> Algorithms.BINARY_MUL;
            case DIV -> Algorithms.BINARY_DIV;
            case MAX -> Algorithms.BINARY_MAX;
            case MIN -> Algorithms.BINARY_MIN;
        };
    }
}
