package dev.gatun.models.onnx;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Reads the messages of {@link Proto}. Field numbers are those of onnx.proto. Unknown fields are skipped, as protobuf does. */
final class ProtoReader {
    private ProtoReader() {
    }

    static Proto.Model model(MemorySegment bytes) {
        Wire in = new Wire(bytes);
        long ir = 0;
        Map<String, Long> opsets = new LinkedHashMap<>();
        Proto.Graph graph = null;
        Map<String, Proto.Function> functions = new LinkedHashMap<>();
        while (in.next()) {
            switch (in.field()) {
                case 1 -> ir = in.number();
                case 7 -> graph = graph(in.message());
                case 8 -> opset(in.message(), opsets);
                case 25 -> function(in.message(), functions);
                default -> in.skip();
            }
        }
        if (graph == null) {
            throw new IllegalArgumentException("holds no graph: it is not an ONNX model, or is cut off");
        }
        return new Proto.Model(ir, opsets, graph, functions);
    }

    private static String domain(String name) {
        return name.equals("ai.onnx") ? "" : name;
    }

    private static void opset(Wire in, Map<String, Long> opsets) {
        String domain = "";
        long version = 0;
        while (in.next()) {
            switch (in.field()) {
                case 1 -> domain = domain(in.string());
                case 2 -> version = in.number();
                default -> in.skip();
            }
        }
        opsets.put(domain, version);
    }

    private static void function(Wire in, Map<String, Proto.Function> functions) {
        String name = "";
        String domain = "";
        String overload = "";
        Proto.Function f = new Proto.Function(new ArrayList<>(), new ArrayList<>(), new LinkedHashMap<>(), new ArrayList<>(),
                new LinkedHashMap<>());
        while (in.next()) {
            switch (in.field()) {
                case 1 -> name = in.string();
                case 4 -> f.inputs().add(in.string());
                case 5 -> f.outputs().add(in.string());
                case 7 -> f.nodes().add(node(in.message()));
                case 9 -> opset(in.message(), f.opsets());
                case 10 -> domain = domain(in.string());
                case 11 -> {
                    Proto.Attribute a = attribute(in.message());
                    f.defaults().put(a.name(), a);
                }
                case 13 -> overload = in.string();
                default -> in.skip();
            }
        }
        if (functions.put(Proto.key(domain, name, overload), f) != null) {
            throw new IllegalArgumentException("two functions named " + Proto.key(domain, name, overload));
        }
    }

    private static Proto.Graph graph(Wire in) {
        Proto.Graph g = new Proto.Graph("", new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        String name = "";
        while (in.next()) {
            switch (in.field()) {
                case 1 -> g.nodes().add(node(in.message()));
                case 2 -> name = in.string();
                case 5 -> g.initializers().add(tensor(in.message()));
                case 11 -> g.inputs().add(info(in.message()));
                case 12 -> g.outputs().add(info(in.message()));
                case 15 -> g.sparse().add(sparse(in.message()));
                default -> in.skip();
            }
        }
        return new Proto.Graph(name, g.nodes(), g.initializers(), g.sparse(), g.inputs(), g.outputs());
    }

    private static Proto.Node node(Wire in) {
        List<String> inputs = new ArrayList<>();
        List<String> outputs = new ArrayList<>();
        Map<String, Proto.Attribute> attributes = new LinkedHashMap<>();
        String name = "";
        String domain = "";
        String op = "";
        String overload = "";
        while (in.next()) {
            switch (in.field()) {
                case 1 -> inputs.add(in.string());
                case 2 -> outputs.add(in.string());
                case 3 -> name = in.string();
                case 4 -> op = in.string();
                case 5 -> {
                    Proto.Attribute a = attribute(in.message());
                    attributes.put(a.name(), a);
                }
                case 7 -> domain = domain(in.string());
                case 8 -> overload = in.string();
                default -> in.skip();
            }
        }
        return new Proto.Node(name, domain, op, overload, inputs, outputs, attributes);
    }

    /** What is set when the type is not said, as in files of IR version 1. */
    private static Proto.Attribute attribute(Wire in) {
        String name = "";
        String reference = null;
        long type = 0;
        Map<Integer, Object> single = new LinkedHashMap<>();
        Wire.Numbers floats = new Wire.Numbers();
        Wire.Numbers ints = new Wire.Numbers();
        Map<Integer, List<Object>> lists = new LinkedHashMap<>();
        while (in.next()) {
            switch (in.field()) {
                case 1 -> name = in.string();
                case 2 -> single.put(1, Float.intBitsToFloat((int) in.number()));
                case 3 -> single.put(2, in.number());
                case 4 -> single.put(3, in.string());
                case 5 -> single.put(4, tensor(in.message()));
                case 6 -> single.put(5, graph(in.message()));
                case 7 -> in.numbers(floats, Wire.FIXED32);
                case 8 -> in.numbers(ints, Wire.VARINT);
                case 9 -> add(lists, 8, in.string());
                case 10 -> add(lists, 9, tensor(in.message()));
                case 11 -> add(lists, 10, graph(in.message()));
                case 14 -> single.put(13, type(in.message()));
                case 20 -> type = in.number();
                case 21 -> reference = in.string();
                case 22 -> single.put(11, sparse(in.message()));
                default -> in.skip();
            }
        }
        return new Proto.Attribute(name, value(type, single, floats, ints, lists), reference == null || reference.isEmpty() ? null
                : reference);
    }

    private static void add(Map<Integer, List<Object>> lists, int kind, Object value) {
        lists.computeIfAbsent(kind, k -> new ArrayList<>()).add(value);
    }

    private static Object value(long type, Map<Integer, Object> single, Wire.Numbers floats, Wire.Numbers ints, Map<Integer,
            List<Object>> lists) {
        int kind = (int) type;
        if (kind == 0) {
            kind = !single.isEmpty() ? single.keySet().iterator().next() : floats.count() > 0 ? 6 : ints.count() > 0 ? 7
                    : lists.isEmpty() ? 0 : lists.keySet().iterator().next();
        }
        return switch (kind) {
            case 1 -> single.getOrDefault(1, 0f);
            case 2 -> single.getOrDefault(2, 0L);
            case 3 -> single.getOrDefault(3, "");
            case 6 -> {
                float[] values = new float[floats.count()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = Float.intBitsToFloat((int) floats.get(i));
                }
                yield values;
            }
            case 7 -> ints.toArray();
            case 8, 9, 10 -> lists.getOrDefault(kind, List.of());
            default -> single.get(kind);
        };
    }

    static Proto.Tensor tensor(Wire in) {
        String name = "";
        Wire.Numbers dims = new Wire.Numbers();
        long type = 0;
        MemorySegment raw = null;
        Wire.Numbers numbers = null;
        List<byte[]> texts = null;
        Map<String, String> external = new LinkedHashMap<>();
        boolean outside = false;
        while (in.next()) {
            switch (in.field()) {
                case 1 -> in.numbers(dims, Wire.VARINT);
                case 2 -> type = in.number();
                case 4, 5, 7, 10, 11 -> {
                    numbers = numbers == null ? new Wire.Numbers() : numbers;
                    in.numbers(numbers, in.field() == 4 ? Wire.FIXED32 : in.field() == 10 ? Wire.FIXED64 : Wire.VARINT);
                }
                case 6 -> {
                    texts = texts == null ? new ArrayList<>() : texts;
                    texts.add(in.slice().toArray(ValueLayout.JAVA_BYTE));
                }
                case 8 -> name = in.string();
                case 9 -> raw = in.slice();
                case 13 -> entry(in.message(), external);
                case 14 -> outside = in.number() == 1;
                default -> in.skip();
            }
        }
        return new Proto.Tensor(name, dims.toArray(), type, raw, numbers, texts, outside ? external : null);
    }

    private static void entry(Wire in, Map<String, String> to) {
        String key = "";
        String value = "";
        while (in.next()) {
            switch (in.field()) {
                case 1 -> key = in.string();
                case 2 -> value = in.string();
                default -> in.skip();
            }
        }
        to.put(key, value);
    }

    private static Proto.Sparse sparse(Wire in) {
        Proto.Tensor values = null;
        Proto.Tensor indices = null;
        Wire.Numbers dims = new Wire.Numbers();
        while (in.next()) {
            switch (in.field()) {
                case 1 -> values = tensor(in.message());
                case 2 -> indices = tensor(in.message());
                case 3 -> in.numbers(dims, Wire.VARINT);
                default -> in.skip();
            }
        }
        if (values == null || indices == null) {
            throw new IllegalArgumentException("a sparse tensor lacks values or indices");
        }
        return new Proto.Sparse(values, indices, dims.toArray());
    }

    private static Proto.Info info(Wire in) {
        String name = "";
        Proto.Type type = new Proto.Type(Proto.Type.Kind.UNKNOWN, 0, null, null);
        while (in.next()) {
            switch (in.field()) {
                case 1 -> name = in.string();
                case 2 -> type = type(in.message());
                default -> in.skip();
            }
        }
        return new Proto.Info(name, type);
    }

    private static Proto.Type type(Wire in) {
        Proto.Type type = new Proto.Type(Proto.Type.Kind.UNKNOWN, 0, null, null);
        while (in.next()) {
            switch (in.field()) {
                case 1 -> type = shaped(in.message(), Proto.Type.Kind.TENSOR);
                case 4 -> type = of(in.message(), 1, Proto.Type.Kind.SEQUENCE);
                case 5 -> type = of(in.message(), 2, Proto.Type.Kind.MAP);
                case 7 -> {
                    in.skip();
                    type = new Proto.Type(Proto.Type.Kind.OPAQUE, 0, null, null);
                }
                case 8 -> type = shaped(in.message(), Proto.Type.Kind.SPARSE);
                case 9 -> type = of(in.message(), 1, Proto.Type.Kind.OPTIONAL);
                default -> in.skip();
            }
        }
        return type;
    }

    private static Proto.Type of(Wire in, int elementField, Proto.Type.Kind kind) {
        Proto.Type element = null;
        while (in.next()) {
            if (in.field() == elementField) {
                element = type(in.message());
            } else {
                in.skip();
            }
        }
        return new Proto.Type(kind, 0, null, element);
    }

    private static Proto.Type shaped(Wire in, Proto.Type.Kind kind) {
        long element = 0;
        List<Object> dims = null;
        while (in.next()) {
            switch (in.field()) {
                case 1 -> element = in.number();
                case 2 -> dims = list(in.message(), ProtoReader::dimension);
                default -> in.skip();
            }
        }
        return new Proto.Type(kind, element, dims, null);
    }

    private static List<Object> list(Wire in, Function<Wire, Object> read) {
        List<Object> values = new ArrayList<>();
        while (in.next()) {
            if (in.field() == 1) {
                values.add(read.apply(in.message()));
            } else {
                in.skip();
            }
        }
        return values;
    }

    private static Object dimension(Wire in) {
        Object value = null;
        while (in.next()) {
            switch (in.field()) {
                case 1 -> value = in.number();
                case 2 -> value = in.string();
                default -> in.skip();
            }
        }
        return value;
    }
}
