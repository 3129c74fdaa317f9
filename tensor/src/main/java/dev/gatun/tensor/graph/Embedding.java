package dev.gatun.tensor.graph;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.ArrayList;
import java.util.List;

/**
 * dst[t] = norm(scale * words[ids[t]] + positions[position[t]] + types[type[t]]): F32 [tokens, d]. Operands: ids S32 [tokens]; positions
 * S32 [tokens] if there is a table of them; types S32 [tokens] if there are {@code typeIds}. Every index is checked before it is followed.
 *
 * @param words     [vocabulary, d]
 * @param positions [positions, d], or null
 * @param types     [types, d], or null
 * @param typeIds   whether each token's type is an operand; otherwise all are of type 0
 * @param norm      of the sum, or null
 * @param scale     factor of the word's row
 */
public record Embedding(Weight words, Weight positions, Weight types, boolean typeIds, LayerNorm norm, float scale) implements Layer {

    /** Checks the shapes. */
    public Embedding {
        for (Weight table : new Weight[] {words, positions, types}) {
            if (table != null && (table.shape().rank() != 2 || table.shape().dim(1) != words.shape().dim(1))) {
                throw new ShapeException("Embedding", "words " + words + ", table " + table + ": both must be [rows, d]",
                        words.shape(), table.shape());
            }
        }
        if (typeIds && types == null) {
            throw new IllegalArgumentException("Embedding: type ids without a table of types");
        }
    }

    /** The same with a norm. */
    public Embedding withNorm(LayerNorm other) {
        return new Embedding(words, positions, types, typeIds, other, scale);
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Layer.requireCount("Embedding", operands, 1 + (positions == null ? 0 : 1) + (typeIds ? 1 : 0));
        TensorDesc ids = operands.getFirst();
        for (TensorDesc operand : operands) {
            if (operand.type() != DataType.S32 || !operand.shape().equals(ids.shape()) || ids.shape().rank() != 1) {
                throw new ShapeException("Embedding", "operands " + operands + " must all be S32 [tokens]", operand.shape());
            }
        }
        return List.of(TensorDesc.of(DataType.F32, ids.shape().dim(0), words.shape().dim(1)));
    }

    @Override
    public List<Weight> weights() {
        List<Weight> all = new ArrayList<>(List.of(words));
        if (positions != null) {
            all.add(positions);
        }
        if (types != null) {
            all.add(types);
        }
        if (norm != null) {
            all.addAll(norm.weights());
        }
        return all;
    }

    @Override
    public String attributes() {
        return (scale == 1f ? "" : " * " + scale) + (norm == null ? "" : " norm eps " + norm.epsilon());
    }
}
