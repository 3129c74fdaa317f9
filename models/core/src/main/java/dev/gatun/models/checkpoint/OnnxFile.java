package dev.gatun.models.checkpoint;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import dev.gatun.tensor.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What Gatun needs of an ONNX model: the graph's nodes and its constant tensors. The file is memory-mapped and read
 * with protobuf's wire format; tensors stay where they are in the file. Field numbers are those of onnx.proto.
 */
final class OnnxFile {
    private static final int MODEL_GRAPH = 7;
    private static final int GRAPH_NODE = 1;
    private static final int GRAPH_INITIALIZER = 5;
    private static final int NODE_INPUT = 1;
    private static final int NODE_OUTPUT = 2;
    private static final int NODE_OP_TYPE = 4;
    private static final int NODE_ATTRIBUTE = 5;
    private static final int ATTRIBUTE_NAME = 1;
    private static final int ATTRIBUTE_FLOAT = 2;
    private static final int ATTRIBUTE_TENSOR = 5;
    private static final int TENSOR_DIMS = 1;
    private static final int TENSOR_TYPE = 2;
    private static final int TENSOR_FLOATS = 4;
    private static final int TENSOR_INT64S = 7;
    private static final int TENSOR_NAME = 8;
    private static final int TENSOR_RAW = 9;
    private static final int TENSOR_LOCATION = 14;
    private static final int EXTERNAL = 1;

    private final Path file;
    private final MemorySegment bytes;
    private final Arena arena;
    private final List<Node> nodes = new ArrayList<>();
    private final Map<String, WeightSource.Entry> tensors = new LinkedHashMap<>();

    /**
     * A node of the graph.
     *
     * @param op      operator
     * @param inputs  names
     * @param outputs names
     * @param floats  float attributes by name
     */
    record Node(String op, List<String> inputs, List<String> outputs, Map<String, Float> floats) {
    }

    private OnnxFile(Path file, MemorySegment bytes, Arena arena) {
        this.file = file;
        this.bytes = bytes;
        this.arena = arena;
    }

    static OnnxFile open(Path file, Arena arena) {
        OnnxFile onnx = new OnnxFile(file, MappedFile.map(file, arena), arena);
        try {
            CodedInputStream in = CodedInputStream.newInstance(new SegmentInputStream(onnx.bytes));
            in.setSizeLimit(Integer.MAX_VALUE);
            onnx.model(in);
        } catch (IOException | IllegalArgumentException | ArithmeticException e) {
            throw new WeightException(file, "is not a whole ONNX file: " + e.getMessage(), e);
        }
        if (onnx.nodes.isEmpty()) {
            throw new WeightException(file, "is not an ONNX file: it has no graph");
        }
        return onnx;
    }

    List<Node> nodes() {
        return nodes;
    }

    /** Initializers and values of Constant nodes. */
    Map<String, WeightSource.Entry> tensors() {
        return tensors;
    }

    private interface Field {
        boolean read(int number, CodedInputStream in) throws IOException;
    }

    /** Reads the fields of a message to its end; what the reader does not take is skipped. */
    private static void fields(CodedInputStream in, Field field) throws IOException {
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (!field.read(WireFormat.getTagFieldNumber(tag), in)) {
                in.skipField(tag);
            }
        }
    }

    private interface Message {
        void read(CodedInputStream in) throws IOException;
    }

    private static boolean message(CodedInputStream in, Message message) throws IOException {
        int limit = in.pushLimit(in.readRawVarint32());
        message.read(in);
        if (in.getBytesUntilLimit() != 0) {
            throw new IOException("a message does not end where it says");
        }
        in.popLimit(limit);
        return true;
    }

    private void model(CodedInputStream in) throws IOException {
        fields(in, (number, i) -> number == MODEL_GRAPH && message(i, this::graph));
    }

    private void graph(CodedInputStream in) throws IOException {
        fields(in, (number, i) -> switch (number) {
            case GRAPH_NODE -> message(i, this::node);
            case GRAPH_INITIALIZER -> message(i, m -> tensor(m, null));
            default -> false;
        });
    }

    private void node(CodedInputStream in) throws IOException {
        List<String> inputs = new ArrayList<>();
        List<String> outputs = new ArrayList<>();
        Map<String, Float> floats = new LinkedHashMap<>();
        String[] op = {""};
        fields(in, (number, i) -> switch (number) {
            case NODE_INPUT -> inputs.add(i.readString());
            case NODE_OUTPUT -> outputs.add(i.readString());
            case NODE_OP_TYPE -> {
                op[0] = i.readString();
                yield true;
            }
            // Attributes follow the outputs in every writer there is: the name of a constant is known here.
            case NODE_ATTRIBUTE -> message(i, m -> attribute(m, outputs.isEmpty() ? "" : outputs.getFirst(), floats));
            default -> false;
        });
        nodes.add(new Node(op[0], List.copyOf(inputs), List.copyOf(outputs), Map.copyOf(floats)));
    }

    private void attribute(CodedInputStream in, String constant, Map<String, Float> floats) throws IOException {
        String[] name = {""};
        fields(in, (number, i) -> switch (number) {
            case ATTRIBUTE_NAME -> {
                name[0] = i.readString();
                yield true;
            }
            case ATTRIBUTE_FLOAT -> {
                floats.put(name[0], i.readFloat());
                yield true;
            }
            case ATTRIBUTE_TENSOR -> message(i, m -> tensor(m, constant));
            default -> false;
        });
    }

    /** What a TensorProto says, field by field. */
    private static final class Fields {
        private final List<Long> dims = new ArrayList<>();
        private final List<Float> floats = new ArrayList<>();
        private final List<Long> longs = new ArrayList<>();
        private int type;
        private String name = "";
        private MemorySegment raw;
        private int location;
    }

    private void tensor(CodedInputStream in, String constant) throws IOException {
        Fields tensor = new Fields();
        fields(in, (number, i) -> tensorField(tensor, number, i));
        String name = constant != null ? constant : tensor.name;
        if (tensor.location == EXTERNAL) {
            throw new WeightException(file, "tensor " + name + ": its data is in another file; export the model into one file");
        }
        Shape shape = Shape.of(tensor.dims.stream().mapToLong(Long::longValue).toArray());
        String type = typeName(tensor.type);
        MemorySegment data = tensor.raw;
        if (data == null && type.equals("F32")) {
            data = arena.allocate(Math.max(1, tensor.floats.size() * 4L), Float.BYTES).asSlice(0, tensor.floats.size() * 4L);
            for (int i = 0; i < tensor.floats.size(); i++) {
                data.setAtIndex(ValueLayout.JAVA_FLOAT, i, tensor.floats.get(i));
            }
        } else if (data == null && type.equals("I64")) {
            data = arena.allocate(Math.max(1, tensor.longs.size() * 8L), Long.BYTES).asSlice(0, tensor.longs.size() * 8L);
            for (int i = 0; i < tensor.longs.size(); i++) {
                data.setAtIndex(ValueLayout.JAVA_LONG, i, tensor.longs.get(i));
            }
        }
        if (data == null) {
            return;
        }
        long expected = Math.multiplyExact(shape.elementCount(), elementSize(type));
        if (expected >= 0 && data.byteSize() != expected) {
            throw new WeightException(file, "tensor " + name + ": " + type + " " + shape + " takes " + expected
                    + " bytes, the file has " + data.byteSize());
        }
        tensors.put(name, new WeightSource.Entry(type, shape, data));
    }

    private boolean tensorField(Fields tensor, int number, CodedInputStream in) throws IOException {
        switch (number) {
            case TENSOR_DIMS -> repeated(in, () -> tensor.dims.add(in.readInt64()));
            case TENSOR_TYPE -> tensor.type = in.readInt32();
            case TENSOR_FLOATS -> repeated(in, () -> tensor.floats.add(in.readFloat()));
            case TENSOR_INT64S -> repeated(in, () -> tensor.longs.add(in.readInt64()));
            case TENSOR_NAME -> tensor.name = in.readString();
            case TENSOR_RAW -> {
                int size = in.readRawVarint32();
                if (size < 0 || size > bytes.byteSize() - in.getTotalBytesRead()) {
                    throw new IOException("tensor " + tensor.name + " claims " + Integer.toUnsignedString(size)
                            + " bytes, the file has " + (bytes.byteSize() - in.getTotalBytesRead()) + " left");
                }
                tensor.raw = bytes.asSlice(in.getTotalBytesRead(), size);
                in.skipRawBytes(size);
            }
            case TENSOR_LOCATION -> tensor.location = in.readInt32();
            default -> {
                return false;
            }
        }
        return true;
    }

    private interface Element {
        void read() throws IOException;
    }

    /** A repeated number, packed (one length, then the numbers) or one by one. */
    private static void repeated(CodedInputStream in, Element element) throws IOException {
        if (WireFormat.getTagWireType(in.getLastTag()) != WireFormat.WIRETYPE_LENGTH_DELIMITED) {
            element.read();
            return;
        }
        int limit = in.pushLimit(in.readRawVarint32());
        while (in.getBytesUntilLimit() > 0) {
            element.read();
        }
        in.popLimit(limit);
    }

    private static String typeName(int type) {
        return switch (type) {
            case 1 -> "F32";
            case 2 -> "U8";
            case 3 -> "I8";
            case 6 -> "I32";
            case 7 -> "I64";
            case 9 -> "BOOL";
            case 10 -> "F16";
            case 11 -> "F64";
            case 16 -> "BF16";
            default -> "type " + type;
        };
    }

    private static long elementSize(String type) {
        return switch (type) {
            case "F64", "I64" -> 8;
            case "F32", "I32" -> 4;
            case "F16", "BF16" -> 2;
            case "U8", "I8", "BOOL" -> 1;
            default -> -1;
        };
    }

    /** Reads a segment as a stream whose skip costs nothing. */
    private static final class SegmentInputStream extends InputStream {
        private final MemorySegment segment;
        private long position;

        SegmentInputStream(MemorySegment segment) {
            this.segment = segment;
        }

        @Override
        public int read() {
            return position < segment.byteSize() ? segment.get(ValueLayout.JAVA_BYTE, position++) & 0xff : -1;
        }

        @Override
        public int read(byte[] target, int offset, int length) {
            long rest = segment.byteSize() - position;
            if (rest == 0) {
                return length == 0 ? 0 : -1;
            }
            int count = (int) Math.min(length, rest);
            MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, position, target, offset, count);
            position += count;
            return count;
        }

        @Override
        public long skip(long count) {
            long skipped = Math.clamp(count, 0, segment.byteSize() - position);
            position += skipped;
            return skipped;
        }
    }
}
