package dev.gatun.models.onnx;

import java.util.List;

/** What an input, an output or an edge of an ONNX graph holds. */
public sealed interface OnnxValue permits OnnxTensor, OnnxValue.Sequence, OnnxValue.Optional {

    /**
     * A list.
     *
     * @param values in order
     */
    record Sequence(List<OnnxValue> values) implements OnnxValue {
        /** Copies. */
        public Sequence {
            values = List.copyOf(values);
        }
    }

    /**
     * A value or none.
     *
     * @param value null if there is none
     */
    record Optional(OnnxValue value) implements OnnxValue {
    }
}
