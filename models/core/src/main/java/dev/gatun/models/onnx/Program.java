package dev.gatun.models.onnx;

import java.util.List;
import java.util.Map;

/**
 * A graph ready to be walked: every value has a slot in a frame. Constants are in the slots of {@code constants}; values of enclosing
 * graphs are reached by how many frames up they are.
 *
 * @param slots     size of a frame
 * @param inputs    slots of the inputs, in order
 * @param outputs   where the outputs are
 * @param steps     nodes in order
 * @param constants values that are the same in every run
 */
record Program(int slots, List<Integer> inputs, List<Ref> outputs, List<Step> steps, Map<Integer, OnnxValue> constants) {

    Program withSlots(int count) {
        return new Program(count, inputs, outputs, steps, constants);
    }

    /**
     * A value.
     *
     * @param up   how many frames up
     * @param slot in that frame; -1 for an input that is left out
     */
    record Ref(int up, int slot) {
        static final Ref NONE = new Ref(0, -1);
    }

    /**
     * A node.
     *
     * @param node       for messages
     * @param kernel     computes it
     * @param version    of the operator set of its domain
     * @param inputs     operands
     * @param outputs    slots of results; -1 for one that is left out
     * @param attributes decoded: Float, Long, String, OnnxTensor, Program, Proto.Type, float[], long[], List
     * @param dying      slots that nobody reads after this
     */
    record Step(Proto.Node node, Kernel kernel, int version, List<Ref> inputs, int[] outputs, Map<String, Object> attributes, int[] dying) {
        Step with(List<Ref> operands) {
            return new Step(node, kernel, version, operands, outputs, attributes, dying);
        }

        /** Steps are keys of caches. */
        @Override
        public boolean equals(Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }

        Step withDying(int[] slots) {
            return new Step(node, kernel, version, inputs, outputs, attributes, slots);
        }
    }

    /** Values of a run of a graph, inside of another's. */
    record Frame(OnnxValue[] values, Frame parent) {
        OnnxValue get(Ref ref) {
            Frame frame = this;
            for (int i = 0; i < ref.up(); i++) {
                frame = frame.parent;
            }
            return ref.slot() < 0 ? null : frame.values[ref.slot()];
        }
    }
}
