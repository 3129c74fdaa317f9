package dev.gatun.bench.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Builds a graph node by node and writes it as an ONNX file (field numbers of onnx.proto, IR version 8). Values are
 * names; each call that makes one returns its name. The file must stay below 2 GB.
 */
public final class OnnxGraphWriter {
    /** TensorProto.DataType. */
    public static final int FLOAT = 1;
    public static final int UINT8 = 2;
    public static final int INT8 = 3;
    public static final int INT32 = 6;
    public static final int INT64 = 7;

    private final int opset;
    private final List<ByteString> nodes = new ArrayList<>();
    private final List<ByteString> initializers = new ArrayList<>();
    private final List<ByteString> inputs = new ArrayList<>();
    private final List<ByteString> outputs = new ArrayList<>();
    private int next;

    /** @param opset version of the operator set */
    public OnnxGraphWriter(int opset) {
        this.opset = opset;
    }

    /** Declares an input; a dimension is a number, or a name where it may vary. */
    public String input(String name, int type, Object... dims) {
        inputs.add(valueInfo(name, type, dims));
        return name;
    }

    /** Declares an output of this name. */
    public void output(String name, int type, Object... dims) {
        outputs.add(valueInfo(name, type, dims));
    }

    /** A constant of floats. */
    public String floats(float[] values, long... dims) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return constant(FLOAT, bytes.array(), dims);
    }

    /** A constant of 64-bit integers. */
    public String longs(long[] values, long... dims) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(values);
        return constant(INT64, bytes.array(), dims);
    }

    /** A constant of bytes as they are, of any type. */
    public String constant(int type, byte[] raw, long... dims) {
        String name = "c" + next++;
        initializers.add(message(out -> {
            for (long dim : dims) {
                out.writeInt64(1, dim);
            }
            out.writeInt32(2, type);
            out.writeString(8, name);
            out.writeByteArray(9, raw);
        }));
        return name;
    }

    /** A node with one output. Attributes are Long, Float, String, long[] or float[]. */
    public String node(String op, List<String> operands, Map<String, Object> attributes) {
        return node(op, operands, 1, attributes).getFirst();
    }

    /** A node with one output and no attributes. */
    public String node(String op, String... operands) {
        return node(op, List.of(operands), Map.of());
    }

    /** A node with several outputs. */
    public List<String> node(String op, List<String> operands, int outputCount, Map<String, Object> attributes) {
        List<String> results = new ArrayList<>();
        for (int i = 0; i < outputCount; i++) {
            results.add("v" + next++);
        }
        add(op, operands, results, attributes);
        return results;
    }

    /** A node whose output has a given name, such as an output of the graph. */
    public String named(String output, String op, List<String> operands, Map<String, Object> attributes) {
        add(op, operands, List.of(output), attributes);
        return output;
    }

    private void add(String op, List<String> operands, List<String> results, Map<String, Object> attributes) {
        nodes.add(message(out -> {
            for (String operand : operands) {
                out.writeString(1, operand);
            }
            for (String result : results) {
                out.writeString(2, result);
            }
            out.writeString(3, op + "_" + results.getFirst());
            out.writeString(4, op);
            for (Map.Entry<String, Object> attribute : attributes.entrySet()) {
                out.writeBytes(5, attribute(attribute.getKey(), attribute.getValue()));
            }
        }));
    }

    /** AttributeProto: the field that holds the value, and its type number. */
    private static ByteString attribute(String name, Object value) {
        return message(out -> {
            out.writeString(1, name);
            switch (value) {
                case Float f -> {
                    out.writeFloat(2, f);
                    out.writeInt32(20, 1);
                }
                case Long l -> {
                    out.writeInt64(3, l);
                    out.writeInt32(20, 2);
                }
                case String s -> {
                    out.writeBytes(4, ByteString.copyFromUtf8(s));
                    out.writeInt32(20, 3);
                }
                case float[] floats -> {
                    for (float f : floats) {
                        out.writeFloat(7, f);
                    }
                    out.writeInt32(20, 6);
                }
                case long[] longs -> {
                    for (long l : longs) {
                        out.writeInt64(8, l);
                    }
                    out.writeInt32(20, 7);
                }
                default -> throw new IllegalArgumentException("attribute " + name + " of " + value.getClass());
            }
        });
    }

    private static ByteString valueInfo(String name, int type, Object... dims) {
        ByteString shape = message(out -> {
            for (Object dim : dims) {
                out.writeBytes(1, message(d -> {
                    if (dim instanceof Number number) {
                        d.writeInt64(1, number.longValue());
                    } else {
                        d.writeString(2, dim.toString());
                    }
                }));
            }
        });
        ByteString tensor = message(out -> {
            out.writeInt32(1, type);
            out.writeBytes(2, shape);
        });
        return message(out -> {
            out.writeString(1, name);
            out.writeBytes(2, message(t -> t.writeBytes(1, tensor)));
        });
    }

    /** Writes the file. */
    public void write(Path file) throws IOException {
        try (OutputStream stream = Files.newOutputStream(file)) {
            CodedOutputStream out = CodedOutputStream.newInstance(stream, 1 << 20);
            out.writeInt64(1, 8);
            out.writeString(2, "gatun-bench");
            out.writeTag(7, 2);
            out.writeUInt32NoTag(Math.toIntExact(graphSize()));
            writeGraph(out);
            out.writeBytes(8, message(o -> {
                o.writeString(1, "");
                o.writeInt64(2, opset);
            }));
            out.flush();
        }
    }

    private void writeGraph(CodedOutputStream out) throws IOException {
        for (ByteString node : nodes) {
            out.writeBytes(1, node);
        }
        out.writeString(2, "graph");
        for (ByteString initializer : initializers) {
            out.writeBytes(5, initializer);
        }
        for (ByteString input : inputs) {
            out.writeBytes(11, input);
        }
        for (ByteString output : outputs) {
            out.writeBytes(12, output);
        }
    }

    private long graphSize() {
        long size = CodedOutputStream.computeStringSize(2, "graph");
        for (ByteString node : nodes) {
            size += CodedOutputStream.computeBytesSize(1, node);
        }
        for (ByteString initializer : initializers) {
            size += CodedOutputStream.computeBytesSize(5, initializer);
        }
        for (ByteString input : inputs) {
            size += CodedOutputStream.computeBytesSize(11, input);
        }
        for (ByteString output : outputs) {
            size += CodedOutputStream.computeBytesSize(12, output);
        }
        return size;
    }

    private interface Body {
        void write(CodedOutputStream out) throws IOException;
    }

    private static ByteString message(Body body) {
        try {
            ByteString.Output bytes = ByteString.newOutput();
            CodedOutputStream out = CodedOutputStream.newInstance(bytes);
            body.write(out);
            out.flush();
            return bytes.toByteString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
