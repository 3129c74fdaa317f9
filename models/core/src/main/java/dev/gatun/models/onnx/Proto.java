package dev.gatun.models.onnx;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;

/** The messages of onnx.proto that say what is computed, as records. */
final class Proto {
    private Proto() {
    }

    /** ModelProto. Opsets by domain; functions by {@link #key}. */
    record Model(long irVersion, Map<String, Long> opsets, Graph graph, Map<String, Function> functions) {
    }

    /** GraphProto. */
    record Graph(String name, List<Node> nodes, List<Tensor> initializers, List<Sparse> sparse, List<Info> inputs, List<Info> outputs) {
    }

    /** NodeProto; the empty name of an input or output is one that is left out. */
    record Node(String name, String domain, String op, String overload, List<String> inputs, List<String> outputs,
            Map<String, Attribute> attributes) {
        String key() {
            return Proto.key(domain, op, overload);
        }

        String label() {
            return "node " + (name.isEmpty() ? outputs.isEmpty() ? "" : "of " + outputs.getFirst() : name) + " ("
                    + (domain.isEmpty() ? "" : domain + ".")
                    + op + ")";
        }
    }

    /** FunctionProto. Attribute defaults may be empty. */
    record Function(List<String> inputs, List<String> outputs, Map<String, Attribute> defaults, List<Node> nodes, Map<String,
            Long> opsets) {
    }

    /**
     * AttributeProto: a Float, Long, String, Tensor, Graph, Type, float[], long[], List of String, of Tensor or of Graph; or a reference.
     */
    record Attribute(String name, Object value, String reference) {
    }

    /** TensorProto. Numbers hold typed data bit by bit; raw and numbers may both be null. */
    record Tensor(String name, long[] dims, long type, MemorySegment raw, Wire.Numbers numbers, List<byte[]> texts,
            Map<String, String> external) {
    }

    /** SparseTensorProto. */
    record Sparse(Tensor values, Tensor indices, long[] dims) {
    }

    /** ValueInfoProto. */
    record Info(String name, Type type) {
    }

    /** TypeProto: tensor, sequence, optional, map or another; dimensions are numbers, names or null; null if nothing is said of them. */
    record Type(Kind kind, long element, List<Object> dims, Type of) {
        enum Kind { TENSOR, SEQUENCE, OPTIONAL, MAP, SPARSE, OPAQUE, UNKNOWN }
    }

    static String key(String domain, String op, String overload) {
        return domain + ":" + op + (overload.isEmpty() ? "" : ":" + overload);
    }
}
